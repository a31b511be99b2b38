"""A job's records as Markdown for a pull request: verdict first, then counts, worst cases."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest
from typing import Any

from reports import numbers
from reports.analysed import AnalysedView, PartRow
from reports.attempts import AttemptsView
from reports.cases import CasesView, CaseView
from reports.cost import CostView
from reports.disclosure import SEALED, Disclosure
from reports.hosted import HostedRow
from reports.judged import JudgesView
from reports.markup import MOST_CHARACTERS, literal, table, words
from reports.outcome import GuardsView, OutcomeView, SingleView
from reports.payback import CallRow, PaybackView
from reports.retrieval import RetrievalView
from reports.rounds_markdown import rounds_markdown
from reports.seeds import seeds_markdown
from reports.stored import NotRun
from reports.stronger import StrongerView
from reports.summed import PartTable, SummedView
from reports.together_markdown import together_markdown
from reports.tradeoff_markdown import forgotten_markdown
from reports.verdict import ReasonsView, VerdictView
from reports.views import Page, page_view
from tuning.records import JobRecord

MOST_ROWS = 20
MOST_CASES = 40
MOST_TABLES = 8
FOR_CASES = 8_000
"""Characters that the worst cases have at least, before sections after them take any."""

_CUT = "\n\n_Cut here: the rest is in the HTML report._\n"
_LEFT_OUT = "_There is more in the HTML report than there is room for here._\n\n"


def render_markdown(job: JobRecord, told: Disclosure = SEALED) -> str:
    """The report in short, at most 60,000 characters: the same records, the same text.

    Verdict, before and after, and the worst cases stand open, all else is folded away. Where there
    is too much, whole sections are left out from the end, and it is said.

    Raises RecordError when the job names a run that it does not hold.
    """
    page = page_view(job, told)
    head, end = _head(page), _reproduce(page)
    room = MOST_CHARACTERS - len(head) - len(end) - len(_LEFT_OUT) - 2  # that note is always kept
    if room < 0:  # a suite with absurdly long names: what is said first stays
        kept = head[: room - len(_CUT)]
        head, room = kept[: kept.rindex("\n")] + _CUT, 0  # never inside of an entity
    folded = _fitting(list(_folded(page)), room - FOR_CASES)
    cases = _cases(page.cases, room - len(folded))
    return f"{head}\n{cases}{folded}{end}"


def _head(page: Page) -> str:
    parts = [
        _verdict(page, page.verdict),
        _section("Before and after", page.outcome, _outcome),
        _section("What must not be lost", page.guards, _guards),
        *([_section("Several trainings", page.seeds, seeds_markdown)] if page.seeds else []),
        *filter(None, [forgotten_markdown(page.text, page.tradeoff)]),
    ]
    return "\n".join(parts)


def _folded(page: Page) -> Iterator[str]:
    """All else that the report says, section by section."""
    yield _fold("Why", page.reasons, _reasons)
    if page.judges:
        yield _fold("Judge", page.judges, _judges)
    yield _fold("How prompting was tried", page.attempts, _attempts)
    if page.retrieval:
        yield _fold("Documents", page.retrieval, _retrieval)
    yield _fold("Cost", page.cost, _cost)
    if page.analysed:
        yield _fold("What goes wrong", page.analysed, _analysed)
    if page.together:
        yield _fold("Tuned and prompted together", page.together, together_markdown)
    if page.learning:
        yield _fold("Learning curve", page.learning, lambda v: f"{words(v.sentence, 1_000)}\n")
    if page.parts:
        yield _fold("By parts of the answers", page.parts, _parts)


def _fitting(sections: Sequence[str], room: int) -> str:
    """As many of the first sections as there is room for, and how many are not there."""
    if sum(map(len, sections)) <= room:
        return "".join(sections)
    kept = list(sections)
    while kept and sum(map(len, kept)) + len(_LEFT_OUT) > room:
        kept.pop()
    return "".join(kept) + _LEFT_OUT


def _section(title: str, view: object, write: Callable[[Any], str]) -> str:
    return f"## {title}\n\n{_written(view, write)}"


def _fold(title: str, view: object, write: Callable[[Any], str]) -> str:
    """A section that a reader opens: GitHub shows its title alone."""
    return f"<details>\n<summary>{title}</summary>\n\n{_written(view, write)}\n</details>\n\n"


def _written(view: object, write: Callable[[Any], str]) -> str:
    if isinstance(view, NotRun):
        return f"Not run. {words(view.what)}: {literal(view.command)}\n"
    return write(view)


def _verdict(page: Page, verdict: VerdictView) -> str:
    lines = [f"# {words(page.suite)}: {verdict.main.headline}", ""]
    if verdict.override:
        lines += [f"> **Override.** A person went past the gate: {words(verdict.override)}", ""]
    lines += [f"**{words(verdict.main.sentence, 1_000)}**", ""]
    if verdict.earlier:
        earlier = verdict.earlier
        lines += [f"{earlier.name}: {earlier.headline}. {words(earlier.sentence, 1_000)}", ""]
    lines += [
        f"- {words(t.label)}: **{words(t.value)}** ({words(t.detail)})" for t in verdict.tiles
    ]
    if verdict.next_steps:
        lines += ["", "Next:", ""]
        lines += [f"- {words(step)}" for step in verdict.next_steps[:MOST_ROWS]]
    lines += ["", "How sure this is:", ""]
    lines += [f"- {words(c.label)}: {words(c.text, 600)}" for c in verdict.caveats[:MOST_ROWS]]
    return "\n".join([*lines, ""])


def _outcome(view: OutcomeView | SingleView) -> str:
    if isinstance(view, SingleView):
        rows = [[words(name), score, bounds] for name, score, bounds in view.rows]
        return f"Only {words(view.label)}:\n\n" + table(["Metric", "Score", "95 % interval"], rows)
    head = ["", "Before", "After", "Difference", "Wins", "Losses", "Ties"]
    rows = [
        [
            words(row.name, 80),
            f"{row.before} ({row.before_bounds})",
            f"{row.after} ({row.after_bounds})",
            f"**{row.difference}** ({row.difference_bounds})",
            row.wins,
            row.losses,
            row.ties,
        ]
        for row in (*view.metrics[:MOST_ROWS], *view.slices[:MOST_ROWS])
    ]
    sides = f"{words(view.before_label)} before, {words(view.after_label)} after.\n\n"
    return sides + table(head, rows)


def _guards(view: GuardsView) -> str:
    head = ["Guard", "Result", "Base", "Tuned", "Difference", "Margin", "Cases"]
    rows = [
        [
            words(row.suite, 80),
            row.result_label,
            row.base,
            row.tuned,
            f"{row.difference} ({row.difference_bounds})",
            row.margin,
            row.cases,
        ]
        for row in view.rows[:MOST_ROWS]
    ]
    return table(head, rows, numeric_from=2)


def _reasons(view: ReasonsView) -> str:
    rows = [
        [
            words(rule.title, 120),
            f"**{rule.status_label}**" if rule.status == "applies" else rule.status_label,
            words(rule.evidence),
        ]
        for rule in view.rules[:MOST_ROWS]
    ]
    rules = table(["Question", "Answer", "Evidence"], rows, numeric_from=3)
    return rules + "".join(f"\n- {words(reason)}" for reason in view.shipping[:MOST_ROWS]) + "\n"


def _judges(view: JudgesView) -> str:
    head = ["Metric", "Standing", "Model", "Kappa", "Certain", "Demanded", "Agreement", "Labels"]
    rows = [
        [
            words(f"{row.suite} {row.name}".strip(), 80),
            f"**{row.status_label}** ({row.role})",
            words(row.model, 80),
            f"{row.kappa} ({row.bounds})",
            row.least,
            row.demanded,
            row.agreement,
            row.labels,
        ]
        for row in view.rows[:MOST_ROWS]
    ]
    said = "".join(
        f"\n- {words(row.name, 80)}: {words(row.sentence, 600)}." for row in view.rows[:MOST_ROWS]
    )
    return f"{words(view.sentence)}\n\n{table(head, rows, numeric_from=3)}{said}\n"


def _attempts(view: AttemptsView) -> str:
    head = ["Candidate", "Round", "Standing", "Score", "Against the anchor", "Prompt tokens"]
    head += ["Completion tokens", "Seconds a case", "Votes"]
    head += [*(["1,000 calls"] if view.priced else []), "Errors"]
    rows = [
        [
            words(row.label, 80),
            words(row.round_name, 40),
            row.standing,
            f"{row.score} ({row.bounds})",
            row.gain if row.gain == numbers.NOTHING else f"{row.gain} ({row.gain_bounds})",
            row.prompt_tokens,
            row.completion_tokens,
            row.seconds,
            row.votes,
            *([words(row.thousand)] if view.priced else []),
            row.errors,
        ]
        for row in view.rows[:MOST_ROWS]
    ]
    rest = len(view.rows) - len(rows)
    more = f"\n{rest} more in the HTML report.\n" if rest else ""
    return (
        f"{words(view.sentence)} {words(view.standing, 600)}\n\n"
        + table(head, rows, numeric_from=3)
        + more
        + rounds_markdown(view.rounds)
        + _stronger(view.stronger)
    )


def _stronger(view: StrongerView | None) -> str:
    if view is None:
        return ""
    head = ["Model", "Standing", "Score", "Certain", "Against the model judged here"]
    head += ["1,000 calls", "Median", "95th percentile", "Errors"]
    rows = [
        [
            words(row.model, 80),
            row.standing,
            row.score if row.bounds == numbers.NOTHING else f"{row.score} ({row.bounds})",
            row.certain,
            row.difference
            if not row.difference_bounds
            else f"{row.difference} ({row.difference_bounds})",
            words(row.thousand),
            row.median,
            row.p95,
            row.errors,
        ]
        for row in view.rows[:MOST_ROWS]
    ]
    return f"\n{words(view.caption, 400)}\n\n" + table(head, rows, numeric_from=2)


def _retrieval(view: RetrievalView) -> str:
    head = ["Candidate", "Recall", "Cases", "Score where found", "Score where not"]
    rows = [
        [
            words(row.label, 80),
            f"{row.recall} ({row.name}, {row.bounds})",
            row.cases,
            row.found,
            row.missed,
        ]
        for row in view.rows[:MOST_ROWS]
    ]
    said = f"{words(view.probe, 600)}\n\n" if view.probe else ""
    return said + (table(head, rows) if rows else "")


def _cost(view: CostView) -> str:
    rows = [[row.name, row.before, row.after, row.change] for row in view.rows]
    costs = table(["Mean", "Before", "After", "Change"], rows)
    facts = "".join(f"\n- {words(f.name)}: {words(f.value)}" for f in view.facts) + "\n"
    doubts = "".join(f"> {words(text, 600)}\n>\n" for text in view.disturbed)
    return (
        f"{doubts}\n" * bool(doubts)
        + costs
        + facts
        + _hosted(view.hosted)
        + _calls(view.calls)
        + _payback(view.payback)
    )


def _calls(found: Sequence[CallRow]) -> str:
    head = ["Candidate", "Cases", "1,000 calls", "Charged by", "Median", "95th percentile"]
    rows = [
        [words(row.label, 80), row.split, f"**{words(row.thousand)}**", row.by, row.median, row.p95]
        for row in found[:MOST_ROWS]
    ]
    return "\n" + table(head, rows, numeric_from=2) if rows else ""


def _payback(view: PaybackView | None) -> str:
    if view is None:
        return ""
    facts = "".join(f"\n- {words(name)}: {words(value)}" for name, value in view.facts)
    head = ["Month", view.before_label, view.after_label, "At the unfavourable end", "Trainings"]
    rows = [[row.month, row.before, row.after, row.worst, row.trainings] for row in view.rows]
    cells = [[words(cell, 80) for cell in row] for row in [head, *rows]]
    reckoned = " ".join(f"{words(text, 600)}." for text in view.basis)
    return (
        f"\n{words(view.sentence, 600)}\n{facts}\n\nMoney paid in all:\n\n"
        f"{table(cells[0], cells[1:])}\nHow it was reckoned: {reckoned}\n"
    )


def _hosted(found: Sequence[HostedRow]) -> str:
    head = ["Hosted", "Cases", "1,000 calls", "Requests", "Prompt tokens", "Completion tokens"]
    head += ["Median", "95th percentile"]
    rows = [
        [
            words(row.label, 80),
            f"{words(row.suite, 80)} {row.split}",
            f"**{words(row.thousand)}**",
            row.requests,
            row.prompt_tokens,
            row.completion_tokens,
            row.median,
            row.p95,
        ]
        for row in found[:MOST_ROWS]
    ]
    return "\n" + table(head, rows, numeric_from=2) if rows else ""


def _analysed(view: AnalysedView) -> str:
    head = ["Kind", *(words(f"{role}: {label}", 80) for role, label in view.columns)]
    rows = [
        [
            words(row.name, 40),
            *(f"{c.count} ({c.share})" if c.share else c.count for c in row.cells),
        ]
        for row in view.kinds
    ]
    said = " ".join(words(text) for text in (*view.sentences, view.note))
    text = f"{said}\n\n{table(head, rows)}"
    text += _failing_parts(
        "Slice", [row for row in view.slices if row.standing.startswith("fails")]
    )
    text += _failing_parts("Inputs about", view.topics)
    return f"{text}\n{words(view.topics_note)}\n" if view.topics_note else text


def _failing_parts(first: str, found: Sequence[PartRow]) -> str:
    """Slices that differ beyond chance, or topics; nothing where there are none."""
    head = [first, "Failing", "Share", "Elsewhere", "Standing"]
    rows = [
        [
            words(r.name, 80),
            f"{r.failed} of {r.cases}",
            f"{r.share} ({r.bounds})",
            r.rest,
            r.standing,
        ]
        for r in found[:MOST_ROWS]
    ]
    return "\n" + table(head, rows) if rows else ""


def _parts(view: SummedView) -> str:
    tables = [_part_table(part) for part in view.tables[:MOST_TABLES]]
    return f"Over {words(view.note, 600)}.\n\n" + "\n".join(tables)


def _part_table(part: PartTable) -> str:
    """The table under its caption; a head over several columns stands in each of them."""
    groups = [text for text, span in part.groups for _ in range(span)]
    heads = [
        f"{words(over, 40)}: {words(text, 40)}" if over else words(text, 40)
        for over, text in zip_longest(groups, part.head, fillvalue="")
    ]
    rows = [[words(cell.text, 80) for cell in row] for row in part.rows[:MOST_ROWS]]
    rest = part.hidden + len(part.rows) - len(rows)
    more = f"\n{rest} more.\n" if rest else ""
    return f"{words(part.caption)}\n\n" + table(heads, rows, numeric_from=part.texts) + more


def _cases(sets: tuple[CasesView, ...] | NotRun, room: int) -> str:
    """How many became what, and the worst of the first set: broken, then errors, then fixed."""
    if isinstance(sets, NotRun):
        return ""
    text = "## Cases\n\n" + "".join(map(_counts, sets)) + "\n"
    ending = "\n_The HTML report shows every case._\n"
    worst = [c for c in sets[0].cases if c.status not in ("still_right", "right")]
    for case in worst[:MOST_CASES]:
        entry = _case(case)
        if len(text) + len(entry) + len(ending) > room:
            break
        text += entry
    return text + ending if len(text) + len(ending) <= room else ""


def _counts(view: CasesView) -> str:
    counts = ", ".join(f"{s.count} {s.label}" for s in view.statuses)
    return f"- {words(view.heading)}: {counts}.\n"


def _case(case: CaseView) -> str:
    lines = [f"- **{case.status_label}** {literal(case.case_id, 80)}: {literal(case.summary)}"]
    wanted = case.answer or case.expected
    if wanted:
        lines.append(f"  - expected {literal(wanted.text)}")
    for side in case.sides:
        shown = literal("".join(piece.text for piece in side.pieces))
        said = f"error {literal(side.error)}" if side.error else shown
        lines.append(f"  - {words(side.label, 100)}: {said}")
    return "\n".join(lines) + "\n"


def _reproduce(page: Page) -> str:
    lines = ["", "## How to reproduce", ""]
    lines += [f"- {literal(command)}" for command in page.reproduce.commands[:MOST_ROWS]]
    lines += [f"- {words(k, 60)}: {literal(v, 120)}" for k, v in page.reproduce.identities]
    rows = [[words(p.name, 60), p.duration] for p in page.reproduce.phases[:MOST_ROWS]]
    phases = "\n" + table(["Phase", "Time"], rows) if rows else ""
    return "\n".join(lines) + "\n" + phases
