"""Bounds in figures that never claim more than was shown.

A bound that stands beside a limit is rounded away from what is claimed by it: a lower bound
down, an upper one up. A lower bound of 0.8992 is not "at least 0.90".
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

_NOISE = 12
"""Decimals beyond which a figure is the noise of floating point."""


def rounded_down(value: float, decimals: int) -> float:
    """The largest number of so many decimals that is at most `value`, but for noise."""
    return _rounded(value, decimals, ROUND_FLOOR)


def rounded_up(value: float, decimals: int) -> float:
    """The smallest number of so many decimals that is at least `value`, but for noise."""
    return _rounded(value, decimals, ROUND_CEILING)


def least_share(bound: float, limit: float | None = None) -> str:
    """A lower bound of a score with the decimals of the limit it is held against, at least two.

    A third where two would say 0 falsely.
    """
    return _share(rounded_down, bound, _decimals(limit))


def most_share(bound: float, limit: float | None = None) -> str:
    """An upper bound of a score, likewise; a third decimal where two would say 1 falsely."""
    return _share(rounded_up, bound, _decimals(limit))


def limit_share(limit: float) -> str:
    """A limit as it was stated, with at least two decimals: "0.90", "0.905"."""
    return f"{limit:.{_decimals(limit)}f}"


def least_points(difference: float, sign: str = "+") -> str:
    """A lower bound of a difference in percentage points: "+4.9"."""
    return _signed(rounded_down(100 * difference, 1), sign)


def most_points(difference: float, sign: str = "+") -> str:
    """An upper bound of a difference in percentage points: "+10.1"."""
    return _signed(rounded_up(100 * difference, 1), sign)


def least_percent(bound: float) -> str:
    """A lower bound of a score as a percentage with one decimal."""
    return f"{rounded_down(100 * bound, 1):.1f}%"


def most_percent(bound: float) -> str:
    """An upper bound of a score as a percentage with one decimal."""
    return f"{rounded_up(100 * bound, 1):.1f}%"


def _rounded(value: float, decimals: int, mode: str) -> float:
    exact = Decimal(f"{value:.{_NOISE}f}")
    return float(exact.quantize(Decimal(1).scaleb(-decimals), rounding=mode))


def _share(rounding: Callable[[float, int], float], bound: float, decimals: int) -> str:
    text = f"{rounding(bound, decimals):.{decimals}f}"
    if decimals == 2 and text in {"0.00", "1.00"} and bound not in {0.0, 1.0}:
        return f"{rounding(bound, 3):.3f}"
    return text


def _decimals(limit: float | None) -> int:
    """How many decimals a limit was stated with; two to six."""
    if limit is None:
        return 2
    exponent = Decimal(f"{limit:.6f}").normalize().as_tuple().exponent
    return max(2, -exponent if isinstance(exponent, int) else 2)


def _signed(points: float, sign: str) -> str:
    return f"{points + 0.0:{sign}.1f}"


def points_span(low: float, high: float) -> str:
    """Both bounds in points, rounded outwards: `-4.4 to +3.0`."""
    return f"{least_points(low)} to {most_points(high)}"
