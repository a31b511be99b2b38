"""What 1,000 calls of another model cost, to be held against what the suite accepts."""

from __future__ import annotations

from typing import NamedTuple

from evals.records import Run
from evals.spending.prices import Prices
from tuning.cost.calls import call_cost


class ThousandCalls(NamedTuple):
    """Money for 1,000 calls that are answered, in a currency."""

    money: float
    currency: str


def cost_of_thousand(run: Run, prices: Prices) -> ThousandCalls | None:
    """The cost of calls like those of a run; None where no price or no tokens are known.

    Where the list has no price of the model, that of the day of the run counts, if it is in the
    same currency.
    """
    cost = call_cost(run, prices)
    if cost.thousand is None or (prices.models and cost.currency != prices.currency):
        return None
    return ThousandCalls(cost.thousand, cost.currency)
