"""Cost as data: a call before and after, every candidate's, hosted runs, and break-even."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from evals.records import Run, SplitName
from reports.cost import (
    call_seconds,
    calls_until_even,
    completion_tokens,
    mean_of_outputs,
    prompt_tokens,
    quiet_seconds,
    shown_payback,
)
from reports.data.measures import taken
from reports.data.prompting import Calls
from reports.hosted import hosted_runs, per_call
from reports.payback import cost_standing, known_calls
from reports.stored import leader_run, sealed_runs
from reports.timing import timed_arms
from tuning.records import JobRecord, Payback


@dataclass(frozen=True)
class Cost:
    """What a call costs, what training cost, and when that is earned back."""

    before: Annotated[CallMeans | None, "A call of the best prompt; null: not measured"]
    after: Annotated[CallMeans | None, "A call of the adapter; null: not measured"]
    machine_break_even: Annotated[
        int | None,
        "Calls on this machine until the training's seconds are earned back; null: never, or not "
        "known",
    ]
    calls: Annotated[tuple[CandidateCalls, ...], "Every tried candidate, then the sealed runs"]
    hosted: Annotated[tuple[HostedRun, ...], "Runs of hosted models, the cheapest first"]
    payback: Annotated[PaybackData | None, "Break-even in money; null: see missing"]
    missing: Annotated[tuple[str, ...], "What is missing to tell break-even, and how to add it"]


@dataclass(frozen=True)
class CallMeans:
    """A call of one candidate, means over the cases that gave an output."""

    run: Annotated[str, "Id of the run"]
    label: Annotated[str, "The candidate"]
    prompt_tokens: Annotated[float | None, "Tokens of the prompt; null: no output"]
    completion_tokens: Annotated[float | None, "Tokens of the answer; null: no output"]
    seconds: Annotated[float | None, "Seconds, its share of its batch; null: no output"]


@dataclass(frozen=True)
class CandidateCalls:
    """What calls of one candidate cost."""

    run: Annotated[str | None, "Id of the run; null: not stored"]
    label: Annotated[str | None, "The candidate; null: not stored"]
    split: Annotated[SplitName, "The split that it was measured on"]
    calls: Annotated[Calls, "Cost and latency"]


@dataclass(frozen=True)
class HostedRun:
    """What asking a hosted model took for one run."""

    run: Annotated[str, "Id of the run"]
    label: Annotated[str, "The candidate"]
    model: Annotated[str, "The model"]
    suite: Annotated[str, "The suite"]
    split: Annotated[SplitName, "The split"]
    requests: Annotated[int, "HTTP requests, tries again included"]
    prompt_tokens: Annotated[int, "Prompt tokens in all, as the endpoint counts"]
    completion_tokens: Annotated[int, "Completion tokens in all"]
    cached_tokens: Annotated[int, "Prompt tokens that the endpoint had kept"]
    money: Annotated[float | None, "Money in all; null: no price, or tokens not counted"]
    thousand: Annotated[float | None, "Money for 1,000 answered cases; null: not known"]
    currency: Annotated[str | None, "The price list's currency; null: no price"]


@dataclass(frozen=True)
class PaybackData:
    """When a tuned model has paid for its training."""

    before_label: Annotated[str, "What is paid for now"]
    after_label: Annotated[str, "What would be paid for"]
    currency: Annotated[str, "The currency of all money here"]
    calls_per_month: Annotated[int, "Calls a month"]
    within_months: Annotated[float, "Months within which it must break even"]
    retrain_months: Annotated[float | None, "Months between trainings; null: trained once"]
    before: Annotated[float, "Money for 1,000 calls now"]
    after: Annotated[float, "Money for 1,000 calls tuned"]
    after_worst: Annotated[float, "The same at the unfavourable end"]
    training: Annotated[float, "Money for one training"]
    training_worst: Annotated[float, "The same at the unfavourable end"]
    months: Annotated[float | None, "Months to break-even; null: never"]
    months_worst: Annotated[float | None, "The same at the unfavourable end; null: never"]
    volume: Annotated[
        float | None, "Calls a month from which it breaks even within_months; null: none"
    ]
    volume_worst: Annotated[float | None, "The same at the unfavourable end; null: none"]
    is_estimate: Annotated[bool, "Estimated before training; else as measured"]
    basis: Annotated[tuple[str, ...], "How each figure was come by"]


def cost_data(job: JobRecord) -> Cost:
    """What is known of cost; sealed runs where there are any, else the leader's."""
    sealed_before, after = sealed_runs(job)
    before = sealed_before or leader_run(job)
    standing, arms = cost_standing(job), timed_arms(job)
    payback = shown_payback(job, arms)
    return Cost(
        before=call_means(before),
        after=call_means(after),
        machine_break_even=_machine_break_even(job, quiet_seconds((before, after), arms)),
        calls=tuple(
            CandidateCalls(
                call.run or None, call.label or None, call.split, taken(Calls, call.cost)
            )
            for call in known_calls(job)
        ),
        hosted=tuple(map(_hosted, hosted_runs(tuple(job.runs.values())))),
        payback=_payback(payback) if payback else None,
        missing=standing.missing if standing else (),
    )


def call_means(run: Run | None) -> CallMeans | None:
    """Means of one run's calls."""
    if run is None:
        return None
    return CallMeans(
        run.id,
        run.candidate.label,
        mean_of_outputs(run, prompt_tokens),
        mean_of_outputs(run, completion_tokens),
        mean_of_outputs(run, call_seconds),
    )


def _machine_break_even(job: JobRecord, seconds: tuple[float | None, float | None]) -> int | None:
    old, new = seconds
    if job.training is None or old is None or new is None:
        return None
    return calls_until_even(job.training.seconds, old - new)


def _hosted(run: Run) -> HostedRun:
    assert run.spent is not None
    cost = per_call(run)
    return taken(
        HostedRun,
        run.spent,
        run=run.id,
        label=run.candidate.label,
        model=run.candidate.model,
        suite=run.suite,
        split=run.split,
        thousand=None if cost is None else 1000 * cost,
    )


def _payback(payback: Payback) -> PaybackData:
    return taken(PaybackData, payback)
