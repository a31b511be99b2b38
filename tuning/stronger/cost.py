"""What 1,000 calls cost, by the list of prices of today or as it was when the run was made."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from evals.records import Run
from evals.spending.accounts import spending_of
from evals.spending.prices import Prices
from evals.spending.records import exact


class ThousandCalls(NamedTuple):
    """Money for 1,000 calls that are answered, in a currency."""

    money: float
    currency: str


def cost_of_thousand(run: Run, prices: Prices) -> ThousandCalls | None:
    """The cost of calls like those of a run; None where no price or no reply is known.

    Where the list has no price of the model, that of the day of the run counts, if it is in the
    same currency.
    """
    outputs = [result.output for result in run.results]
    spent = spending_of(run.candidate.model, outputs, prices)
    if spent is None or spent.money is None:
        spent = run.spent
    answered = sum(output.error is None for output in outputs)
    if spent is None or spent.money is None or not answered:
        return None
    if prices.models and spent.currency != prices.currency:
        return None
    money = 1000 * exact(spent.money) / Decimal(answered)
    return ThousandCalls(float(money), spent.currency)
