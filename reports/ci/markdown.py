"""Regression verdicts as one pull-request comment, for a reviewer who has a minute."""

from __future__ import annotations

from collections.abc import Sequence

from evals.regression.records import SuiteVerdict
from evals.spending.accounts import total
from evals.spending.wording import spending_said
from reports import numbers
from reports.ci import views
from reports.ci.room import Block, fit, fit_all
from reports.ci.sections import suite_blocks
from reports.markup import MOST_CHARACTERS, table, table_row, words

MARKER = "<!-- tunegate:ci -->"
"""The first line, by which the one comment to update is found."""

_BOUNDS_SAID = (
    "\nBounds are one-sided at 5 %: PASS where the loss at the lower bound is within the margin, "
    "FAIL where it is beyond the margin even at the upper one.\n"
)
_TABLE_ROOM = 14_000
_PASSED_ROOM = 6_000
_LEAST_SECTION = 1_200  # below that a section says too little: others are counted instead
_NOTE_ROOM = 200
_HEAD = ("Suite", "Result", "Metric", "Baseline → now", "Difference (bounds)", "Margin", "Cases")


def render_ci_markdown(verdicts: Sequence[SuiteVerdict]) -> str:
    """All verdicts, at most 60,000 characters: the result first, the worst suites in full.

    Raises NothingRunError where there is no verdict: nothing is no pass.
    """
    ordered = views.worst_first(verdicts)
    loud = [verdict for verdict in ordered if verdict.result not in ("pass", "skipped")]
    quiet = [verdict for verdict in ordered if verdict.result in ("pass", "skipped")]
    head = _head(verdicts) + fit(_table(ordered), _TABLE_ROOM) + _BOUNDS_SAID
    lines = fit(_passed(quiet), _PASSED_ROOM) if quiet else ""
    room = MOST_CHARACTERS - len(head) - len(lines)
    sections = _sections(loud, room, "did not pass")
    return head + sections + lines + _folded(quiet, room - len(sections))


def _head(verdicts: Sequence[SuiteVerdict]) -> str:
    result = views.overall(verdicts)
    lines = [MARKER, f"## tunegate: {views.RESULT_WORDS[result]}", ""]
    lines.append(f"**{words(views.reason(verdicts), 500)}**")
    if result not in ("pass", "skipped"):
        lines[-1] += f" {views.weight(verdicts)}"
    took = total(verdict.spent for verdict in verdicts)
    if took:
        lines += ["", f"The answers took {words(spending_said(took))} when they were made."]
    return "\n".join([*lines, "", ""])


def _table(verdicts: Sequence[SuiteVerdict]) -> Block:
    rows = []
    for row in map(views.suite_row, verdicts):
        word = views.RESULT_WORDS[row.result]
        result = word if row.result == "pass" else f"**{word}**"
        cells = [words(row.suite, 80), result, words(row.metric, 80)]
        rows.append(
            table_row([*cells, _whole(row.score), _whole(row.difference), row.margin, row.cases])
        )
    head = table(_HEAD, [], numeric_from=3)
    return Block(head, tuple(rows), noun="suite", nouns="suites")


def _whole(figures: str) -> str:
    """Figures that a narrow table may break only before their brackets."""
    return figures.replace(" ", "\u00a0").replace("\u00a0(", " (")


def _sections(verdicts: Sequence[SuiteVerdict], room: int, left_out: str) -> str:
    """The suites in full: room is shared, and what one does not need the next ones have.

    `left_out` says of suites that have no room what they did.
    """
    room -= _NOTE_ROOM
    shown = verdicts[: max(0, room // _LEAST_SECTION)]
    text = ""
    for left, verdict in zip(range(len(shown), 0, -1), shown, strict=True):
        section = "\n" + fit_all(suite_blocks(verdict), room // left - 1)
        text, room = text + section, room - len(section)
    rest = len(verdicts) - len(shown)
    if rest:
        text += f"\n_Left out here: {numbers.plural(rest, 'suite')} that {left_out}._\n"
    return text


def _passed(verdicts: Sequence[SuiteVerdict]) -> Block:
    entries = tuple(_passed_line(verdict) for verdict in verdicts)
    return Block("\n### Passed\n\n", entries, noun="suite", nouns="suites")


def _passed_line(verdict: SuiteVerdict) -> str:
    if verdict.result == "skipped":
        return f"- {words(verdict.suite, 80)}: skipped\n"
    said = [f"{words(verdict.primary, 80)} {views.bounded_score(verdict)}"]
    said += [f"{len(verdict.lost)} lost"] if verdict.lost else []
    said += [f"{len(verdict.gained)} gained"] if verdict.gained else []
    said += ["**the gate's definition changed, and was reviewed**"] if verdict.changes else []
    if verdict.drift:
        said.append(f"**{numbers.plural(len(verdict.drift), 'note')} on what is not as accepted**")
    return f"- {words(verdict.suite, 80)}: {', '.join(said)}\n"


def _folded(verdicts: Sequence[SuiteVerdict], room: int) -> str:
    """The passing suites in full, folded away, as far as there is room."""
    if not verdicts:
        return ""
    start, end = "\n<details><summary>In full</summary>\n", "\n</details>\n"
    inside = room - len(start) - len(end)
    if inside < _LEAST_SECTION + _NOTE_ROOM:
        return ""
    return start + _sections(verdicts, inside, "passed") + end
