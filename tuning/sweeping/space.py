"""What a search of settings may try: a grid around the default, in an order drawn by a seed."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from itertools import product
from typing import NamedTuple

from evals.suite.spec import SweepSpec, TuneSpec
from evals.suite.tune_weights import WEIGHTS
from tuning.sweeping.records import SweepRecord
from tuning.training.settings import TrainSettings

RATES = (0.25, 0.5, 1.0, 2.0)
"""Times the default rate. One too high spoils a model, one too low only takes longer."""
RANKS = (0.5, 1.0, 2.0)
EPOCHS = (0.5, 1.0, 2.0)
_MOST_RANK = 1024


class Settings(NamedTuple):
    """What is searched for together. `rank` is 0 for weights that have none."""

    learning_rate: float
    rank: int
    epochs: float

    def as_dict(self) -> dict[str, float]:
        """By the names of `tune:`; no rank where there is none."""
        return {name: value for name, value in self._asdict().items() if value}

    @property
    def label(self) -> str:
        """For a person."""
        return ", ".join(f"{name} {value:g}" for name, value in self.as_dict().items())


def default_of(settings: TrainSettings) -> Settings:
    """What would be trained with if nothing were searched for."""
    takes = WEIGHTS[settings.weights].takes
    rank = settings.rank if "rank" in takes else 0
    return Settings(settings.learning_rate, rank, settings.epochs)


def others(spec: SweepSpec, default: Settings) -> tuple[Settings, ...]:
    """All of the grid but the default, in the order in which they are drawn.

    Random search of a grid (Bergstra and Bengio 2012, JMLR 13): where few settings matter, any
    part of the order tries more different values of each than a part of the grid would.
    """
    grid = [Settings(*one) for one in product(*_values(spec, default))]
    grid = [one for one in dict.fromkeys(grid) if one != default]
    random.Random(f"sweep {spec.seed}").shuffle(grid)  # noqa: S311 - a reproducible draw
    return tuple(grid)


def applied(tune: TuneSpec, settings: Settings) -> TuneSpec:
    """The suite's `tune` with these settings, and without a search for them."""
    return replace(
        tune,
        learning_rate=settings.learning_rate,
        rank=settings.rank or None,
        epochs=settings.epochs,
        sweep=None,
    )


def settled(tune: TuneSpec, sweep: SweepRecord | None) -> TuneSpec:
    """The suite's `tune` as a training was made by it, whose settings a search may have found."""
    if sweep is None or not sweep.changed:
        return replace(tune, sweep=None)
    found = sweep.found
    return applied(
        tune, Settings(found["learning_rate"], int(found.get("rank", 0)), found["epochs"])
    )


def _values(
    spec: SweepSpec, default: Settings
) -> tuple[Iterable[float], Iterable[int], Iterable[float]]:
    if spec.learning_rate or spec.rank or spec.epochs:
        return (
            spec.learning_rate or (default.learning_rate,),
            spec.rank or (default.rank,),
            spec.epochs or (default.epochs,),
        )
    rates = [_rounded(times * default.learning_rate) for times in RATES]
    ranks = [max(1, round(times * default.rank)) for times in RANKS] if default.rank else [0]
    epochs = [_rounded(times * default.epochs) for times in EPOCHS]
    return (
        [rate for rate in rates if rate < 1],
        [rank for rank in ranks if rank <= _MOST_RANK],
        epochs,
    )


def _rounded(value: float) -> float:
    """Without the digits that a product of decimals leaves behind."""
    return float(f"{value:.6g}")
