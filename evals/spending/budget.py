"""A budget of requests and money for one command, and the count of what it really spent.

Before each request the most that it can cost is set aside; what is spent and set aside
together never exceeds the budget. That bound holds because no token is shorter than a byte
(UTF-8), and because the endpoint is told how many tokens to generate at most. What an
endpoint adds by itself (a chat template, a system prompt) is allowed for, and learned where
it turns out to be more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from operator import add

from evals.errors import BudgetSpentError, UsageError
from evals.spending.prices import Prices
from evals.spending.records import Price, Spending
from evals.spending.usage import Usage
from evals.spending.wording import money_said, spending_said

ADDED_TOKENS = 256
"""Prompt tokens that an endpoint may add to what it is sent."""


@dataclass
class _Account:
    """What one model took, and the most that it was seen to take."""

    price: Price | None
    requests: int = 0
    usage: Usage = field(default_factory=Usage)
    money: Decimal = Decimal()
    added_tokens: int = ADDED_TOKENS
    completion_tokens: int = 0

    def bound(self, prompt_bytes: int, max_tokens: int) -> Decimal:
        """The most that one request can cost; nothing where it has no price."""
        if self.price is None:
            return Decimal()
        prompt = prompt_bytes + self.added_tokens
        return self.price.most(prompt, max(max_tokens, self.completion_tokens))

    def add(self, usage: Usage, prompt_bytes: int) -> None:
        """Count an answered request."""
        usage = Usage(*[max(0, tokens) for tokens in usage])
        self.usage = Usage(*map(add, self.usage, usage))
        if self.price is not None:
            self.money += self.price.cost(usage)
        self.added_tokens = max(self.added_tokens, usage.prompt_tokens - prompt_bytes)
        self.completion_tokens = max(self.completion_tokens, usage.completion_tokens)


@dataclass
class _Reserved:
    """A request under way."""

    budget: Budget
    account: _Account
    prompt_bytes: int
    most: Decimal
    is_open: bool = True

    def settle(self, usage: Usage) -> None:
        """Count what the endpoint counted."""
        self._close()
        self.account.add(usage, self.prompt_bytes)

    def release(self) -> None:
        """Count the request and no money."""
        self._close()

    def forfeit(self) -> None:
        """Count the most that it may have cost."""
        self._close()
        self.account.money += self.most

    def cancel(self) -> None:
        """Count nothing: it was not made."""
        self._close()
        self.account.requests -= 1

    def _close(self) -> None:
        if not self.is_open:
            raise RuntimeError("a reservation is closed once")
        self.is_open = False
        self.budget.reserved -= self.most


@dataclass
class Budget:
    """What a command may spend on hosted models; None is no limit. A `Purse`.

    `max_requests` counts every HTTP request, also one that is refused or made again;
    `max_cost` is in the currency of `prices`.
    """

    prices: Prices = field(default_factory=Prices)
    max_requests: int | None = None
    max_cost: Decimal | None = None
    reserved: Decimal = field(default=Decimal(), init=False)
    _accounts: dict[str, _Account] = field(default_factory=dict, init=False)
    _refusal: tuple[str, str] = field(default=("", ""), init=False)

    @property
    def requests(self) -> int:
        """HTTP requests that were begun."""
        return sum(account.requests for account in self._accounts.values())

    @property
    def money(self) -> Decimal:
        """What the settled requests cost, and at most those of which nothing is known."""
        return sum((account.money for account in self._accounts.values()), Decimal())

    @property
    def spent(self) -> Mapping[str, Spending]:
        """What was spent until now, by model."""
        return {name: self._spending(one) for name, one in self._accounts.items() if one.requests}

    @property
    def models(self) -> tuple[str, ...]:
        """The models that were asked, or are about to be."""
        return tuple(self._accounts)

    def admit(self, model: str) -> None:
        """Say that a model will be asked. Raises UsageError for no price where money is limited."""
        if model in self._accounts:
            return
        if self.max_cost is not None and self.prices.of(model) is None:
            raise UsageError(
                f"--max-cost cannot be kept: {self.prices.missing(model)}",
                hint=self.prices.how_to_add(model),
            )
        self._accounts[model] = _Account(self.prices.of(model))

    def reserve(self, model: str, prompt_bytes: int, max_tokens: int) -> _Reserved:
        """Set aside what one request can cost at most. Raises BudgetSpentError.

        Its `may_pass` is true where the requests under way will perhaps leave enough.
        """
        self.admit(model)
        account = self._accounts[model]
        if self.max_requests is not None and self.requests >= self.max_requests:
            said = f"the budget of {self.max_requests:,} requests is spent"
            raise self._refuse("--max-requests", said)
        most = account.bound(prompt_bytes, max_tokens)
        if self.max_cost is not None and self.money + self.reserved + most > self.max_cost:
            said = "the next request can cost up to {}, more than is left of the budget of {}"
            amounts = (money_said(amount, self.prices.currency) for amount in (most, self.max_cost))
            error = self._refuse("--max-cost", said.format(*amounts))
            error.may_pass = self.money + most <= self.max_cost
            raise error
        account.requests += 1
        self.reserved += most
        return _Reserved(self, account, prompt_bytes, most)

    @contextmanager
    def final(self) -> Iterator[None]:
        """Have an error of this budget say what was spent when all under way has ended."""
        try:
            yield
        except BudgetSpentError as error:
            raise self._refuse(*self._refusal) from error

    def _refuse(self, option: str, why: str) -> BudgetSpentError:
        self._refusal = option, why
        spent = "; ".join(f"{name} took {spending_said(one)}" for name, one in self.spent.items())
        return BudgetSpentError(
            f"{why}: {spent or 'nothing was asked'}",
            hint="every reply is kept: the same command with a larger "
            f"{option} goes on and asks only the rest",
        )

    def _spending(self, account: _Account) -> Spending:
        known = account.price is not None
        return Spending(
            account.requests,
            *account.usage,
            money=float(account.money) if known else None,
            currency=self.prices.currency if known else "",
            price=account.price,
        )
