"""A suite, priced, on a scripted model whose long prompt does what a tuned short one would.

Tokens are words. Of a ticket of n words `spec` takes n + 7, `terse` n + 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from evals.generating import Progress
from evals.ledger import Ledger
from evals.models.scripted import open_scripted
from evals.spending.prices import Prices
from evals.spending.records import Hours, Price
from evals.suite import Suite, load_suite
from tests.sample_suite import ROUNDS, TOPICS, write_suite
from tests.tunegate.scenes import TUNE, write_model
from tuning.job import Job

MODEL = "scripted:m"
SAVED = 6  # words that `spec` is longer than `terse`
TOKEN = 0.001  # money for a token of a prompt
KNOWN = [name for name in TOPICS if name != "login"]

BY_TOKENS = Prices(
    "EUR",
    {MODEL: Price(input=1e6 * TOKEN, output=0)},
    hours=Hours(training=3600.0, person=80.0),
)
"""A token is 0.001, a second of training 1."""
BY_HOURS = Prices("EUR", hours=Hours(machine=3600.0))


def operation(**changes: object) -> str:
    """The suite's words on production: 10,000 calls a month save 60."""
    said: Mapping[str, object] = {"calls_per_month": 10_000, "max_loss": 0.2, **changes}
    return f"operation: {{{', '.join(f'{k}: {v}' for k, v in said.items() if v is not None)}}}\n"


def write_scene(folder: Path, operation: str, *, adapter: list[str] | None = None) -> None:
    """The suite `tickets` and a model. `adapter`: the topics it knows when tuned.

    Of the three topics `spec` knows two; so does the adapter, which needs no long prompt.
    """
    learnt = KNOWN if adapter is None else adapter
    rules = [{"adapter": "tuned", "contains": TOPICS[name], "reply": name} for name in learnt]
    asked = {"adapter": "", "prompt_contains": "Answer with one of"}
    rules += [{**asked, "contains": TOPICS[name], "reply": name} for name in KNOWN]
    write_model(folder / "model.json", rules, adapters=["tuned"])
    extra = ROUNDS + TUNE + operation + "target: 0.55\n"
    write_suite(folder / "tickets", extra=extra)


def load(folder: Path) -> Suite:
    """The suite as it was written."""
    return load_suite(folder / "tickets")


class Silent:
    """A narrator who says nothing."""

    @contextmanager
    def progress(self, label: str) -> Iterator[Progress]:
        assert label
        yield lambda _done, _total: None

    def note(self, text: str) -> None: ...


@dataclass
class Ticking:
    """A clock on which every look takes a second."""

    now: float = 0.0
    step: float = 1.0

    def __call__(self) -> float:
        self.now += self.step
        return self.now


class Disturber(Silent):
    """Makes a look at the clock take nine seconds while a step so called is under way."""

    def __init__(self, clock: Ticking, step: str) -> None:
        self._clock, self._step = clock, step

    @contextmanager
    def progress(self, label: str) -> Iterator[Progress]:
        self._clock.step = 9.0 if label == self._step else 1.0
        with super().progress(label) as tell:
            yield tell
        self._clock.step = 1.0


def job(folder: Path, prices: Prices, clock: Callable[[], float] | None = None) -> Job:
    """The whole job; training is to be pretended by the test."""
    return Job(
        suite=load(folder),
        guards={},
        model=open_scripted(folder / "model.json", MODEL),
        ledger=Ledger(folder / "ledger"),
        looks_path=folder / "looks.jsonl",
        narrator=Silent(),
        prices=prices,
        clock=clock or Ticking(),
    )


def tuned_dearer(prices: Prices, times: float) -> Prices:
    """The same list, a tuned version's tokens so many times as dear."""
    price = prices.models[MODEL]
    return replace(prices, tuned={MODEL: replace(price, input=times * price.input)})
