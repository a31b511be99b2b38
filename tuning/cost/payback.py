"""From what calls and training cost to when that pays: likely, and at the unfavourable end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from evals.spending.records import Hours
from evals.spending.wording import money_said
from evals.suite.spec import OperationSpec
from tuning.cost.break_even import Terms, calls_to_break_even, months_to_break_even
from tuning.cost.calls import HOUR
from tuning.gate.evidence import CostEvidence
from tuning.records import CostStanding, Payback


class Figure(NamedTuple):
    """A quantity, its unfavourable end, and how it was come by."""

    likely: float
    worst: float
    basis: str

    def times(self, count: int) -> Figure:
        """So many of it."""
        if count == 1:
            return self
        return Figure(count * self.likely, count * self.worst, f"{count} times {self.basis}")


class Sides(NamedTuple):
    """Money for one call before (the best prompt) and after (tuned), with their names."""

    before_label: str
    after_label: str
    before: float
    after: Figure


def training_cost(seconds: Figure, operation: OperationSpec, hours: Hours) -> Figure:
    """Money for one training: machine and people. Every price that is needed is known."""
    assert hours.to_train is not None
    people = operation.person_hours * (hours.person or 0.0)
    likely, worst = (part * hours.to_train / HOUR + people for part in seconds[:2])
    work = f", and {operation.person_hours:g} hours of people's work" if people else ""
    none = "" if operation.person_hours else "; no work of people is stated"
    return Figure(likely, worst, f"training: {seconds.basis}{work}{none}")


def payback_of(
    sides: Sides,
    training: Figure,
    operation: OperationSpec,
    currency: str,
    *,
    is_estimate: bool,
) -> Payback:
    """When it pays. Raises nothing; `operation.calls_per_month` must be stated."""
    assert operation.calls_per_month is not None
    calls, within = operation.calls_per_month, operation.pay_back_months
    retrain = operation.retrain_months
    likely = Terms(sides.before - sides.after.likely, training.likely, retrain)
    worst = Terms(sides.before - sides.after.worst, training.worst, retrain)
    return Payback(
        before_label=sides.before_label,
        after_label=sides.after_label,
        currency=currency,
        calls_per_month=calls,
        within_months=within,
        retrain_months=retrain,
        before=1000 * sides.before,
        after=1000 * sides.after.likely,
        after_worst=1000 * sides.after.worst,
        training=training.likely,
        training_worst=training.worst,
        months=months_to_break_even(likely, calls),
        months_worst=months_to_break_even(worst, calls),
        volume=calls_to_break_even(likely, within),
        volume_worst=calls_to_break_even(worst, within),
        is_estimate=is_estimate,
        basis=(sides.after.basis, training.basis),
        goes_stale=goes_stale(operation),
    )


def at_pace(payback: Payback, before: float, after: float, basis: Sequence[str]) -> Payback:
    """The same payback where a call costs `before` and `after` times what it did.

    Of money by the hour that is what becomes of it with so many times the seconds.
    """
    old, new = before * payback.before, after * payback.after
    worst = after * payback.after_worst
    likely = Terms((old - new) / 1000, payback.training, payback.retrain_months)
    dear = Terms((old - worst) / 1000, payback.training_worst, payback.retrain_months)
    calls, within = payback.calls_per_month, payback.within_months
    return replace(
        payback,
        before=old,
        after=new,
        after_worst=worst,
        months=months_to_break_even(likely, calls),
        months_worst=months_to_break_even(dear, calls),
        volume=calls_to_break_even(likely, within),
        volume_worst=calls_to_break_even(dear, within),
        basis=tuple(basis),
    )


def pays(payback: Payback) -> bool:
    """Whether it breaks even within the months stated, at the unfavourable end too."""
    ends = payback.months, payback.months_worst
    return all(months is not None and months <= payback.within_months for months in ends)


def goes_stale(operation: OperationSpec) -> bool:
    """Whether facts change often and nobody says how often the model would be trained anew."""
    return operation.facts_change == "often" and operation.retrain_months is None


def evidence_of(
    standing: CostStanding, operation: OperationSpec, disturbed: Sequence[str] = ()
) -> CostEvidence:
    """What the gate is told. `disturbed` says which timings behind the figures are doubtful."""
    payback = standing.payback
    work = "" if operation.person_hours else " People's work is not counted (person_hours)."
    doubts = "".join(f" {text}." for text in disturbed)
    return CostEvidence(
        calls_per_month=operation.calls_per_month or 0,
        break_even_months=payback.months if payback else None,
        within_months=operation.pay_back_months,
        latest_months=payback.months_worst if payback else None,
        has_range=payback is not None,
        goes_stale=goes_stale(operation),
        missing=standing.missing,
        figures=f"{figures_said(payback)}{work}{doubts}" if payback else "",
        max_loss=operation.max_loss,
        break_even_calls=payback.volume if payback else None,
    )


def figures_said(payback: Payback) -> str:
    """What was reckoned with, in a sentence."""
    before, after, worst, training, dear = (
        money_said(amount, payback.currency)
        for amount in (
            payback.before,
            payback.after,
            payback.after_worst,
            payback.training,
            payback.training_worst,
        )
    )
    tuned = after if worst == after else f"{after} (at most {worst})"
    paid = training if dear == training else f"{training} (at most {dear})"
    months = payback.retrain_months
    anew = ", once," if months is None else f" every {months:g} months"
    return f"1,000 calls cost {before} by prompt and {tuned} tuned, a training{anew} {paid}."
