"""How one command asks hosted models, and what it may spend and did spend on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from evals.errors import BudgetSpentError
from evals.models.hosted.settings import HostedSettings
from evals.records import Run
from evals.spending.accounts import total
from evals.spending.budget import Budget
from evals.spending.prices import Prices, find_prices
from evals.spending.records import Spending, exact
from evals.spending.wording import spending_said


@dataclass(frozen=True)
class EndpointWishes:
    """What the caller says of endpoints; None leaves the default, or sets no limit.

    `timeout` is for one whole request, in seconds. `prices` is a file.
    """

    concurrency: int | None = None
    timeout: float | None = None
    max_requests: int | None = None
    max_cost: float | None = None
    prices: Path | None = None

    @property
    def limits(self) -> tuple[str, ...]:
        """The limits that were stated, as options."""
        stated = {"--max-requests": self.max_requests, "--max-cost": self.max_cost}
        return tuple(option for option, value in stated.items() if value is not None)


@dataclass(frozen=True)
class Endpoints:
    """One command's settings for endpoints, with the one budget of all the models it opens."""

    settings: HostedSettings = field(default_factory=HostedSettings)
    budget: Budget = field(default_factory=Budget)


def open_endpoints(wishes: EndpointWishes, environ: Mapping[str, str]) -> Endpoints:
    """Read the list of prices and begin a budget. Raises UsageError for a broken list."""
    budget = Budget(
        find_prices(wishes.prices, environ),
        wishes.max_requests,
        None if wishes.max_cost is None else exact(wishes.max_cost),
    )
    stated = {"concurrency": wishes.concurrency, "request_seconds": wishes.timeout}
    wanted = {name: value for name, value in stated.items() if value is not None}
    return Endpoints(HostedSettings(**wanted, purse=budget), budget)  # type: ignore[arg-type]


def runs_said(runs: Sequence[Run], prices: Prices) -> str:
    """What runs of a hosted model took when they were made; empty where the model runs here."""
    models: dict[str, list[Run]] = {}
    for run in runs:
        if run.spent:
            models.setdefault(run.candidate.model, []).append(run)
    said = []
    for model, made in models.items():
        spent = total(run.spent for run in made)
        assert spent is not None  # every one of them spent something
        named = f"{model}: " if len(models) > 1 else ""
        said.append(f"{named}{priced_said(model, spent, prices)}")
    return "; ".join(said)


def priced_said(model: str, spent: Spending, prices: Prices) -> str:
    """Spending in words, and that there is no price where there is none."""
    said = spending_said(spent)
    return said if spent.price is not None else f"{said}, {prices.missing(model)}"


@contextmanager
def told(
    endpoints: Endpoints, wishes: EndpointWishes, note: Callable[[str], None]
) -> Iterator[None]:
    """Tell at the end, however it comes, what a command spent.

    A BudgetSpentError says it itself.
    """
    with endpoints.budget.final():
        try:
            yield
        except BudgetSpentError:
            raise
        except BaseException:
            _tell(endpoints.budget, note)
            raise
    _tell(endpoints.budget, note)
    if not endpoints.budget.requests and endpoints.budget.models:
        note("spent now: nothing; every reply was found in the ledger")
    elif not endpoints.budget.requests and wishes.limits:
        note(f"{' and '.join(wishes.limits)} limited nothing: no hosted model was asked")


def _tell(budget: Budget, note: Callable[[str], None]) -> None:
    for model, spent in budget.spent.items():
        note(f"spent now on {model}: {priced_said(model, spent, budget.prices)}")
