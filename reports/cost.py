"""What a call costs before and after, what training cost, and when that is earned back."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from evals.records import Output, Run
from evals.spending.wording import money_said
from reports import numbers
from reports.effort import training_effort
from reports.hosted import HostedRow, hosted_rows, per_call
from reports.payback import CallRow, PaybackView, call_rows, cost_standing, payback_view
from reports.stored import NotRun, leader_run, sealed_runs
from reports.timing import quiet_standing, timed_arms, timing_notes
from tuning.cost.quiet import TimedArms
from tuning.records import JobRecord, Payback


@dataclass(frozen=True)
class CostRow:
    """A quantity before and after; `change` is empty where there is only one side."""

    name: str
    before: str
    after: str
    change: str


@dataclass(frozen=True)
class Fact:
    """A figure in words, with how it was come by."""

    name: str
    value: str


@dataclass(frozen=True)
class CostView:
    """Cost of a call, of a month, of training; money only where prices are known.

    `disturbed`: what to know first where a candidate's dev and sealed seconds disagree.
    """

    before_label: str
    after_label: str
    rows: tuple[CostRow, ...]
    facts: tuple[Fact, ...]
    disturbed: tuple[str, ...] = ()
    hosted: tuple[HostedRow, ...] = ()
    calls: tuple[CallRow, ...] = ()
    payback: PaybackView | None = None


def cost_view(job: JobRecord) -> CostView | NotRun:
    """Measured tokens and seconds; sealed runs where there are any, else the leader's."""
    before, after = sealed_runs(job)
    before = before or leader_run(job)
    if not before and not after:
        return NotRun("No call has been measured", f"tunegate run {job.suite}")
    arms = timed_arms(job)
    facts = [*_saving(job, before, after), *_training(job, before, after, arms)]
    quiet = quiet_standing(job, arms)
    payback = shown_payback(job, arms)
    facts += [*_month(job, before), *([] if payback else [_money(job, before)])]
    hosted = hosted_rows(tuple(job.runs.values()), job.model)
    return CostView(
        before_label=before.candidate.label if before else "",
        after_label=after.candidate.label if after else "",
        rows=(*call_costs(before, after), *_quiet_seconds(before, after, arms)),
        facts=tuple(facts),
        disturbed=timing_notes(job, arms, quiet),
        hosted=hosted,
        calls=() if hosted else call_rows(job),
        payback=payback_view(payback, at_quiet_pace=quiet is not None) if payback else None,
    )


def shown_payback(job: JobRecord, arms: TimedArms | None = None) -> Payback | None:
    """The break-even that is shown: as measured without what disturbed it, else by estimate."""
    standing = cost_standing(job)
    quiet = quiet_standing(job, arms or timed_arms(job))
    return quiet or (standing.payback if standing else None)


def mean_of_outputs(run: Run | None, quantity: Callable[[Output], float]) -> float | None:
    """Mean over the calls that gave an output; None where none did."""
    values = [quantity(r.output) for r in run.results if not r.output.error] if run else []
    return sum(values) / len(values) if values else None


def prompt_tokens(output: Output) -> float:
    """Tokens of the prompt."""
    return output.prompt_tokens


def completion_tokens(output: Output) -> float:
    """Tokens of the answer."""
    return output.completion_tokens


def call_seconds(output: Output) -> float:
    """The request's share of its batch's wall time."""
    return output.seconds


def call_costs(before: Run | None, after: Run | None) -> tuple[CostRow, ...]:
    """Tokens and seconds of a call on either side, means over the cases."""
    quantities: tuple[tuple[str, Callable[[Output], float], Callable[[float | None], str]], ...] = (
        ("prompt tokens a call", prompt_tokens, numbers.count),
        ("completion tokens a call", completion_tokens, numbers.count),
        ("seconds a call, in batches here", call_seconds, numbers.duration),
    )
    rows = []
    for name, quantity, write in quantities:
        old, new = mean_of_outputs(before, quantity), mean_of_outputs(after, quantity)
        rows.append(CostRow(name, write(old), write(new), _change(old, new)))
    return tuple(rows)


def _quiet_seconds(before: Run | None, after: Run | None, arms: TimedArms) -> tuple[CostRow, ...]:
    """The sealed seconds as they would be at the pace of each side's faster run."""
    if not arms.disturbed:
        return ()
    old, new = quiet_seconds((before, after), arms)
    name = "the same, as fast for each token as each one's faster run"
    return (CostRow(name, numbers.duration(old), numbers.duration(new), _change(old, new)),)


def quiet_seconds(
    sides: tuple[Run | None, Run | None], arms: TimedArms
) -> tuple[float | None, float | None]:
    """Seconds of a call on both sides, without what disturbed them."""
    old, new = (mean_of_outputs(run, call_seconds) for run in sides)
    first, second = arms.shares
    return (None if old is None else old * first, None if new is None else new * second)


def _change(old: float | None, new: float | None) -> str:
    """The relative change: `\u221290 %`, `+12 %`."""
    if not old or new is None:
        return ""
    share = (new - old) / old
    if abs(share) < 0.005:
        return "same"
    return ("+" if share > 0 else "\u2212") + numbers.percent(abs(share))


def _saving(job: JobRecord, before: Run | None, after: Run | None) -> list[Fact]:
    old, new = mean_of_outputs(before, prompt_tokens), mean_of_outputs(after, prompt_tokens)
    if old is None or new is None:
        return []
    saved = old - new
    word = "saved" if saved >= 0 else "added"
    facts = [Fact(f"Prompt tokens {word} a call", numbers.count(abs(saved)))]
    if job.calls_per_month:
        month = f"{numbers.large(abs(saved) * job.calls_per_month)} at "
        month += f"{numbers.count(job.calls_per_month)} calls a month"
        facts.append(Fact(f"Prompt tokens {word} a month", month))
    return facts


def _training(job: JobRecord, before: Run | None, after: Run | None, arms: TimedArms) -> list[Fact]:
    if not job.training:
        return []
    training = job.training
    facts = [Fact("Training", training_effort(training))]
    old, new = quiet_seconds((before, after), arms)
    if old is not None and new is not None:
        facts.append(Fact("Break-even in machine time", _payback(training.seconds, old - new)))
    return facts


def calls_until_even(seconds: float, saved: float) -> int | None:
    """Calls until a training's seconds are earned back, each saving some; None: never."""
    return math.ceil(seconds / saved) if saved > 0 else None


def _payback(seconds: float, saved: float) -> str:
    """After how many calls the training time is earned back on this machine."""
    calls = calls_until_even(seconds, saved)
    if calls is None:
        return "never: a call is not faster with the adapter on this machine"
    return (
        f"after {numbers.count(calls)} calls on this machine: each saves {numbers.duration(saved)}"
    )


def _month(job: JobRecord, before: Run | None) -> list[Fact]:
    """Money for a month of calls as they are now, where the model is hosted and has a price."""
    cost = per_call(before)
    if cost is None or before is None or before.spent is None or not job.calls_per_month:
        return []
    month = money_said(cost * job.calls_per_month, before.spent.currency)
    said = f"{month} at {numbers.count(job.calls_per_month)} calls"
    return [Fact(f"Cost of a month of {before.candidate.label}", said)]


def _money(job: JobRecord, before: Run | None) -> Fact:
    """Why no break-even can be told in money."""
    standing = cost_standing(job)
    if standing is not None and standing.missing:
        return Fact("Break-even in money", f"not tested: {'; '.join(standing.missing)}")
    known = per_call(before) is not None
    missing = "no price of training is recorded" if known else "no prices are recorded"
    if not job.calls_per_month:
        missing = "no calls_per_month in the suite, and " + missing
    return Fact("Break-even in money", f"not tested: {missing}")
