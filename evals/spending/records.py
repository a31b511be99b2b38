"""Prices and what was spent, as they are stored. A leaf: records of runs hold them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from evals.spending.usage import Usage

MILLION = 1_000_000


@dataclass(frozen=True)
class Price:
    """Money for a million tokens (`request`: for one request), in the list's currency.

    `cached_input` is for prompt tokens that the endpoint had kept; None is the same as `input`.
    `source` and `as_of` say where the price stood, and when.
    """

    input: float
    output: float
    cached_input: float | None = None
    request: float = 0.0
    source: str = ""
    as_of: str = ""

    @property
    def by_tokens(self) -> bool:
        """Whether what is charged depends on how many tokens there are."""
        return max(self.input, self.output, self.cached_input or 0.0) > 0

    def cost(self, usage: Usage, requests: int = 1) -> Decimal:
        """What that many requests cost in all, whose tokens are `usage`. Exact."""
        cached = min(usage.cached_tokens, usage.prompt_tokens)
        cached_input = self.input if self.cached_input is None else self.cached_input
        tokens = (
            (usage.prompt_tokens - cached) * exact(self.input)
            + cached * exact(cached_input)
            + usage.completion_tokens * exact(self.output)
        )
        return tokens / MILLION + requests * exact(self.request)

    def most(self, prompt_tokens: int, completion_tokens: int) -> Decimal:
        """The most that one request can cost, however many of its tokens are cached."""
        most = self.cost(Usage(prompt_tokens, completion_tokens))
        if self.cached_input is None or self.cached_input <= self.input:
            return most
        return self.cost(Usage(prompt_tokens, completion_tokens, prompt_tokens))


@dataclass(frozen=True)
class Machine:
    """Money for an hour of the machine that answers, in the list's currency."""

    hour: float
    source: str = ""
    as_of: str = ""


Rate = Price | Machine
"""What calls are charged by: their tokens, or the time they take on a machine."""


@dataclass(frozen=True)
class Hours:
    """Money for an hour: of the machine that serves local models, of training, of people's work.

    None is not stated. Training is done on the machine that serves where it has no price.
    """

    machine: float | None = None
    training: float | None = None
    person: float | None = None

    @property
    def to_train(self) -> float | None:
        """Money for an hour of training."""
        return self.machine if self.training is None else self.training


@lru_cache(maxsize=256)
def exact(number: float) -> Decimal:
    """The number as it was written: 0.1 is a tenth, so that sums of money have no crumbs."""
    return Decimal(repr(number))


@dataclass(frozen=True)
class Spending:
    """What asking a hosted model took. Tokens are as the endpoint counted them.

    `requests` are all HTTP requests, tries again included. `prompt_tokens` include the
    `cached_tokens`. `money` is in `currency` by `price`; None where no price was known, or a
    price of tokens that the endpoint did not count.
    """

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    money: float | None = None
    currency: str = ""
    price: Price | None = None
