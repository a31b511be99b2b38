"""Every case behind the numbers: what went in, what came out before and after, and why."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from evals.fingerprint import fingerprint
from evals.prompting.ballots import poll_of, poll_said
from evals.records import Case, CaseResult, Output, Run
from reports import numbers
from reports.commands import eval_command
from reports.differences import Piece, compare_texts, same_words
from reports.excerpts import Excerpt, as_text, excerpt, one_line
from reports.stored import NotRun, case_of, compared_run, leader_run, sealed_runs
from tuning.records import JobRecord

Status = Literal["broken", "error", "fixed", "still_wrong", "still_right", "wrong", "right"]

# In the order in which a person wants to see them.
STATUSES: dict[Status, str] = {
    "broken": "broken",
    "error": "error",
    "fixed": "fixed",
    "still_wrong": "still wrong",
    "still_right": "still right",
    "wrong": "wrong",
    "right": "right",
}

_SAFE_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")


@dataclass(frozen=True)
class ScoreLine:
    """One metric of one output, with the scorer's words."""

    metric: str
    value: str
    kind: str
    reason: str


@dataclass(frozen=True)
class VotesView:
    """The votes behind an answer: in one line, and each answer with how many are for it."""

    gist: str
    answers: tuple[tuple[str, Excerpt], ...]


@dataclass(frozen=True)
class Side:
    """One candidate's output for a case. `full` is all it wrote, where the answer was taken out.

    `value` is its primary score, None for an error; `kind` what the scorer calls the failure.
    """

    label: str
    run_id: str
    value: float | None
    kind: str
    tokens: int
    seconds: float
    command: str
    pieces: tuple[Piece, ...]
    rest: str
    empty: bool
    error: str
    scores: tuple[ScoreLine, ...]
    cost: str
    full: Excerpt | None
    votes: VotesView | None


@dataclass(frozen=True)
class CaseView:
    """One case; `anchor` is a stable, safe fragment identifier."""

    anchor: str
    case_id: str
    status: Status
    status_label: str
    change: str
    summary: str
    where: str
    tags: tuple[tuple[str, str], ...]
    fields: tuple[tuple[str, Excerpt], ...]
    expected: Excerpt | None
    answer: Excerpt | None
    sides: tuple[Side, ...]
    note: str


@dataclass(frozen=True)
class StatusCount:
    """How many cases have a status."""

    status: Status
    label: str
    count: int


@dataclass(frozen=True)
class CasesView:
    """All cases, those that changed first. `heading` and `sides` say which runs are shown."""

    heading: str
    sides: tuple[str, ...]
    statuses: tuple[StatusCount, ...]
    cases: tuple[CaseView, ...]


def cases_view(job: JobRecord) -> CasesView | NotRun:
    """The sealed pair where both were run, else one sealed run, else the leader on dev.

    The leader stands against the other model where that makes the verdict.
    """
    before, after = sealed_runs(job)
    sides: tuple[str, ...]
    if before and after:
        heading = "Sealed cases, best prompt against adapter"
        named = (f"Best prompt: {before.candidate.label}", f"Adapter: {after.candidate.label}")
        sides, cases = named, _paired(job, before, after, named)
    elif (other := compared_run(job)) and (leader := leader_run(job)):
        heading = f"Dev cases, {job.model} against {other.candidate.model} by the same prompt"
        named = (job.model, other.candidate.model)
        sides, cases = named, _paired(job, leader, other, named)
    else:
        only = before or after or leader_run(job)
        if not only:
            return NotRun("There are no outputs to look at", f"tunegate run {job.suite}")
        split = "Sealed" if only.split == "test" else "Dev"
        heading = f"{split} cases of {only.candidate.label}"
        sides = (only.candidate.label,)
        cases = [_single(job, only, result) for result in only.results]
    order = list(STATUSES)
    cases.sort(key=lambda case: order.index(case.status))  # stable: suite order within
    found = [case.status for case in cases]
    counts = [StatusCount(s, STATUSES[s], found.count(s)) for s in order if s in found]
    return CasesView(heading, sides, tuple(counts), tuple(cases))


def safe_anchor(case_id: str) -> str:
    """`case-<id>` where the id is plain; otherwise its plain part, a dot and a hash of it.

    A plain id holds no dot, so the two forms never meet.
    """
    if _SAFE_ID.fullmatch(case_id):
        return f"case-{case_id}"
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", case_id)[:40].strip("-")
    return f"case-{plain}.{fingerprint(case_id)[:10]}"


def _paired(job: JobRecord, before: Run, after: Run, labels: tuple[str, str]) -> list[CaseView]:
    old = {r.case_id: r for r in before.results}
    cases = []
    for result in after.results:
        earlier = old.get(result.case_id)
        if earlier and earlier.case_fingerprint == result.case_fingerprint:
            cases.append(_pair(job, (before, after), labels, (earlier, result)))
    return cases


def _value(run: Run, result: CaseResult) -> float | None:
    """The primary score, or None for an error."""
    score = None if result.failed else result.scores.get(run.primary)
    return score.value if score else None


def _short(value: float | None) -> str:
    """A case's score: `1`, `0`, or three digits for a graded one."""
    if value is None:
        return "error"
    return f"{value:.0f}" if value in (0, 1) else numbers.score(value)


def _pair(
    job: JobRecord,
    runs: tuple[Run, Run],
    labels: tuple[str, str],
    results: tuple[CaseResult, CaseResult],
) -> CaseView:
    (before, after), (old, new) = runs, results
    first, second = _value(before, old), _value(after, new)
    texts = [excerpt(r.output.said or "") for r in (old, new)]
    difference = compare_texts(texts[0].text, texts[1].text)
    sides = (
        _side(job, before, old, _Said(labels[0], difference.before, texts[0])),
        _side(job, after, new, _Said(labels[1], difference.after, texts[1])),
    )
    return _view(
        case_of(job, new),
        new,
        status=_change(first, second),
        change=f"{_short(first)} → {_short(second)}",
        sides=sides,
        note=_note(old, new, texts),
    )


def _note(old: CaseResult, new: CaseResult, texts: Sequence[Excerpt]) -> str:
    if old.output.said is None or new.output.said is None:
        return ""
    if old.output.said == new.output.said:
        return "Both outputs are the same."
    if not same_words(texts[0].text, texts[1].text):
        return ""
    return "The outputs differ only in white space, or in the part that is not shown."


def _change(first: float | None, second: float | None) -> Status:
    """What became of a case; for graded scores fixed and broken mean better and worse."""
    if first is None or second is None:
        return "error"
    if abs(second - first) > 1e-9:
        return "fixed" if second > first else "broken"
    return "still_right" if second >= 1 else "still_wrong"


def _single(job: JobRecord, run: Run, result: CaseResult) -> CaseView:
    value = _value(run, result)
    status: Status = "error" if value is None else "right" if value >= 1 else "wrong"
    text = excerpt(result.output.said or "")
    said = _Said(run.candidate.label, (Piece(text.text, "same"),), text)
    side = _side(job, run, result, said)
    return _view(
        case_of(job, result),
        result,
        status=status,
        change=_short(value),
        sides=(side,),
        note="",
    )


class _Said(NamedTuple):
    """Who said it, the shown part of it with what changed in it, and how much is not shown."""

    label: str
    pieces: tuple[Piece, ...]
    text: Excerpt


def _side(job: JobRecord, run: Run, result: CaseResult, said: _Said) -> Side:
    output = result.output
    ordered = sorted(result.scores, key=lambda name: (name != run.primary, name))
    value = _value(run, result)
    failing = value is not None and value < 1
    return Side(
        label=said.label,
        run_id=run.id,
        value=value,
        kind="error" if value is None else result.scores[run.primary].kind if failing else "",
        tokens=output.prompt_tokens + output.completion_tokens,
        seconds=output.seconds,
        command=eval_command(job.named or job.suite, run, result.case_id),
        pieces=said.pieces,
        rest=said.text.rest,
        empty=output.said is not None and not output.said.strip(),
        error=excerpt(result.failed or "", 500).text,
        scores=tuple(
            ScoreLine(
                name,
                numbers.score(result.scores[name].value),
                result.scores[name].kind,
                excerpt(result.scores[name].reason, 500).text,
            )
            for name in ordered
        ),
        cost=f"{output.prompt_tokens:,} + {output.completion_tokens:,} tokens, "
        f"{numbers.duration(output.seconds)}"
        + (", cut at the token limit" if output.finish_reason == "length" else ""),
        full=excerpt(output.full) if output.full else None,
        votes=_votes(output),
    )


def _votes(output: Output) -> VotesView | None:
    if not output.ballots:
        return None
    standings = poll_of(output.ballots).standings
    return VotesView(
        poll_said(output.ballots, 40, 3),
        tuple((f"{one.votes}×", excerpt(one.answer or "(empty)", 500)) for one in standings),
    )


def _view(
    case: Case | None,
    result: CaseResult,
    *,
    status: Status,
    change: str,
    sides: tuple[Side, ...],
    note: str,
) -> CaseView:
    fields = {key: as_text(value) for key, value in case.asked.items()} if case else {}
    expected = as_text(case.expected) if case else ""
    answer = case.wanted if case and case.wanted != expected else ""
    return CaseView(
        anchor=safe_anchor(result.case_id),
        case_id=result.case_id,
        status=status,
        status_label=STATUSES[status],
        change=change,
        summary=one_line(" · ".join(fields.values()), 110),
        where=f"{case.path}:{case.line}" if case and case.path else "",
        tags=tuple(sorted(case.tags.items())) if case else (),
        fields=tuple((key, excerpt(text)) for key, text in fields.items()),
        expected=excerpt(expected) if expected else None,
        answer=excerpt(answer) if answer else None,
        sides=sides,
        note=note or ("" if case else "The case is no longer stored; only its outputs are."),
    )
