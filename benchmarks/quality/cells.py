"""One measured rate of an experiment beside what is promised of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from math import sqrt

import numpy as np

Setting = Mapping[str, float | int | str]
Count = Callable[[np.random.Generator, int], float]
"""How many of so many simulated decisions came out as counted; with 0 trials: the exact rate."""

MOST_TRIALS = 5
"""Cells near their bound get up to so many times the trials planned."""
NEAR = 3.0
"""How many standard errors from its bound a rate is near it."""


@dataclass(frozen=True)
class Cell:
    """A rate under one setting: `rate` in [0, 1] of `trials` simulated decisions.

    `trials` 0 means an exact enumeration. `least` and `most` are the promise (None: none on
    that side); `note` is the reason where it is missed, or what else a reader should know.
    `errors_allowed` is how many Monte-Carlo errors the promise itself allows.
    """

    experiment: str
    setting: Setting
    rate: float
    trials: int
    least: float | None = None
    most: float | None = None
    note: str = ""
    errors_allowed: float = 0.0

    @property
    def error(self) -> float:
        """Standard error of the simulated rate."""
        return sqrt(self.rate * (1 - self.rate) / self.trials) if self.trials else 0.0

    @property
    def met(self) -> bool:
        """Whether the promise holds of the measured rate."""
        return self.margin >= -self.errors_allowed * self.error - 1e-12

    @property
    def margin(self) -> float:
        """How far the rate lies on the right side of its bound; below 0 on the wrong one."""
        above = 1.0 if self.least is None else self.rate - self.least
        below = 1.0 if self.most is None else self.most - self.rate
        return min(above, below)


@dataclass(frozen=True)
class Planned:
    """A cell not yet measured: the command spreads these over processes and keeps the results.

    `count` gets a generator seeded from experiment and setting, so that a cell comes out the
    same whatever else runs; `trials` 0 asks it for the exact rate.
    """

    experiment: str
    setting: Setting
    count: Count = field(repr=False)
    trials: int
    least: float | None = None
    most: float | None = None
    note: str = ""
    errors_allowed: float = 0.0

    def measure(self, generator: np.random.Generator) -> Cell:
        """The measured cell; a rate near its bound is measured with up to five times the trials."""
        if not self.trials:
            return self._cell(self.count(generator, 0), 0)
        hits, trials = 0.0, 0
        while trials < MOST_TRIALS * self.trials:
            hits += self.count(generator, self.trials)
            trials += self.trials
            cell = self._cell(hits / trials, trials)
            # The error at the bound, not at the rate: a rate of 0 or 1 has none of its own.
            bound = next((x for x in (self.least, self.most) if x is not None), None)
            if bound is None or abs(cell.margin) > NEAR * sqrt(bound * (1 - bound) / trials):
                break
        return cell

    def _cell(self, rate: float, trials: int) -> Cell:
        return Cell(
            self.experiment,
            self.setting,
            rate,
            trials,
            self.least,
            self.most,
            self.note,
            self.errors_allowed,
        )


Experiment = Callable[[bool], Iterable[Cell | Planned]]
"""Runs or plans all cells of one experiment; True asks for a quick look with far fewer trials.

Its docstring stands in the page above its table. Planned cells are the better form: they run
two at a time, and those measured are kept when the command is interrupted.
"""


@dataclass(frozen=True)
class Listed:
    """An experiment as the page shows it.

    `least_mean` is a promise on the mean over all its cells. The cells below `list_below` are
    listed with their notes even where they are met. `columns` names the key of the settings
    that runs across the table; without it each cell has a row of its own.
    """

    run: Experiment
    least_mean: float | None = None
    list_below: float | None = None
    columns: str = ""
