"""An estimate with its bounds: what every other record is made of. A leaf."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evals.stats import ScoreInterval


@dataclass(frozen=True)
class Interval:
    """An estimate with its bounds, and the one- or two-sided level they were made at."""

    estimate: float
    low: float
    high: float
    level: float = 0.95


def interval_of(found: ScoreInterval) -> Interval:
    """A mean score with its bounds, as records keep it."""
    return Interval(found.estimate, found.low, found.high, found.level)
