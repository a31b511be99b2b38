"""An estimate with its bounds: what every other record is made of. A leaf."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """An estimate with its bounds, and the one- or two-sided level they were made at."""

    estimate: float
    low: float
    high: float
    level: float = 0.95
