"""One suite's verdict in full, as blocks of Markdown that a page finds room for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from evals.records import Finding
from evals.regression.records import CaseChange, Check, DefinitionChange, SuiteVerdict
from evals.regression.wording import repeats_said
from reports import numbers
from reports.ci import views
from reports.ci.room import Block
from reports.markup import literal, table, table_row, words

MOST_OPEN_CASES = 5
MOST_CASES = 30
MOST_NAMES = 30
MOST_ENTRIES = 40
CELL = 120
SENTENCE = 400
"""Characters of one sentence that are shown."""

_CASE_HEAD = ("Case", "Score", "Input", "Expected", "Got", "Why")


def suite_blocks(verdict: SuiteVerdict) -> list[Block]:
    """Everything there is to say of one suite, in reading order."""
    blocks = [
        _heading(verdict),
        _checks(verdict),
        _changes(verdict),
        _drift(verdict.drift),
        *_lost(verdict),
        _needed(verdict),
        _detectable(verdict),
        _what_to_do(verdict),
    ]
    return [block for block in blocks if block]


RUN_HELD = ("run", "pass")  # the heading has the number of errors


def _heading(verdict: SuiteVerdict) -> Block:
    recipe = verdict.recipe
    lines = [
        f"### {words(verdict.suite, 80)}: {views.RESULT_WORDS[verdict.result]}",
        "",
        f"{literal(recipe.label, 80)} on {literal(recipe.model, 80)}, split {verdict.split}: "
        f"{words(verdict.primary, 80)} {views.bounded_score(verdict)} "
        f"on {numbers.plural(verdict.cases, 'case')}"
        f"{_errors(verdict.errors)}.{_accepted(verdict)}{_repeats(verdict)}",
        "",
    ]
    return Block("\n".join(lines))


def _errors(count: int) -> str:
    return f", **{numbers.plural(count, 'error')}**" if count else ""


def _repeats(verdict: SuiteVerdict) -> str:
    found = verdict.over_repeats
    return f" {words(views.stop(repeats_said(found)))}" if found else ""


def _accepted(verdict: SuiteVerdict) -> str:
    found = verdict.baseline
    if not found:
        return ""
    return (
        f" Compared with the baseline that {words(found.by, 60)} accepted on "
        f"{words(found.when[:10], 20)}: {words(views.stop(found.why))}"
    )


def _checks(verdict: SuiteVerdict) -> Block | None:
    """Every check with its sentence; must-pass cases that passed only as a number."""
    ordered = views.checks_worst_first(verdict)
    quiet = [c for c in ordered if (c.kind, c.result) == ("must_pass", "pass")]
    entries = [_check(c) for c in ordered if c not in quiet and (c.kind, c.result) != RUN_HELD]
    if quiet:
        entries.append(f"- pass: {numbers.plural(len(quiet), 'must-pass case')}\n")
    return _listed("#### Checks", entries, "check", rank=1)


def _check(check: Check) -> str:
    result = check.result if check.result == "pass" else f"**{views.RESULT_WORDS[check.result]}**"
    kind = check.kind.replace("_", "-")
    named = f" {literal(check.name, 80)}" if check.name and check.name != check.kind else ""
    return f"- {result} {kind}{named}: {words(views.stop(check.sentence), SENTENCE)}\n"


def _changes(verdict: SuiteVerdict) -> Block | None:
    since = f" since {literal(verdict.reference, 80)}" if verdict.reference else ""
    title = f"#### Gate definition changed: {'reviewed' if verdict.reviewed else 'review'}"
    said = (
        f"What this suite is judged by changed{since}. Until somebody has reviewed that, it is "
        "judged as it was there."
        if not verdict.reviewed
        else f"What this suite is judged by changed{since}, and that was reviewed."
    )
    entries = [_change(change) for change in verdict.changes]
    return _listed(f"{title}\n\n{said}", entries, "change", rank=2)


def _change(change: DefinitionChange) -> str:
    told = change.names if change.part == "cases" else ()  # elsewhere the sentence names them
    shown = ", ".join(literal(name, 60) for name in told[:MOST_NAMES])
    rest = len(told) - MOST_NAMES
    more = f" and {numbers.count(rest)} more" if rest > 0 else ""
    names = f" ({shown}{more})" if shown else ""
    return f"- {change.part}: {words(change.what.rstrip('. '), SENTENCE)}{names}\n"


def _drift(findings: Sequence[Finding]) -> Block | None:
    entries = [
        f"- {found.level}: {words(views.stop(found.message), SENTENCE)}"
        f"{' ' + literal(found.where, 120) if found.where else ''}\n"
        for found in findings
    ]
    return _listed("#### Not as it was accepted", entries, "finding", rank=3)


def _lost(verdict: SuiteVerdict) -> list[Block]:
    """The worst lost cases at a glance, more of them folded away."""
    if not verdict.lost:
        return []
    counts = f"{numbers.plural(len(verdict.lost), 'case')} lost"
    if verdict.gained:
        counts += f", {numbers.count(len(verdict.gained))} gained"
    musts = views.must_pass_ids(verdict)
    shown = views.lost_first(verdict)
    rows = [table_row(_case(change, musts)) for change in shown[:MOST_CASES]]
    hidden = len(shown) - len(rows)
    head = table(_CASE_HEAD, [], numeric_from=len(_CASE_HEAD))
    start = Block(
        f"\n#### Lost cases\n\n{counts}. The largest losses first:\n\n{head}",
        tuple(rows[:MOST_OPEN_CASES]),
        noun="lost case",
        nouns="lost cases",
        rank=5,
    )
    if len(rows) <= MOST_OPEN_CASES:
        return [start]
    rest = tuple(rows[MOST_OPEN_CASES:])
    summary = numbers.plural(len(shown) - MOST_OPEN_CASES, "more lost case")
    folded = Block(
        f"\n<details><summary>{summary}</summary>\n\n{head}",
        rest,
        "\n</details>\n",
        noun="lost case",
        nouns="lost cases",
        hidden=hidden,
        rank=7,
    )
    return [start, folded]


def _case(change: CaseChange, musts: set[str]) -> list[str]:
    got = numbers.NOTHING if change.got is None else literal(change.got, CELL, cell=True)
    expected = literal(views.expected_text(change.expected), CELL, cell=True)
    must = " **must pass**" if change.id in musts else ""
    return [
        literal(change.id, 80, cell=True) + must,
        f"{views.case_score(change.before)} → {views.case_score(change.after)}",
        words(views.input_text(change), CELL),
        expected,
        got,
        words(change.why, CELL),
    ]


def _needed(verdict: SuiteVerdict) -> Block | None:
    entries = [
        f"- {check.kind.replace('_', '-')} {literal(check.name, 80)}: about "
        f"{numbers.plural(check.cases_needed or 0, 'case')} would settle it, if what was seen "
        f"is the truth; it was judged on {numbers.count(check.cases)}\n"
        for check in views.cases_needed(verdict)
    ]
    return _listed("#### Cases needed", entries, "check", rank=4)


def _detectable(verdict: SuiteVerdict) -> Block | None:
    if not verdict.detectable or not verdict.needs_power:
        return None
    return Block(
        f"\n#### What this suite can detect\n\n{views.can_detect(verdict.detectable)}\n", rank=6
    )


def _what_to_do(verdict: SuiteVerdict) -> Block:
    commands = views.commands(verdict)
    lines = [f"- reproduce it: {literal(commands.reproduce)}"]
    if commands.show:
        lines.append(
            f"- look at {'the worst case' if verdict.lost else 'the run'}: {literal(commands.show)}"
        )
    if verdict.changes and not verdict.reviewed:
        lines.append("- the changed definition: someone other than its author should approve it")
    if commands.accept and verdict.result != "pass":
        accept = literal(f'{commands.accept} "..."')
        lines.append(f"- make it the new baseline, if what changed is meant: {accept}")
    return Block("\n#### What to do\n\n" + "\n".join(lines) + "\n", rank=4)


def _listed(title: str, entries: Iterable[str], noun: str, *, rank: int) -> Block | None:
    offered = list(entries)
    if not offered:
        return None
    kept = tuple(offered[:MOST_ENTRIES])
    hidden = len(offered) - len(kept)
    return Block(f"\n{title}\n\n", kept, noun=noun, nouns=f"{noun}s", hidden=hidden, rank=rank)
