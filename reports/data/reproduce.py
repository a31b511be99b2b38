"""How to get the same numbers again, as data: commands, fingerprints, versions, seeds, times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from evals.records import Run, SplitName
from reports.data.measures import taken
from reports.reproduce import commands_of, reproduced_runs
from tuning.records import JobRecord


@dataclass(frozen=True)
class Reproduce:
    """What to run, and what it was run with."""

    commands: Annotated[tuple[str, ...], "Commands that do it all again"]
    environment: Annotated[Mapping[str, str], "Versions and the machine, by name"]
    runs: Annotated[tuple[RunData, ...], "Every stored run: this suite's by split, then guards'"]
    phases: Annotated[tuple[PhaseData, ...], "Stages of the job"]
    seconds: Annotated[float, "Wall time of all stages, seconds"]


@dataclass(frozen=True)
class RunData:
    """A stored run, and the identity of what made it."""

    id: Annotated[str, "Id of the run, derived from its content"]
    suite: Annotated[str, "The suite"]
    split: Annotated[SplitName, "The split; test is the sealed one"]
    label: Annotated[str, "The candidate: prompt, how it is used, adapter"]
    model: Annotated[str, "The model"]
    model_fingerprint: Annotated[str, "Fingerprint of its weights, or of what the endpoint says"]
    adapter: Annotated[str | None, "Fingerprint of its adapter; null: none"]
    prompt: Annotated[str, "Name of the prompt"]
    prompt_fingerprint: Annotated[str, "Fingerprint of its template"]
    demonstrations: Annotated[str, "How demonstrations are chosen; none: there are none"]
    k: Annotated[int, "How many demonstrations"]
    seed: Annotated[int, "Seed that demonstrations are drawn with"]
    candidate_fingerprint: Annotated[str, "Fingerprint of all that can change an output"]
    suite_fingerprint: Annotated[str, "Fingerprint of the suite as it was"]
    scoring_fingerprint: Annotated[str, "Identity of the metrics"]
    decoding: Annotated[DecodingData, "How text was generated"]
    cases: Annotated[int, "Results, one for each case"]
    errors: Annotated[int, "Cases without a score"]
    seconds: Annotated[float, "Wall time spent generating, summed over resumes, seconds"]
    created: Annotated[str, "When it was stored, as ISO 8601 in UTC"]
    environment: Annotated[Mapping[str, str], "Versions and precision that it was made with"]


@dataclass(frozen=True)
class DecodingData:
    """How text was generated."""

    max_tokens: Annotated[int, "Tokens of an answer, at most"]
    temperature: Annotated[float, "0 is greedy"]
    top_p: Annotated[float, "Share of probability that is sampled from"]
    seed: Annotated[int, "Matters above temperature 0 alone"]
    stop: Annotated[tuple[str, ...], "Texts that end an answer"]
    constrained: Annotated[bool, "Whether the form of the answer is enforced"]


@dataclass(frozen=True)
class PhaseData:
    """A stage of the job."""

    name: Annotated[str, "Its name"]
    seconds: Annotated[float, "Its wall time, summed over resumes, seconds"]


def reproduce_data(job: JobRecord) -> Reproduce:
    """Commands, identities and times of a job."""
    return Reproduce(
        commands=commands_of(job),
        environment=job.environment,
        runs=tuple(map(run_data, reproduced_runs(job))),
        phases=tuple(taken(PhaseData, phase) for phase in job.phases),
        seconds=sum(phase.seconds for phase in job.phases),
    )


def run_data(run: Run) -> RunData:
    """One run by what it is of, not by its results."""
    candidate = run.candidate
    return RunData(
        id=run.id,
        suite=run.suite,
        split=run.split,
        label=candidate.label,
        model=candidate.model,
        model_fingerprint=candidate.model_fingerprint,
        adapter=candidate.adapter or None,
        prompt=candidate.prompt,
        prompt_fingerprint=candidate.prompt_fingerprint,
        demonstrations=candidate.demonstrations,
        k=candidate.k,
        seed=candidate.seed,
        candidate_fingerprint=candidate.fingerprint,
        suite_fingerprint=run.suite_fingerprint,
        scoring_fingerprint=run.scoring_fingerprint,
        decoding=taken(DecodingData, candidate.decoding),
        cases=len(run.results),
        errors=len(run.errors),
        seconds=run.seconds,
        created=run.created,
        environment=run.environment,
    )
