"""Spending in words: `2,000 requests, 120,400 + 8,000 tokens, 0.031 USD`."""

from __future__ import annotations

from decimal import Decimal

from evals.spending.records import Spending


def money_said(amount: float | Decimal, currency: str) -> str:
    """Money with its currency: cents from 1 on, below that two significant digits."""
    value = Decimal(str(amount))
    places = 2 if value >= 1 or not value else max(2, 1 - value.adjusted())
    return f"{value:,.{places}f} {currency}".strip()


def spending_said(spent: Spending) -> str:
    """Requests, prompt and completion tokens, and money where it is known."""
    cached = f" ({spent.cached_tokens:,} of them cached)" if spent.cached_tokens else ""
    requests = "1 request" if spent.requests == 1 else f"{spent.requests:,} requests"
    text = f"{requests}, {spent.prompt_tokens:,}{cached} + {spent.completion_tokens:,} tokens"
    if spent.money is not None:
        return f"{text}, {money_said(spent.money, spent.currency)}"
    if spent.price is None:
        return text
    return f"{text}, cost not known: the endpoint did not count the tokens of every answer"
