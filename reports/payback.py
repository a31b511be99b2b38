"""Whether tuning pays for itself: the figures, the curve over the months, and its table."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from evals.durations import limit_said, months_said
from evals.records import SplitName
from evals.spending.wording import money_said
from reports import numbers
from reports.charts import tick_label
from reports.plots import Curve, Plot, Spot, curves
from reports.timing import timed_arms
from tuning.cost.break_even import trainings_until
from tuning.cost.quiet import TimedArms
from tuning.records import CallCost, CostStanding, JobRecord, Payback

MOST_MONTHS = 60.0
MOST_STEPS = 120
"""More retrainings than these are drawn as their average, a straight line."""
ROWS = 12


@dataclass(frozen=True)
class CallRow:
    """What calls of one candidate cost and how long they took; texts are ready to show."""

    label: str
    split: str
    thousand: str
    by: str
    median: str
    p95: str


@dataclass(frozen=True)
class MonthRow:
    """What was paid in all until a month, the retraining on its day included."""

    month: str
    before: str
    after: str
    worst: str
    trainings: str


@dataclass(frozen=True)
class PaybackView:
    """The break-even, in figures, as a curve and as its table."""

    sentence: str
    facts: tuple[tuple[str, str], ...]
    basis: tuple[str, ...]
    curve: Plot
    even: str
    rows: tuple[MonthRow, ...]
    before_label: str
    after_label: str


def cost_standing(job: JobRecord) -> CostStanding | None:
    """What is known of break-even: as measured after training, else as the gate estimated."""
    measured = job.shipping.cost if job.shipping else None
    if measured is not None and measured.payback:
        return measured
    return (job.decision.cost if job.decision else None) or measured


class KnownCall(NamedTuple):
    """What calls of one candidate cost; the label is empty where its run is not stored."""

    run: str
    label: str
    split: SplitName
    cost: CallCost


def known_calls(job: JobRecord) -> tuple[KnownCall, ...]:
    """Every tried candidate as ranked, then the sealed runs; empty where nothing is known."""
    trials = job.decision.trials if job.decision else ()
    found = [KnownCall(t.run_id, t.label, "dev", t.cost) for t in trials if t.cost]
    if job.shipping:
        sealed = zip(
            (job.leader_test, job.adapter_test),
            (job.shipping.before_cost, job.shipping.after_cost),
            strict=True,
        )
        for name, cost in sealed:
            run = job.runs.get(name) if name else None
            if cost is not None:
                label = run.candidate.label if run else ""
                found.append(KnownCall(name or "", label, "test", cost))
    if all(call.cost.thousand is None and call.cost.median is None for call in found):
        return ()
    return tuple(found)


def call_rows(job: JobRecord) -> tuple[CallRow, ...]:
    """What `known_calls` finds, ready to show; a disturbed timing is called so."""
    arms = timed_arms(job)
    return tuple(
        _call_row(call.label, _split_said(call.label, call.split, arms), call.cost)
        for call in known_calls(job)
    )


def _split_said(label: str, split: str, arms: TimedArms) -> str:
    slowed = arms.is_slowed(label, "dev" if split == "dev" else "sealed")
    return f"{split}, disturbed" if slowed else split


def thousand_said(cost: CallCost | None) -> str:
    """Money for 1,000 calls, or that a price or the count of tokens is missing."""
    if cost is None or cost.thousand is None:
        return "not known"
    return money_said(cost.thousand, cost.currency)


def _call_row(label: str, split: str, cost: CallCost) -> CallRow:
    times = numbers.duration(cost.median), numbers.duration(cost.p95)
    return CallRow(label, split, thousand_said(cost), cost.by, *times)


_STALE = (
    " But facts change often and nobody says how often it would be trained anew: it would go stale."
)


def payback_view(payback: Payback, *, at_quiet_pace: bool = False) -> PaybackView:
    """Everything that is shown of a break-even.

    `at_quiet_pace`: its seconds are those of each side's faster run.
    """
    horizon = _horizon(payback)
    measured = "As measured in the faster runs" if at_quiet_pace else "As measured"
    sentence = _sentence(payback, "By estimate" if payback.is_estimate else measured)
    return PaybackView(
        sentence=sentence,
        facts=_facts(payback),
        basis=tuple(text[:1].upper() + text[1:] for text in payback.basis),
        curve=_curve(payback, horizon, sentence),
        even=f"break-even: {_even(payback, horizon)}",
        rows=_rows(payback, horizon),
        before_label=payback.before_label,
        after_label=payback.after_label,
    )


def _sentence(payback: Payback, kind: str) -> str:
    calls = f"at {numbers.count(payback.calls_per_month)} calls a month"
    if payback.months is None:
        return f"{kind}, {calls} a tuned model never breaks even."
    return (
        f"{kind}, {calls} a tuned model breaks even after {_even_said(payback)}; "
        f"{limit_said(payback.within_months)} are allowed.{_STALE if payback.goes_stale else ''}"
    )


def _even(payback: Payback, horizon: float) -> str:
    if payback.months is None or payback.months <= horizon:
        return months_said(payback.months)
    return f"{months_said(payback.months)}, not drawn"


def _even_said(payback: Payback) -> str:
    limit = payback.within_months
    likely, worst = months_said(payback.months, limit), months_said(payback.months_worst, limit)
    return f"{likely} ({worst} at the unfavourable end)"


def _facts(payback: Payback) -> tuple[tuple[str, str], ...]:
    money = payback.currency
    retrained = "once"
    if payback.retrain_months is not None:
        retrained = f"every {payback.retrain_months:g} months"
    month = payback.calls_per_month / 1000
    return (
        (
            f"1,000 calls of {payback.before_label}",
            money_said(payback.before, money),
        ),
        (
            f"1,000 calls of {payback.after_label}",
            _span(payback.after, payback.after_worst, money),
        ),
        (
            "A month of calls",
            f"{money_said(month * payback.before, money)} now, "
            f"{money_said(month * payback.after, money)} tuned",
        ),
        ("Training, " + retrained, _span(payback.training, payback.training_worst, money)),
        ("Break-even", _even_said(payback)),
        (
            f"Break-even volume, within {limit_said(payback.within_months)}, "
            "trainings due then paid",
            _volume(payback),
        ),
    )


def _span(likely: float, worst: float, currency: str) -> str:
    text = money_said(likely, currency)
    return text if worst == likely else f"{text} (at most {money_said(worst, currency)})"


def _volume(payback: Payback) -> str:
    if payback.volume is None:
        return "none: a tuned call is not cheaper"
    text = f"{numbers.count(math.ceil(payback.volume))} calls a month"
    if payback.volume_worst is None:
        return f"{text} (none at the unfavourable end)"
    return f"{text} ({numbers.count(math.ceil(payback.volume_worst))} at the unfavourable end)"


def _horizon(payback: Payback) -> float:
    """How many months are drawn: what is allowed, and past the break-even where that is near."""
    wanted = [payback.within_months]
    wanted += [1.25 * m for m in (payback.months, payback.months_worst) if m is not None]
    return min(max(wanted), MOST_MONTHS)


def _paid(payback: Payback, month: float, side: str) -> float:
    """Money paid in all until a month."""
    calls = payback.calls_per_month * month / 1000
    if side == "before":
        return calls * payback.before
    trainings = trainings_until(month, payback.retrain_months)
    if side == "worst":
        return calls * payback.after_worst + trainings * payback.training_worst
    return calls * payback.after + trainings * payback.training


def _curve(payback: Payback, horizon: float, sentence: str) -> Plot:
    before = Curve(
        payback.before_label,
        ((0.0, 0.0), (horizon, _paid(payback, horizon, "before"))),
        "ring",
        "second",
        marked=False,
    )
    after = Curve(payback.after_label, _steps(payback, horizon), "dot", "main", marked=False)
    spot = None
    if payback.months is not None and payback.months <= horizon:
        y = _paid(payback, payback.months, "before")
        spot = Spot(payback.months, y, f"break-even after {months_said(payback.months)}")
    start = money_said(payback.training, payback.currency)
    description = (
        f"{sentence} Tuning starts at {start}, the first training; "
        f"{payback.before_label} starts at nothing."
    )
    return curves(
        "payback",
        f"Money paid in all ({payback.currency}), prompt against tuned",
        description,
        (after, before),
        "months",
        spot=spot,
        y_text=_amount_said,
    )


def _amount_said(value: float) -> str:
    """Money on an axis."""
    return numbers.large(value) if value >= 1000 else tick_label(value)


def _steps(payback: Payback, horizon: float) -> tuple[tuple[float, float], ...]:
    """Corners of the tuned model's line: it rises at each training."""
    per_month = payback.calls_per_month * payback.after / 1000
    every, each = payback.retrain_months, payback.training
    if every is None or horizon / every > MOST_STEPS:
        extra = each * horizon / every if every else 0.0
        return ((0.0, each), (horizon, each + extra + per_month * horizon))
    places = [(0.0, each)]
    for number in range(1, math.floor(horizon / every) + 1):
        month = number * every
        calls = per_month * month
        places += [(month, calls + number * each), (month, calls + (number + 1) * each)]
    trainings = trainings_until(horizon, every)
    if places[-1][0] < horizon:
        places.append((horizon, per_month * horizon + trainings * each))
    return tuple(places)


def _rows(payback: Payback, horizon: float) -> tuple[MonthRow, ...]:
    step = max(1, math.ceil(horizon / ROWS))
    months: list[float] = [float(m) for m in range(0, math.floor(horizon) + 1, step)]
    if horizon < 1:
        months.append(horizon)
    if payback.months is not None and payback.months <= horizon:
        months = sorted({*months, payback.months})
    return tuple(_row(payback, month) for month in months)


def _number(month: float) -> str:
    """A whole month, or a part of one with as many decimals as tell it from a whole one."""
    if month == math.floor(month):
        return f"{month:g}"
    return next(
        (said for digits in (1, 2, 3) if not (said := f"{month:.{digits}f}").endswith("0")),
        f"{month:.4f}",
    )


def _row(payback: Payback, month: float) -> MonthRow:
    before, after, worst = (
        money_said(_paid(payback, month, side), payback.currency)
        for side in ("before", "after", "worst")
    )
    even = " (even)" if month == payback.months else ""
    name = months_said(month) if 0 < month < 1 else _number(month)
    trained = numbers.count(trainings_until(month, payback.retrain_months))
    return MonthRow(f"{name}{even}", before, after, worst, trained)
