"""What runs spent: counted from their outputs, priced by the list of the day."""

from __future__ import annotations

from collections.abc import Iterable
from math import fsum

from evals.models.names import is_hosted
from evals.records import Output
from evals.spending.prices import Prices
from evals.spending.records import Price, Spending
from evals.spending.usage import Usage


def spending_of(model: str, outputs: Iterable[Output], prices: Prices) -> Spending | None:
    """What it takes to get these outputs of a hosted model; None for one that runs here.

    Of tries that gave nothing only the number is known: they count as requests, and as free.
    Money is not known where tokens have a price and those of an answer were not counted.
    """
    if not is_hosted(model):
        return None
    usage, requests, answered, is_known = Usage(), 0, 0, True
    price = prices.of(model)
    for output in outputs:
        is_known &= price is not None and _is_counted(output, price)
        requests += output.attempts or _questions(output)
        answered += questions_answered(output)
        usage = Usage(
            usage.prompt_tokens + output.prompt_tokens,
            usage.completion_tokens + output.completion_tokens,
            usage.cached_tokens + output.cached_tokens,
        )
    return Spending(
        requests,
        *usage,
        money=float(price.cost(usage, answered)) if price and is_known else None,
        currency=prices.currency if price else "",
        price=price,
    )


def _questions(output: Output) -> int:
    """How many questions an output is made of: turns, or votes."""
    return max(1, len(output.replies), len(output.ballots))


def questions_answered(output: Output) -> int:
    """How many of them were answered: of votes all but the errors."""
    return 0 if output.error is not None else _questions(output) - output.ballots.count(None)


def _is_counted(output: Output, price: Price) -> bool:
    """Whether an answer's tokens were counted, as far as they cost: no prompt has none, no text."""
    if output.error is not None or not price.by_tokens:
        return True
    silent = (
        not (output.text or output.full) or output.finish_reason == "choice" or not price.output
    )
    return output.prompt_tokens > 0 and (output.completion_tokens > 0 or silent)


def total(parts: Iterable[Spending | None]) -> Spending | None:
    """The sum; None where nothing was spent. Money is known where it is of every part."""
    known = [part for part in parts if part is not None]
    if not known:
        return None
    money = [part.money for part in known if part.money is not None]
    currencies = {part.currency for part in known}
    prices = {part.price for part in known}
    is_summed = len(money) == len(known) and len(currencies) == 1
    return Spending(
        sum(part.requests for part in known),
        sum(part.prompt_tokens for part in known),
        sum(part.completion_tokens for part in known),
        sum(part.cached_tokens for part in known),
        money=fsum(money) if is_summed else None,
        currency=known[0].currency if is_summed else "",
        price=known[0].price if len(prices) == 1 else None,
    )
