"""What a call of a stored run costs, and how long it took.

Charged by tokens: tokens times price. Charged by the hour: the run's generation seconds
divided by its answered calls, times the hour's price / 3600. Those seconds are wall time as
it was measured, in batches: on another machine, with other batches or a slower neighbour
they are others. Calls that ended in an error are not counted, what was spent on them is.
Where the tokens of an answer were not counted, what a call costs is not known.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from evals.models.names import is_hosted
from evals.records import Output, Run
from evals.spending.accounts import questions_answered, spending_of
from evals.spending.prices import Prices
from evals.spending.records import Machine, Price, Rate, exact
from evals.spending.usage import Usage
from tuning.records import CallCost

HOUR = 3600.0


def answered(run: Run) -> list[Output]:
    """The outputs of a run that hold an answer."""
    return [result.output for result in run.results if result.output.error is None]


def seconds_of_call(run: Run) -> float | None:
    """Wall seconds of generating for each answered call; None where nothing was measured."""
    count = len(answered(run))
    return run.seconds / count if count and run.seconds > 0 else None


def tokens_cost(price: Price, output: Output) -> float:
    """Money for one answered call."""
    usage = Usage(output.prompt_tokens, output.completion_tokens, output.cached_tokens)
    return float(price.cost(usage, questions_answered(output)))


def cost_of_call(run: Run, rate: Rate) -> float | None:
    """Money for an answered call of a run by that rate; None where nothing was measured."""
    if isinstance(rate, Machine):
        seconds = seconds_of_call(run)
        return None if seconds is None else seconds * rate.hour / HOUR
    outputs = answered(run)
    counted = not rate.by_tokens or all(output.prompt_tokens > 0 for output in outputs)
    if not outputs or not counted:
        return None
    return math.fsum(tokens_cost(rate, output) for output in outputs) / len(outputs)


def call_cost(run: Run, prices: Prices) -> CallCost:
    """Cost and latency of a run's calls by the list, else by the price it was made with."""
    rate = prices.rate(run.candidate.model, tuned=bool(run.candidate.adapter))
    currency = prices.currency
    if rate is None and run.spent is not None and run.spent.price is not None:
        rate, currency = run.spent.price, run.spent.currency
    cost = None if rate is None else _thousand(run, rate)
    seconds = sorted(output.seconds for output in answered(run))
    measured = bool(seconds) and seconds[-1] > 0
    by: Literal["tokens", "hours"] = "hours" if isinstance(rate, Machine) else "tokens"
    return CallCost(
        thousand=cost,
        currency="" if cost is None else currency,
        by="" if cost is None else by,
        median=quantile(seconds, 0.5) if measured else None,
        p95=quantile(seconds, 0.95) if measured else None,
    )


def _thousand(run: Run, rate: Rate) -> float | None:
    """Cost of 1,000 calls; of a hosted model all that its answers took, without crumbs."""
    model = run.candidate.model
    if not (isinstance(rate, Price) and is_hosted(model)):
        cost = cost_of_call(run, rate)
        return None if cost is None else 1000 * cost
    prices, outputs = Prices(models={model: rate}), [result.output for result in run.results]
    spent, count = spending_of(model, outputs, prices), len(answered(run))
    if spent is None or spent.money is None or not count:
        return None
    return float(1000 * exact(spent.money) / count)


def quantile(ordered: Sequence[float], share: float) -> float | None:
    """The smallest value that at least that share of the values does not exceed."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None
