"""One measured rate of an experiment beside what is promised of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import sqrt


@dataclass(frozen=True)
class Cell:
    """A rate under one setting: `rate` in [0, 1] of `trials` simulated decisions.

    `trials` 0 means an exact enumeration. `least` and `most` are the promise (None: none on
    that side); `note` is the reason where it is missed, or what else a reader should know.
    """

    experiment: str
    setting: Mapping[str, float | int | str]
    rate: float
    trials: int
    least: float | None = None
    most: float | None = None
    note: str = ""

    @property
    def error(self) -> float:
        """Standard error of the simulated rate."""
        return sqrt(self.rate * (1 - self.rate) / self.trials) if self.trials else 0.0

    @property
    def met(self) -> bool:
        """Whether the promise holds of the measured rate."""
        above = self.least is None or self.rate >= self.least
        return above and (self.most is None or self.rate <= self.most)


Experiment = Callable[[bool], Iterable[Cell]]
"""Runs all cells of one experiment; True asks for a quick look with far fewer trials."""
