"""A job's records as Markdown for a pull request: verdict first, then counts, worst cases.

Hostile text has two ways in. `_words` writes it as text: every character that Markdown,
HTML or a forge could read as more is a numeric entity, and a mention or reference is
broken by an invisible space. `_literal` writes it as a code span whose fence is longer
than any run of backticks inside. Both are one line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from evals.text import visible
from reports import numbers
from reports.attempts import AttemptsView
from reports.cases import CasesView, CaseView
from reports.cost import CostView
from reports.outcome import GuardsView, OutcomeView, SingleView
from reports.stored import NotRun
from reports.verdict import ReasonsView, VerdictView
from reports.views import Page, page_view
from tuning.records import JobRecord

MOST_CHARACTERS = 60_000
MOST_ROWS = 20
MOST_CASES = 40
TEXT = 300

# What could be read as more than text: anything but letters, digits and harmless signs;
# underscores outside words; colons that make links or emoji; `www.`; a bullet in front.
_ACTIVE = re.compile(
    r"""[^\w\s,;.:()%+=/?!"'\u2019\u2212\u2013\u2192\u00d7…-]"""
    r"""|(?<![^\W_])_|_(?![^\W_])|:(?=\S)|(?<=www)\.|^[-+=]""",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"^(\d{1,9})([.)])(?=\s|$)")  # "1." in front begins a list
_SPACE = re.compile(r"\s+")


def render_markdown(job: JobRecord) -> str:
    """The report in short, at most 60,000 characters: the same records, the same text.

    Raises RecordError when the job names a run that it does not hold.
    """
    page = page_view(job)
    parts = [
        _verdict(page, page.verdict),
        _section("Before and after", page.outcome, _outcome),
        _section("What must not be lost", page.guards, _guards),
        _section("Why", page.reasons, _reasons),
        _section("How prompting was tried", page.attempts, _attempts),
        _section("Cost", page.cost, _cost),
    ]
    end = _reproduce(page)
    text = "\n".join(parts)
    room = MOST_CHARACTERS - len(text) - len(end) - 2
    if room < 0:  # a suite with absurdly long names: what is said first stays
        cut = "\n\n_Cut here: the rest is in the HTML report._\n"
        text, room = text[: MOST_CHARACTERS - len(end) - len(cut) - 2] + cut, 0
    return f"{text}\n{_cases(page.cases, room)}{end}"


def _words(text: str, most: int = TEXT) -> str:
    """Untrusted text as text: nothing in it is markup, a mention, a link or a cell's end."""
    line = _SPACE.sub(" ", visible(text[: 4 * most], layout=True)).strip()
    cut = line if len(line) <= most else line[:most] + "…"
    safe = _ACTIVE.sub(_entity, cut)
    return _NUMBERED.sub(lambda m: f"{m[1]}&#{ord(m[2])};", safe)


def _entity(match: re.Match[str]) -> str:
    character = match[0]
    # An entity alone does not stop a forge: it looks for mentions after decoding.
    return f"&#{ord(character)};" + ("&#8203;" if character in "@#" else "")


def _literal(text: str, most: int = TEXT) -> str:
    """Untrusted text as a code span on one line."""
    line = visible(text, most)
    if not line.strip():
        return "_(empty)_"
    longest = max((len(run) for run in re.findall("`+", line)), default=0)
    fence = "`" * (longest + 1)
    edge = " " if longest or line[0] == " " or line[-1] == " " else ""
    return f"{fence}{edge}{line}{edge}{fence}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], numeric_from: int = 1) -> str:
    """A table whose cells are already safe; columns from `numeric_from` on stand right."""
    rule = ["---" if i < numeric_from else "---:" for i in range(len(head))]
    lines = [head, rule, *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _section(title: str, view: object, write: object) -> str:
    if isinstance(view, NotRun):
        return f"## {title}\n\nNot run. {_words(view.what)}: {_literal(view.command)}\n"
    assert callable(write)
    return f"## {title}\n\n{write(view)}"


def _verdict(page: Page, verdict: VerdictView) -> str:
    lines = [f"# {_words(page.suite)}: {verdict.main.headline}", ""]
    if verdict.override:
        lines += [f"> **Override.** A person went past the gate: {_words(verdict.override)}", ""]
    lines += [f"**{_words(verdict.main.sentence, 1_000)}**", ""]
    if verdict.earlier:
        earlier = verdict.earlier
        lines += [f"{earlier.name}: {earlier.headline}. {_words(earlier.sentence, 1_000)}", ""]
    lines += [
        f"- {_words(t.label)}: **{_words(t.value)}** ({_words(t.detail)})" for t in verdict.tiles
    ]
    if verdict.next_steps:
        lines += ["", "Next:", ""]
        lines += [f"- {_words(step)}" for step in verdict.next_steps[:MOST_ROWS]]
    lines += ["", "How sure this is:", ""]
    lines += [f"- {_words(c.label)}: {_words(c.text, 600)}" for c in verdict.caveats[:MOST_ROWS]]
    return "\n".join([*lines, ""])


def _outcome(view: OutcomeView | SingleView) -> str:
    if isinstance(view, SingleView):
        rows = [[_words(name), score, bounds] for name, score, bounds in view.rows]
        return f"Only {_words(view.label)}:\n\n" + _table(
            ["Metric", "Score", "95 % interval"], rows
        )
    head = ["", "Before", "After", "Difference", "Wins", "Losses", "Ties"]
    rows = [
        [
            _words(row.name, 80),
            f"{row.before} ({row.before_bounds})",
            f"{row.after} ({row.after_bounds})",
            f"**{row.difference}** ({row.difference_bounds})",
            row.wins,
            row.losses,
            row.ties,
        ]
        for row in (*view.metrics[:MOST_ROWS], *view.slices[:MOST_ROWS])
    ]
    sides = f"{_words(view.before_label)} before, {_words(view.after_label)} after.\n\n"
    return sides + _table(head, rows)


def _guards(view: GuardsView) -> str:
    head = ["Guard", "Result", "Base", "Tuned", "Difference", "Margin", "Cases"]
    rows = [
        [
            _words(row.suite, 80),
            row.result_label,
            row.base,
            row.tuned,
            f"{row.difference} ({row.difference_bounds})",
            row.margin,
            row.cases,
        ]
        for row in view.rows[:MOST_ROWS]
    ]
    return _table(head, rows, numeric_from=2)


def _reasons(view: ReasonsView) -> str:
    rows = [
        [
            _words(rule.title, 120),
            f"**{rule.status_label}**" if rule.status == "applies" else rule.status_label,
            _words(rule.evidence),
        ]
        for rule in view.rules[:MOST_ROWS]
    ]
    table = _table(["Question", "Answer", "Evidence"], rows, numeric_from=3)
    return table + "".join(f"\n- {_words(reason)}" for reason in view.shipping[:MOST_ROWS]) + "\n"


def _attempts(view: AttemptsView) -> str:
    head = ["Candidate", "Round", "Standing", "Score", "Against the anchor", "Prompt tokens"]
    head += ["Errors"]
    rows = [
        [
            _words(row.label, 80),
            _words(row.round_name, 40),
            row.standing,
            f"{row.score} ({row.bounds})",
            row.gain if row.gain == numbers.NOTHING else f"{row.gain} ({row.gain_bounds})",
            row.prompt_tokens,
            row.errors,
        ]
        for row in view.rows[:MOST_ROWS]
    ]
    rest = len(view.rows) - len(rows)
    more = f"\n{rest} more in the HTML report.\n" if rest else ""
    return (
        f"{_words(view.sentence)} {_words(view.standing, 600)}\n\n"
        + _table(head, rows, numeric_from=3)
        + more
    )


def _cost(view: CostView) -> str:
    rows = [[row.name, row.before, row.after, row.change] for row in view.rows]
    table = _table(["Mean", "Before", "After", "Change"], rows)
    return table + "".join(f"\n- {_words(f.name)}: {_words(f.value)}" for f in view.facts) + "\n"


def _cases(view: CasesView | NotRun, room: int) -> str:
    """The worst cases, as many as there is room for: broken, then errors, then fixed."""
    if isinstance(view, NotRun):
        return ""
    counts = ", ".join(f"{s.count} {s.label}" for s in view.statuses)
    text = f"## Cases\n\n{_words(view.heading)}: {counts}.\n\n"
    ending = "\n_The HTML report shows every case._\n"
    worst = [c for c in view.cases if c.status not in ("still_right", "right")]
    for case in worst[:MOST_CASES]:
        entry = _case(case)
        if len(text) + len(entry) + len(ending) > room:
            break
        text += entry
    return text + ending if len(text) + len(ending) <= room else ""


def _case(case: CaseView) -> str:
    lines = [f"- **{case.status_label}** {_literal(case.case_id, 80)}: {_literal(case.summary)}"]
    wanted = case.answer or case.expected
    if wanted:
        lines.append(f"  - expected {_literal(wanted.text)}")
    for side in case.sides:
        shown = _literal("".join(piece.text for piece in side.pieces))
        said = f"error {_literal(side.error)}" if side.error else shown
        lines.append(f"  - {_words(side.label, 100)}: {said}")
    return "\n".join(lines) + "\n"


def _reproduce(page: Page) -> str:
    lines = ["", "## How to reproduce", ""]
    lines += [f"- {_literal(command)}" for command in page.reproduce.commands[:MOST_ROWS]]
    lines += [f"- {_words(k, 60)}: {_literal(v, 120)}" for k, v in page.reproduce.identities]
    rows = [[_words(p.name, 60), p.duration] for p in page.reproduce.phases[:MOST_ROWS]]
    table = "\n" + _table(["Phase", "Time"], rows) if rows else ""
    return "\n".join(lines) + "\n" + table
