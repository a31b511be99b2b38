"""How prompting was tried, as data: candidates, rounds, other models, retrieval, repeats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from evals.repeats import OverRepeats, RepeatLevel
from evals.retrieval.recall import Recall
from reports.attempts import (
    AttemptsView,
    attempts_view,
    completion_tokens_of,
    few_clusters,
    ranked_trials,
    seconds_of,
)
from reports.data.measures import (
    LEVEL,
    Estimate,
    MeanScore,
    estimate,
    mean_score,
    taken,
)
from reports.stored import is_named
from reports.stronger import latency_of
from tuning.records import CallCost, JobRecord, RoundLine, SearchedLine, StrongerLine, TrialLine


@dataclass(frozen=True)
class Prompting:
    """How prompting was tried on dev."""

    sentence: Annotated[str | None, "How much was tried, and with what end; null: nothing"]
    provisional: Annotated[bool, "Whether the ranking is one that no verdict rests on"]
    candidates: Annotated[
        tuple[CandidateData, ...], "Every tried candidate, best first; stopped and failed ones last"
    ]
    rounds: Annotated[tuple[Round, ...], "What each round took and gained"]
    other_models: Annotated[
        tuple[OtherModel, ...], "The leading prompt on the models that the suite names to compare"
    ]
    own_documents: Annotated[
        OwnDocuments | None,
        "The leader with each case's own documents in its prompt; null: not run",
    ]
    retrieval: Annotated[tuple[RecallData, ...], "What the candidates that retrieve have found"]
    repeats: Annotated[Repeats | None, "The leader over several runs; null: it was run once"]


@dataclass(frozen=True)
class Calls:
    """What calls of a candidate cost, and how long they take."""

    thousand: Annotated[float | None, "Money for 1,000 calls; null: no price, or not measured"]
    currency: Annotated[str | None, "The price list's currency; null: no price"]
    by: Annotated[Literal["tokens", "hours"] | None, "What is charged; null: no price"]
    median: Annotated[float | None, "Median seconds of a call; null: not measured"]
    p95: Annotated[float | None, "95th percentile of the seconds of a call; null: not measured"]


@dataclass(frozen=True)
class CandidateData:
    """One tried prompt candidate on dev."""

    run: Annotated[str, "Id of its run"]
    label: Annotated[str, "Prompt and how it is used"]
    round: Annotated[int | None, "Number of its round, from 1; null: tried before any"]
    family: Annotated[str | None, "What the round varies; null where not known"]
    leader: Annotated[bool, "Whether it is what an adapter must beat"]
    anchor: Annotated[bool, "Whether plateau and improvement are judged against it"]
    score: Annotated[
        Estimate | None, "Mean score in the primary metric; null where no case has a score"
    ]
    difference_to_anchor: Annotated[
        Estimate | None,
        "It minus the anchor, paired; one-sided bounds, corrected for the number tried, so that "
        "level is before that correction; null for the anchor, and where nothing was judged",
    ]
    wins: Annotated[int | None, "Cases that score higher than with the anchor; null: not counted"]
    losses: Annotated[int | None, "Cases that score lower; null: not counted"]
    flat: Annotated[bool, "Whether a gain of min_gain over the anchor is ruled out"]
    improved: Annotated[bool, "Whether a gain over the anchor is shown"]
    stopped: Annotated[bool, "Stopped early: its numbers are of a part of dev, and not ranked"]
    cases: Annotated[int, "Cases with a score"]
    errors: Annotated[int, "Cases without one"]
    votes: Annotated[int, "Answers drawn for each case"]
    prompt_tokens: Annotated[float | None, "Tokens of the prompt, mean of a case, all votes"]
    completion_tokens: Annotated[float | None, "Tokens of the answer, mean of a case, all votes"]
    seconds: Annotated[float | None, "Wall time of a case, mean; null: not measured"]
    calls: Annotated[Calls | None, "Cost and latency of a call; null: not known"]
    template: Annotated[
        str | None, "Source of its prompt; null: left out, or the suite has it no longer as it was"
    ]


@dataclass(frozen=True)
class Round:
    """One round of the search."""

    index: Annotated[int, "Its number, from 1"]
    family: Annotated[str, "What it varies"]
    declared: Annotated[int, "Candidates declared"]
    tried: Annotated[int, "Candidates with a run"]
    best: Annotated[str | None, "Label of its best on all of dev; null: none"]
    best_run: Annotated[str | None, "Run of that one; null: none"]
    score: Annotated[Estimate | None, "Its mean score; null: none"]
    gain: Annotated[Estimate | None, "It minus the best before; null: nothing came before"]
    prompt_tokens: Annotated[int, "Prompt tokens of all its runs and searches"]
    completion_tokens: Annotated[int, "Completion tokens of all its runs and searches"]
    searching: Annotated[int, "Tokens of its searches alone"]
    seconds: Annotated[float, "Wall time of its runs and searches, seconds"]
    cost: Annotated[float | None, "Money that all of it is worth; null: not known"]
    currency: Annotated[str | None, "The price list's currency; null: no price"]
    token_budget: Annotated[int | None, "Tokens that it may take; null: any number"]
    searched: Annotated[
        tuple[Searched, ...], "What searched demonstrations are worth against random ones"
    ]


@dataclass(frozen=True)
class Searched:
    """Searched demonstrations against as many random ones with the same prompt."""

    label: Annotated[str, "The candidate with searched ones"]
    random: Annotated[str, "The candidate with random ones"]
    difference: Annotated[Estimate | None, "Searched minus random; null: one has no whole run"]
    sentence: Annotated[str, "What that shows"]


@dataclass(frozen=True)
class OtherModel:
    """The leading prompt on another model, on the same dev cases."""

    model: Annotated[str, "Name of the model"]
    run: Annotated[str | None, "Id of its run; null: not run, and then there are no numbers"]
    score: Annotated[Estimate | None, "Mean score; null: none"]
    certain: Annotated[float | None, "One-sided lower bound that is held against the target"]
    difference: Annotated[Estimate | None, "It minus the leader, paired; null: none"]
    cases: Annotated[int, "Cases with a score"]
    errors: Annotated[int, "Cases without one"]
    usable: Annotated[bool, "Whether errors are few enough to judge it"]
    reaches: Annotated[bool, "Whether the target is reached for certain, cost aside"]
    suffices: Annotated[bool, "Whether it is reached at a cost that is accepted or not limited"]
    cost: Annotated[float | None, "Money for 1,000 calls; null: not known"]
    max_cost: Annotated[float | None, "The most that is accepted; null: no limit"]
    currency: Annotated[str | None, "The price list's currency; null: no price"]
    cost_acceptable: Annotated[bool | None, "Whether that cost is accepted; null: not judged"]
    median: Annotated[float | None, "Median seconds of a call; null: not measured"]
    p95: Annotated[float | None, "95th percentile of the seconds of a call; null: not measured"]


@dataclass(frozen=True)
class OwnDocuments:
    """The leader shown each case's own documents: what retrieval could gain at best."""

    run: Annotated[str, "Id of the run"]
    label: Annotated[str, "The candidate"]
    score: Annotated[Estimate | None, "Mean score; null: none"]
    difference: Annotated[
        Estimate | None, "It minus the leader as tried, one-sided bounds; null: too little scored"
    ]
    cases: Annotated[int, "Cases with a score"]
    errors: Annotated[int, "Cases without one"]
    without: Annotated[int, "Cases that name no documents and were shown none"]


@dataclass(frozen=True)
class RecallData:
    """How much of what cases need a retrieving candidate has found."""

    run: Annotated[str, "Id of the run"]
    label: Annotated[str, "The candidate"]
    pieces: Annotated[int, "Pieces of documents shown to a case, at most"]
    recall: Annotated[MeanScore, "Share of a case's documents that were shown, mean"]
    found: Annotated[MeanScore | None, "Score where all were shown; null: no such case"]
    missed: Annotated[MeanScore | None, "Score where some were not; null: no such case"]
    without: Annotated[int, "Cases that name no documents"]


@dataclass(frozen=True)
class Repeats:
    """Several runs of the leader that differ by their seed alone."""

    metric: Annotated[str, "The metric"]
    times: Annotated[int, "How often each case was run"]
    least: Annotated[int, "In how many repeats a case must be right to count as right"]
    pass_score: Annotated[float, "Score from which a repeat is right"]
    cases: Annotated[int, "Cases in all"]
    score: Annotated[
        Estimate | None, "Mean over cases of each case's mean; null: no case has every score"
    ]
    levels: Annotated[tuple[RepeatShare, ...], "Cases by how often they are right"]
    wavered: Annotated[tuple[str, ...], "Ids of cases that were right once and not another time"]
    errors: Annotated[tuple[str, ...], "Ids of cases of which a repeat has no score"]
    runs: Annotated[tuple[str, ...], "Ids of the runs"]


@dataclass(frozen=True)
class RepeatShare:
    """Cases that are right in at least so many of their repeats."""

    count: Annotated[int, "The number of repeats"]
    share: Annotated[Estimate, "Share of the cases"]
    pass_at: Annotated[float, "pass@k: how often one of so many tries is right, a share"]
    pass_all: Annotated[float, "pass^k: how often all of so many are, a share"]


def prompting_data(job: JobRecord) -> Prompting:
    """How prompting was tried."""
    view, decision = attempts_view(job), job.decision
    tried = view if isinstance(view, AttemptsView) else None
    oracle = decision.oracle if decision else None
    return Prompting(
        sentence=tried.sentence if tried else None,
        provisional=tried.provisional if tried else True,
        candidates=tuple(_candidate(job, trial) for trial in ranked_trials(job)),
        rounds=tuple(map(_round, decision.rounds if decision else ())),
        other_models=tuple(_other(job, line) for line in (decision.stronger if decision else ())),
        own_documents=taken(
            OwnDocuments,
            oracle,
            run=oracle.run_id,
            difference=estimate(oracle.difference, "one"),
        )
        if oracle
        else None,
        retrieval=tuple(map(_recall, decision.recalls if decision else ())),
        repeats=_repeats(job.over_repeats) if job.over_repeats else None,
    )


def calls_data(cost: CallCost | None) -> Calls | None:
    """Cost and latency of a candidate's calls."""
    return taken(Calls, cost) if cost else None


def _candidate(job: JobRecord, trial: TrialLine) -> CandidateData:
    run, decision = job.runs.get(trial.run_id), job.decision
    return taken(
        CandidateData,
        trial,
        run=trial.run_id,
        round=trial.round_index or None,
        leader=decision is not None and is_named(trial, decision.leader),
        anchor=decision is not None and is_named(trial, decision.anchor),
        score=_score(job, trial),
        difference_to_anchor=estimate(trial.versus_anchor, "one"),
        votes=run.candidate.technique.votes if run else trial.votes,
        completion_tokens=completion_tokens_of(trial, run),
        seconds=seconds_of(run),
        calls=calls_data(trial.cost),
        template=job.templates.get(trial.run_id),
    )


def _score(job: JobRecord, trial: TrialLine) -> Estimate | None:
    """The mean; without bounds where clusters are too few for any that hold."""
    if not trial.cases:
        return None
    if few_clusters(job):
        return Estimate(trial.score.estimate, None, None, trial.score.level, "two")
    return estimate(trial.score)


def _round(line: RoundLine) -> Round:
    return taken(
        Round,
        line,
        token_budget=line.budget or None,
        searched=tuple(map(_searched, line.searched)),
    )


def _searched(line: SearchedLine) -> Searched:
    return taken(Searched, line)


def _other(job: JobRecord, line: StrongerLine) -> OtherModel:
    median, p95 = latency_of(job.runs.get(line.run_id) if line.run_id else None)
    return taken(OtherModel, line, run=line.run_id, median=median, p95=p95)


def _recall(recall: Recall) -> RecallData:
    return taken(
        RecallData,
        recall,
        run=recall.run_id,
        recall=mean_score(recall.recall),
        found=mean_score(recall.found),
        missed=mean_score(recall.missed),
    )


def _repeats(found: OverRepeats) -> Repeats:
    score = (
        None if found.score is None else Estimate(found.score, found.low, found.high, LEVEL, "two")
    )
    return taken(Repeats, found, score=score, levels=tuple(map(_level, found.levels)))


def _level(level: RepeatLevel) -> RepeatShare:
    share = Estimate(level.share, level.low, level.high, LEVEL, "two")
    return taken(RepeatShare, level, share=share)
