"""Every case behind the numbers: what went in, what came out before and after, and why."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from evals.fingerprint import fingerprint
from evals.prompting.ballots import poll_of, poll_said
from evals.records import Case, CaseResult, Json, Output, Request, Run
from evals.text import visible
from reports import numbers
from reports.case_filters import set_name
from reports.commands import eval_command
from reports.differences import Difference, Piece, shown_difference
from reports.disclosure import EVERYTHING, Disclosure
from reports.excerpts import MOST_CHARACTERS, Excerpt, as_text, excerpt, one_line
from reports.stored import NotRun, compared_run, leader_run, sealed_runs
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

PAIRED: tuple[Status, ...] = ("broken", "fixed", "still_wrong", "still_right")
ALONE: tuple[Status, ...] = ("wrong", "right")
"""What is counted also where no case has it: that none is broken is worth saying."""

MOST_ASKED = 20_000
"""Characters of one message of a rendered prompt."""

_WHO = frozenset({"role"})
"""What says in a turn of a conversation who speaks, and tells no cases apart."""

_SAFE_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
_TAKEN = frozenset({"data", "head", "list", "rows"})  # `case-data` and so on are the page's own


@dataclass(frozen=True)
class ScoreLine:
    """One metric of one output, with the scorer's words."""

    metric: str
    score: float
    kind: str
    reason: str

    @property
    def value(self) -> str:
        """The score to three digits."""
        return numbers.score(self.score)


@dataclass(frozen=True)
class VotesView:
    """The votes behind an answer: in one line, and each answer with how many are for it."""

    gist: str
    answers: tuple[tuple[str, Excerpt], ...]


@dataclass(frozen=True)
class Side:
    """One candidate's output for a case. `full` is all it wrote, where the answer was taken out.

    `value` is its primary score, None for an error; `kind` what the scorer calls the failure,
    `asked` the messages of the rendered prompt, each with its role, where they are known.
    `against` is a full-mark answer beside this output, where it got less.
    """

    label: str
    value: float | None
    kind: str
    tokens: int
    seconds: float
    command: str
    asked: tuple[tuple[str, Excerpt], ...]
    pieces: tuple[Piece, ...]
    rest: str
    empty: bool
    error: str
    scores: tuple[ScoreLine, ...]
    cost: str
    full: Excerpt | None
    votes: VotesView | None
    against: Difference | None = None


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


class Source(NamedTuple):
    """How a person names the suite, its cases by fingerprint, and what may be told of them.

    `labels` say whose output stands on each side; `unseal` is the command that shows all.
    """

    named: str
    cases: Mapping[str, Case]
    told: Disclosure
    labels: tuple[str, ...]
    unseal: str


@dataclass(frozen=True)
class StatusCount:
    """How many cases have a status."""

    status: Status
    label: str
    count: int


@dataclass(frozen=True)
class CasesView:
    """All cases of one split, those that changed first. `heading` and `sides` say of which runs.

    `name` is `sealed` or `dev`; `note` says why texts are left out, empty where they are not.
    """

    name: str
    heading: str
    sides: tuple[str, ...]
    note: str
    statuses: tuple[StatusCount, ...]
    cases: tuple[CaseView, ...]


Runs = tuple[Run] | tuple[Run, Run]
"""One run, or two whose outputs stand side by side."""


def shown_runs(job: JobRecord, told: Disclosure = EVERYTHING) -> tuple[Runs, ...]:
    """The runs whose cases are shown, by split: first those whose texts may be told.

    On dev the leader stands against the adapter, or against the other model where that makes the
    verdict.
    """
    found = [runs for runs in (_sealed(job), _dev(job)) if runs]
    return tuple(sorted(found, key=lambda runs: any(map(told.is_quiet, runs))))


def _sealed(job: JobRecord) -> Runs | None:
    before, after = sealed_runs(job)
    if before and after:
        return before, after
    only = before or after
    return (only,) if only else None


def _dev(job: JobRecord) -> Runs | None:
    leader = leader_run(job)
    if leader is None:
        return None
    other = job.runs.get(job.adapter_dev or "") or compared_run(job)
    return (leader, other) if other else (leader,)


def cases_view(job: JobRecord, told: Disclosure = EVERYTHING) -> tuple[CasesView, ...] | NotRun:
    """Every case of the runs that are shown, split by split, with the texts that may be told."""
    shown = shown_runs(job, told)
    if not shown:
        return NotRun("There are no outputs to look at", f"tunegate run {job.suite}")
    named = job.named or job.suite
    unseal = shlex.join(["tunegate", "report", named, "--model", job.model, "--show-sealed"])
    views = []
    for runs in shown:
        heading, labels = _titles(job, runs)
        views.append(cases_of_runs(Source(named, job.cases, told, labels, unseal), runs, heading))
    return tuple(views)


def cases_of_runs(source: Source, runs: Runs, heading: str) -> CasesView:
    """The cases of one run, or of two side by side: those of both that are unchanged."""
    if len(runs) == 1:
        cases = [_single(source, runs[0], result) for result in runs[0].results]
    else:
        cases = _paired(source, runs[0], runs[1])
    order = list(STATUSES)
    cases.sort(key=lambda case: order.index(case.status))  # stable: suite order within
    found = [case.status for case in cases]
    shown = [s for s in order if s in found or s in (PAIRED if len(runs) > 1 else ALONE)]
    counts = [StatusCount(s, STATUSES[s], found.count(s)) for s in shown]
    quiet = any(source.told.is_quiet(run) for run in runs)
    note = source.told.note(source.unseal) if quiet else ""
    return CasesView(
        set_name(runs[0].split), heading, source.labels, note, tuple(counts), tuple(cases)
    )


def _titles(job: JobRecord, runs: Runs) -> tuple[str, tuple[str, ...]]:
    """What is shown, and whose output stands on each side."""
    split = "Sealed" if runs[0].split == "test" else "Dev"
    if len(runs) == 1:
        label = runs[0].candidate.label
        return f"{split} cases of {label}", (label,)
    before, after = (run.candidate for run in runs)
    if after.adapter:
        labels = (f"Best prompt: {before.label}", f"Adapter: {after.label}")
        return f"{split} cases, best prompt against adapter", labels
    heading = f"Dev cases, {job.model} against {after.model} by the same prompt"
    return heading, (job.model, after.model)


def safe_anchor(case_id: str) -> str:
    """`case-<id>` where the id is plain; otherwise its plain part, a dot and a hash of it.

    A plain id holds no dot, so the two forms never meet, and none is an id of the page itself.
    """
    if _SAFE_ID.fullmatch(case_id) and case_id not in _TAKEN:
        return f"case-{case_id}"
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", case_id)[:40].strip("-")
    return f"case-{plain}.{fingerprint(case_id)[:10]}"


def _paired(source: Source, before: Run, after: Run) -> list[CaseView]:
    old = {r.case_id: r for r in before.results}
    cases = []
    for result in after.results:
        earlier = old.get(result.case_id)
        if earlier and earlier.case_fingerprint == result.case_fingerprint:
            cases.append(_pair(source, (before, after), (earlier, result)))
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
    source: Source, runs: tuple[Run, Run], results: tuple[CaseResult, CaseResult]
) -> CaseView:
    (before, after), (old, new) = runs, results
    first, second = _value(before, old), _value(after, new)
    texts = [_seen(result.output.said or "") for result in (old, new)]
    difference = shown_difference(texts[0], texts[1], MOST_CHARACTERS)
    sides = (
        _side(source, before, old, _Said(source.labels[0], difference.before, texts[0])),
        _side(source, after, new, _Said(source.labels[1], difference.after, texts[1])),
    )
    quiet = source.told.is_quiet(before) or source.told.is_quiet(after)
    return _view(
        source.cases.get(new.case_fingerprint),
        new,
        quiet=quiet,
        status=_change(first, second),
        change=f"{_short(first)} → {_short(second)}",
        sides=sides,
        note="" if quiet else _note(old, new, difference),
    )


def _seen(text: str) -> str:
    """A text as it is shown. It is cut after that: what is made visible later stands elsewhere."""
    return visible(text, layout=True)


def _note(old: CaseResult, new: CaseResult, difference: Difference) -> str:
    if old.output.said is None or new.output.said is None:
        return ""
    if old.output.said == new.output.said:
        return "Both outputs are the same."
    if any(piece.part != "same" for side in difference for piece in side):
        return "Marked are words that the other output does not have, right or wrong."
    return "The outputs differ only in white space, or in the part that is not shown."


def _change(first: float | None, second: float | None) -> Status:
    """What became of a case; for graded scores fixed and broken mean better and worse."""
    if first is None or second is None:
        return "error"
    if abs(second - first) > 1e-9:
        return "fixed" if second > first else "broken"
    return "still_right" if second >= 1 else "still_wrong"


def _single(source: Source, run: Run, result: CaseResult) -> CaseView:
    value = _value(run, result)
    status: Status = "error" if value is None else "right" if value >= 1 else "wrong"
    text = _seen(result.output.said or "")
    said = _Said(source.labels[0], (Piece(excerpt(text).text, "same"),), text)
    side = _side(source, run, result, said)
    return _view(
        source.cases.get(result.case_fingerprint),
        result,
        quiet=source.told.is_quiet(run),
        status=status,
        change=_short(value),
        sides=(side,),
        note="",
    )


class _Said(NamedTuple):
    """Who said it, the shown part of it with what changed in it, and all of it made visible."""

    label: str
    pieces: tuple[Piece, ...]
    text: str


def _side(source: Source, run: Run, result: CaseResult, said: _Said) -> Side:
    output = result.output
    quiet = source.told.is_quiet(run)
    asked = None if quiet else source.told.asked.get(run.id, {}).get(result.case_id)
    ordered = sorted(result.scores, key=lambda name: (name != run.primary, name))
    value = _value(run, result)
    failing = value is not None and value < 1
    return Side(
        label=said.label,
        value=value,
        kind="error" if value is None else result.scores[run.primary].kind if failing else "",
        tokens=output.prompt_tokens + output.completion_tokens,
        seconds=output.seconds,
        command=eval_command(source.named, run, result.case_id),
        pieces=said.pieces,
        rest=excerpt(said.text).rest,
        empty=not quiet and output.said is not None and not output.said.strip(),
        error=excerpt(result.failed or "", 500).text,
        scores=tuple(
            ScoreLine(
                name,
                result.scores[name].value,
                result.scores[name].kind,
                excerpt(result.scores[name].reason, 500).text,
            )
            for name in ordered
        ),
        cost=_cost(output),
        full=excerpt(output.full) if output.full else None,
        votes=_votes(output),
        asked=_messages(asked) if asked else (),
        against=_against(source, result, said.text) if failing and not quiet else None,
    )


def _messages(asked: Request) -> tuple[tuple[str, Excerpt], ...]:
    """All that a model was given: the messages, then what is ranked or said further."""
    texts = [(str(message.role), message.content) for message in asked.messages]
    texts += [("option", choice) for choice in asked.choices]
    texts += [("then the user says", text) for text in asked.follow_ups]
    texts += [("tool", as_text(tool)) for tool in asked.tools]
    return tuple((role, excerpt(text, MOST_ASKED)) for role, text in texts)


def _cost(output: Output) -> str:
    """Tokens and time of an output; empty where they are not known, as of imported results."""
    tokens = f"{output.prompt_tokens:,} + {output.completion_tokens:,} tokens"
    known = output.prompt_tokens or output.completion_tokens
    parts = [tokens] if known else []
    parts += [numbers.duration(output.seconds)] if known or output.seconds else []
    parts += ["cut at the token limit"] if output.finish_reason == "length" else []
    return ", ".join(parts)


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
    quiet: bool,
    status: Status,
    change: str,
    sides: tuple[Side, ...],
    note: str,
) -> CaseView:
    where, tags = (f"{case.path}:{case.line}" if case and case.path else ""), _tags(case)
    case = None if quiet else case
    fields = {key: as_text(value) for key, value in case.asked.items()} if case else {}
    expected, answer = _wanted(case) if case else ("", "")
    return CaseView(
        anchor=safe_anchor(result.case_id),
        case_id=result.case_id,
        status=status,
        status_label=STATUSES[status],
        change=change,
        summary=one_line(_gist(case.asked) if case else "", 110),
        where=where,
        tags=tags,
        fields=tuple((key, excerpt(text)) for key, text in fields.items()),
        expected=excerpt(expected) if expected else None,
        answer=excerpt(answer) if answer else None,
        sides=sides,
        note=note or ("" if case or quiet else "The case is no longer stored, only its outputs."),
    )


def _wanted(case: Case) -> tuple[str, str]:
    """What was expected, and a full-mark answer where that says something else; empty: neither."""
    expected = "" if case.expected is None else _seen(as_text(case.expected))
    answer = _seen(case.wanted)
    return expected, "" if answer == expected else answer


def _against(source: Source, result: CaseResult, said: str) -> Difference | None:
    """What a full-mark answer has and a failing output lacks, and the other way round."""
    case = source.cases.get(result.case_fingerprint)
    expected, answer = _wanted(case) if case else ("", "")
    if not (said and (answer or expected)):
        return None
    return shown_difference(answer or expected, said, MOST_CHARACTERS)


def _gist(value: Json, depth: int = 4) -> str:
    """A value of a case in the words that tell cases apart: of a list that is the last.

    What says nothing is left out where something else is told.
    """
    if depth and isinstance(value, list) and value:
        place = max((n for n, one in enumerate(value) if _tells(one)), default=len(value) - 1)
        last = value[place]
        if isinstance(last, dict):
            last = {key: one for key, one in last.items() if key not in _WHO} or last
        return f"{'… ' if place else ''}{_gist(last, depth - 1)}"
    if depth and isinstance(value, dict):
        told = [one for one in value.values() if _tells(one)] or value.values()
        return " · ".join(_gist(one, depth - 1) for one in told)
    return as_text(value)


def _tells(value: Json) -> bool:
    """Whether there is anything to read in a value, who says it apart."""
    if isinstance(value, dict):
        return any(_tells(one) for key, one in value.items() if key not in _WHO)
    if isinstance(value, list):
        return any(map(_tells, value))
    return value is not None and (not isinstance(value, str) or bool(value.strip()))


def _tags(case: Case | None) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(case.tags.items())) if case else ()
