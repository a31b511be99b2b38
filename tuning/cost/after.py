"""After training: whether the adapter pays, by what the sealed runs and training took."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

from evals.records import CaseResult, Run
from evals.spending.prices import Prices
from evals.spending.records import Machine, Price, Rate
from evals.suite.spec import OperationSpec
from tuning.cost.calls import HOUR, cost_of_call, tokens_cost
from tuning.cost.missing import missing_of
from tuning.cost.pace import timed_on
from tuning.cost.payback import Figure, Sides, goes_stale, payback_of, pays, training_cost
from tuning.cost.quiet import TimedArms, quiet_payback
from tuning.records import CostStanding, TrainingRecord
from tuning.shipping.judging import CostRoute

TIME_SLACK = 1.10
"""How far two timings of the same work may lie apart. Seen with `query_assistant`, one prompt on
dev and on test: 1.015 times.
"""


class DevRuns(NamedTuple):
    """The dev runs of leader and adapter; None where there is none."""

    leader: Run | None = None
    adapter: Run | None = None


UNTIMED = DevRuns()


def measured_payback(
    before: Run,
    after: Run,
    training: TrainingRecord,
    operation: OperationSpec,
    prices: Prices,
    *,
    dev: DevRuns = UNTIMED,
) -> CostStanding:
    """When the adapter (`after`) pays in place of the leader (`before`), both as measured.

    The unfavourable end: of tokens the lower 95% bound of what a case saves, paired; of time
    `TIME_SLACK`. `dev` are both sides' runs on dev: where the seconds of a run disagree with
    those, money by the hour follows the faster of each side's two.
    """
    model = before.candidate.model
    if missing := missing_of(operation, model, prices):
        return CostStanding(missing=missing)
    rate, tuned_rate = prices.rate(model), prices.rate(model, tuned=True)
    assert rate is not None
    assert tuned_rate is not None
    old, new = cost_of_call(before, rate), cost_of_call(after, tuned_rate)
    if old is None or new is None or training.seconds <= 0:
        return CostStanding(missing=("the sealed runs or the training were not measured",))
    after_cost = _after(before, after, (rate, tuned_rate), old, new)
    if after_cost is None:
        return CostStanding(missing=("too few sealed cases were answered by both",))
    took = Figure(training.seconds, training.seconds, f"{training.seconds / HOUR:.2g} h as it took")
    sides = Sides(before.candidate.label, after.candidate.label, old, after_cost)
    paid = training_cost(took, operation, prices.hours)
    timed = payback_of(sides, paid, operation, prices.currency, is_estimate=False)
    by_hours = isinstance(rate, Machine), isinstance(tuned_rate, Machine)
    arms = TimedArms(timed_on(dev.leader, before), timed_on(dev.adapter, after))
    quiet = quiet_payback(timed, arms, by_hours)
    return CostStanding(quiet, as_timed=timed) if quiet else CostStanding(timed)


def cost_route(standing: CostStanding, operation: OperationSpec) -> CostRoute | None:
    """Shipping for cost; None where cost cannot be told, or the model would go stale."""
    if standing.payback is None or goes_stale(operation):
        return None
    return CostRoute(operation.max_loss, pays(standing.payback))


def _after(
    before: Run, after: Run, rates: tuple[Rate, Rate], old: float, new: float
) -> Figure | None:
    """The adapter's cost of a call; at worst such that the saving is at its lower bound."""
    rate, tuned = rates
    if not (isinstance(rate, Price) and isinstance(tuned, Price)):
        basis = f"seconds of a call on this machine, {TIME_SLACK:g} times as many at worst"
        return Figure(new, TIME_SLACK * new, f"both as measured on the sealed cases: {basis}")
    later = {r.case_id: r for r in after.results if r.output.error is None}
    both = [
        (r, later[r.case_id])
        for r in before.results
        if r.output.error is None and r.case_id in later
    ]
    saved = [tokens_cost(rate, a.output) - tokens_cost(tuned, b.output) for a, b in both]
    error = standard_error(saved, [a for a, _ in both])
    if error is None:
        return None
    mean = math.fsum(saved) / len(saved)
    low = mean - NormalDist().inv_cdf(0.95) * error
    basis = f"tokens of {len(both)} sealed cases, the saving's lower 95% bound at worst"
    return Figure(new, max(new, old - low), f"both as measured: {basis}")


def standard_error(values: Sequence[float], results: Sequence[CaseResult]) -> float | None:
    """Of a mean over cases, clusters as wholes; None below two of them."""
    sums: defaultdict[str, list[float]] = defaultdict(list)
    mean = math.fsum(values) / len(values) if values else 0.0
    for value, result in zip(values, results, strict=True):
        sums[result.cluster or f"\0{result.case_id}"].append(value - mean)
    groups = [math.fsum(group) for group in sums.values()]
    if len(groups) < 2:
        return None
    spread = math.fsum(group**2 for group in groups) * len(groups) / (len(groups) - 1)
    return math.sqrt(spread) / len(values)
