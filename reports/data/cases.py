"""Every case behind the numbers, as data: sets of cases, each with the runs that answered them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from evals.prompting.ballots import poll_of
from evals.records import Case, CaseResult, FinishReason, Run, Score, SplitName, Turn
from reports.cases import Runs, Source, Status, cases_of_runs, shown_runs
from reports.disclosure import Disclosure, quiet_run
from tuning.records import JobRecord

Json = Any
Role = Literal["best_prompt", "adapter", "other_model", "a", "b"]
Texts = Literal["told", "sealed", "redacted"]

_WITHOUT_TEXTS = Disclosure(texts=False)


@dataclass(frozen=True)
class CaseSet:
    """Cases of one split with the runs that answered them: one side, or two to compare."""

    split: Annotated[SplitName, "The split; test is the sealed one"]
    sides: Annotated[
        tuple[CaseSide, ...], "Whose results stand in each case, in the order of its results"
    ]
    texts: Annotated[
        Texts, "Whether texts are told; sealed or redacted: every text of these cases is left out"
    ]
    statuses: Annotated[Mapping[Status, int], "Cases by status"]
    cases: Annotated[tuple[CaseData, ...], "Every case, in the order of the suite"]


@dataclass(frozen=True)
class CaseSide:
    """One run of a set of cases."""

    role: Annotated[Role, "Which side it is; best_prompt is the leader"]
    run: Annotated[str, "Id of the run"]
    label: Annotated[str, "The candidate: prompt, how it is used, adapter"]
    model: Annotated[str, "The model"]
    adapter: Annotated[str | None, "Fingerprint of its adapter; null: none"]


@dataclass(frozen=True)
class CaseData:
    """One case with its results."""

    id: Annotated[str, "Id of the case"]
    fingerprint: Annotated[str, "Hash of all that can change an output or its score"]
    status: Annotated[
        Status,
        "What became of it from the first side to the second (fixed: scores higher); of one side "
        "right, wrong or error",
    ]
    cluster: Annotated[str | None, "Cases of one cluster are not independent; null: it is alone"]
    tags: Annotated[Mapping[str, str], "Its tags"]
    must_pass: Annotated[bool, "Whether it must pass whatever the mean is"]
    path: Annotated[str | None, "File that it stands in; null: not known"]
    line: Annotated[int | None, "Line of that file; null: not known"]
    input: Annotated[Mapping[str, Json] | None, "What is asked; null: left out, or not stored"]
    expected: Annotated[Json, "What a good answer must satisfy; null: left out, or none"]
    answer: Annotated[str | None, "A full-mark answer; null: left out, or not stored"]
    turns: Annotated[tuple[TurnData, ...], "What the user says later; empty: nothing, or left out"]
    results: Annotated[tuple[ResultData, ...], "One result for each side, in their order"]


@dataclass(frozen=True)
class TurnData:
    """What a scripted user says after a reply."""

    user: Annotated[str, "What is said"]
    expected: Annotated[Json, "What is expected of the next reply"]
    answer: Annotated[str, "A full-mark reply"]


@dataclass(frozen=True)
class ResultData:
    """What one run made of a case."""

    score: Annotated[float | None, "Score in the primary metric, 0 to 1; null: an error"]
    kind: Annotated[str | None, "The scorer's word for the failure; null: none"]
    scores: Annotated[Mapping[str, ScoreData], "Every metric by name; empty: an error"]
    error: Annotated[
        str | None, "Why there is no score (its text may be left out); null: there is one"
    ]
    output: Annotated[str | None, "The answer; null: left out, or none"]
    full: Annotated[
        str | None, "All that was written, where the answer was taken out of it; null: left out"
    ]
    votes: Annotated[tuple[Vote, ...], "The answers it was chosen from; empty: one, or left out"]
    finish_reason: Annotated[FinishReason, "Why generation ended; length: cut at the token limit"]
    prompt_tokens: Annotated[int, "Tokens of the prompt; 0 where not known"]
    completion_tokens: Annotated[int, "Tokens of the answer; 0 where not known"]
    seconds: Annotated[float, "Seconds, its share of its batch; 0 where not known"]


@dataclass(frozen=True)
class ScoreData:
    """One metric of one output."""

    value: Annotated[float, "The score, 0 to 1"]
    kind: Annotated[str | None, "The scorer's word for the failure; null: none"]
    reason: Annotated[str | None, "What the scorer says; null: nothing, or left out"]


@dataclass(frozen=True)
class Vote:
    """One of the answers that were voted on."""

    answer: Annotated[str, "The answer"]
    votes: Annotated[int, "How many are for it"]


def job_case_sets(job: JobRecord, told: Disclosure) -> tuple[CaseSet, ...]:
    """The cases of a job whose texts were withheld already."""
    return tuple(
        case_set(runs, [_role(job, run) for run in runs], job.cases, told)
        for runs in shown_runs(job, told)
    )


def _role(job: JobRecord, run: Run) -> Role:
    if run.candidate.adapter:
        return "adapter"
    return "best_prompt" if run.candidate.model == job.model else "other_model"


def case_set(
    runs: tuple[Run, ...], roles: Sequence[Role], cases: Mapping[str, Case], told: Disclosure
) -> CaseSet:
    """The cases of one run, or those that two have unchanged, with what may be told of them.

    `cases` are by fingerprint; neither they nor `runs` hold texts that may not be told.
    """
    quiet = any(told.is_quiet(run) for run in runs)
    found = _statuses(runs)
    sides = [{result.case_id: result for result in run.results} for run in runs]
    lines = tuple(
        _case(
            cases.get(result.case_fingerprint),
            found[result.case_id],
            runs[-1].primary,
            [side[result.case_id] for side in sides],
            quiet=quiet,
        )
        for result in runs[-1].results
        if result.case_id in found
    )
    return CaseSet(
        split=runs[-1].split,
        sides=tuple(_side(role, run) for role, run in zip(roles, runs, strict=True)),
        texts=("sealed" if told.texts else "redacted") if quiet else "told",
        statuses=dict(sorted(Counter(found.values()).items())),
        cases=lines,
    )


def _statuses(runs: tuple[Run, ...]) -> dict[str, Status]:
    """What became of each case, as the page has it: no text is needed for that."""
    first, *second = (quiet_run(run, _WITHOUT_TEXTS) for run in runs)
    bare: Runs = (first, second[0]) if second else (first,)
    source = Source("", {}, _WITHOUT_TEXTS, ("",) * len(runs), "")
    return {case.case_id: case.status for case in cases_of_runs(source, bare, "").cases}


def _side(role: Role, run: Run) -> CaseSide:
    candidate = run.candidate
    return CaseSide(role, run.id, candidate.label, candidate.model, candidate.adapter or None)


def _case(
    case: Case | None,
    status: Status,
    primary: str,
    results: Sequence[CaseResult],
    *,
    quiet: bool,
) -> CaseData:
    last, told = results[-1], None if quiet else case
    return CaseData(
        id=last.case_id,
        fingerprint=last.case_fingerprint,
        status=status,
        cluster=last.cluster,
        tags=case.tags if case else {},
        must_pass=case.must_pass if case else False,
        path=(case.path or None) if case else None,
        line=(case.line or None) if case else None,
        input=told.input if told else None,
        expected=told.expected if told else None,
        answer=told.answer if told else None,
        turns=tuple(map(_turn, told.turns)) if told else (),
        results=tuple(_result(result, primary, quiet=quiet) for result in results),
    )


def _turn(turn: Turn) -> TurnData:
    return TurnData(turn.user, turn.expected, turn.answer)


def _result(result: CaseResult, primary: str, *, quiet: bool) -> ResultData:
    output = result.output
    score = None if result.failed else result.scores.get(primary)
    return ResultData(
        score=score.value if score else None,
        kind=(score.kind or None) if score else None,
        scores={name: _score(each) for name, each in result.scores.items()},
        error=result.failed,
        output=None if quiet else output.said,
        full=output.full or None,
        votes=_votes(result),
        finish_reason=output.finish_reason,
        prompt_tokens=output.prompt_tokens,
        completion_tokens=output.completion_tokens,
        seconds=output.seconds,
    )


def _score(score: Score) -> ScoreData:
    return ScoreData(score.value, score.kind or None, score.reason or None)


def _votes(result: CaseResult) -> tuple[Vote, ...]:
    ballots = result.output.ballots
    return (
        tuple(Vote(each.answer, each.votes) for each in poll_of(ballots).standings)
        if ballots
        else ()
    )
