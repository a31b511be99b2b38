"""The whole document of a job, in the order of the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from reports.data.cases import CaseSet, job_case_sets
from reports.data.cost import Cost, cost_data
from reports.data.failures import (
    Failures,
    failures_data,
)
from reports.data.outcome import (
    BeforeAfter,
    Guard,
    NeutralText,
    SeedsData,
    TradeoffData,
    before_after_data,
    guards_data,
    seeds_data,
    text_data,
    tradeoff_data,
)
from reports.data.prompting import Prompting, prompting_data
from reports.data.reproduce import Reproduce, reproduce_data
from reports.data.training import (
    Learning,
    TogetherData,
    Training,
    learning_data,
    together_data,
    training_data,
)
from reports.data.verdict import (
    Check,
    Judge,
    VerdictData,
    WhyData,
    check_data,
    judges_data,
    verdict_data,
    why_data,
)
from reports.disclosure import Disclosure, withhold
from tuning.records import JobRecord

REPORT_FORMAT: Literal["tunegate-report@1"] = "tunegate-report@1"


@dataclass(frozen=True)
class Told:
    """Which texts of cases and outputs the document may hold."""

    texts: Annotated[bool, "Any at all; false: --redact"]
    sealed: Annotated[bool, "Those of the sealed split, too; true: --show-sealed"]


@dataclass(frozen=True)
class Report:
    """The report on a suite's whole job on one model, in the order of the page."""

    format: Annotated[Literal["tunegate-report@1"], "What this is, and its version"]
    suite: Annotated[str, "Name of the suite"]
    task: Annotated[str, "What its task is"]
    model: Annotated[str, "The model that it was run on"]
    primary_metric: Annotated[str, "The metric that decides"]
    min_gain: Annotated[float, "Smallest gain worth a fine-tune, a difference of mean scores"]
    target: Annotated[float | None, "Mean score that is good enough; null: none is stated"]
    calls_per_month: Annotated[int | None, "Calls a month in operation; null: not stated"]
    split_sizes: Annotated[Mapping[str, int], "Cases of each split; test is the sealed one"]
    told: Annotated[Told, "Which texts are told"]
    verdict: Annotated[VerdictData, "The verdict, what to do next, and what limits the claim"]
    why: Annotated[WhyData, "The decision table"]
    judges: Annotated[tuple[Judge, ...], "The models that judge"]
    before_after: Annotated[
        BeforeAfter | None, "Best prompt against adapter on the sealed split; null: not run"
    ]
    guards: Annotated[tuple[Guard, ...], "What must not be lost; empty: no guard was run"]
    seeds: Annotated[SeedsData | None, "Trainings that differ by seed; null: there was one"]
    neutral_text: Annotated[NeutralText | None, "Change on neutral text; null: not measured"]
    tradeoff: Annotated[TradeoffData | None, "Adapters side by side; null: there was one"]
    prompting: Annotated[Prompting, "How prompting was tried"]
    cost: Annotated[Cost, "What a call costs, and break-even"]
    failures: Annotated[Failures, "What goes wrong"]
    checks: Annotated[tuple[Check, ...], "What was found in the suite"]
    training: Annotated[Training | None, "The training; null: nothing was trained"]
    siblings: Annotated[tuple[Training, ...], "Further trainings that differ by their seed"]
    together: Annotated[TogetherData | None, "The adapter with several prompts; null: with one"]
    learning: Annotated[Learning | None, "The learning curve; null: not measured"]
    cases: Annotated[tuple[CaseSet, ...], "Every case, in sets; empty: nothing was run"]
    reproduce: Annotated[Reproduce, "How to get the same numbers again"]


def report_data(job: JobRecord, told: Disclosure) -> Report:
    """All that is reported of a job: a pure function of its records.

    Raises RecordError when the job names a run that it does not hold.
    """
    job = withhold(job, told)
    return Report(
        format=REPORT_FORMAT,
        suite=job.suite,
        task=job.task,
        model=job.model,
        primary_metric=job.primary,
        min_gain=job.min_gain,
        target=job.target,
        calls_per_month=job.calls_per_month,
        split_sizes=job.split_sizes,
        told=told_data(told),
        verdict=verdict_data(job, told),
        why=why_data(job),
        judges=judges_data(job),
        before_after=before_after_data(job),
        guards=guards_data(job),
        seeds=seeds_data(job),
        neutral_text=text_data(job),
        tradeoff=tradeoff_data(job),
        prompting=prompting_data(job),
        cost=cost_data(job),
        failures=failures_data(job),
        checks=tuple(map(check_data, job.checks)),
        training=training_data(job.training) if job.training else None,
        siblings=tuple(map(training_data, job.siblings)),
        together=together_data(job),
        learning=learning_data(job),
        cases=job_case_sets(job, told),
        reproduce=reproduce_data(job),
    )


def told_data(told: Disclosure) -> Told:
    """Which texts are told."""
    return Told(told.texts, told.texts and told.sealed)
