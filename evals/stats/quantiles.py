"""Quantiles and tail areas of the two reference distributions, normal and Student's t."""

from __future__ import annotations

from math import erfc, isfinite, sqrt
from statistics import NormalDist

from evals.errors import StatisticsError

_NORMAL = NormalDist()


MOST_LOOKS = 30
"""Beyond this a level of 1 - alpha / 2^look comes too near to 1 to be told from it by a float."""


def require_look(look: int, key: str | None = None) -> int:
    """`look` if it is the number of a look, from 1; otherwise a `StatisticsError`."""
    if isinstance(look, bool) or not isinstance(look, int) or not 1 <= look <= MOST_LOOKS:
        raise StatisticsError(
            f"look is {look!r}; looks are counted from 1, and after {MOST_LOOKS} nothing can "
            "be claimed",
            key=key,
            hint="collect a new split",
        )
    return look


def one_sided_z(alpha: float) -> float:
    """The z with normal tail area `alpha` above it: 1.645 for 0.05.

    Raises `StatisticsError` unless 0 < alpha <= 0.5 (beyond that a bound is no bound).
    """
    if not 0 < alpha <= 0.5:
        raise StatisticsError(f"alpha is {alpha!r}; expected a number above 0, at most 0.5")
    return -_NORMAL.inv_cdf(alpha)


def two_sided_z(level: float) -> float:
    """The z of a two-sided interval: 1.960 for level 0.95."""
    if not 0 < level < 1:
        raise StatisticsError(f"level is {level!r}; expected a number between 0 and 1, say 0.95")
    return one_sided_z((1 - level) / 2)


def normal_cdf(x: float) -> float:
    """P(Z <= x) of the standard normal."""
    return 0.5 * erfc(-x / sqrt(2))


def critical_value(z: float, df: float | None) -> float:
    """The value with the same tail area as `z`, under t with `df` degrees of freedom.

    `df` None means the normal itself. Bounds are asked for by z everywhere, so that one
    corrected level serves binary, graded and clustered scores alike.
    """
    if not (isfinite(z) and z >= 0):
        raise StatisticsError(f"z is {z!r}; expected a finite number of at least 0")
    if df is None:
        return z
    from scipy.special import stdtrit

    return -float(stdtrit(df, normal_cdf(-z)))


def two_sided_p(statistic: float, df: float | None) -> float:
    """P(|X| >= |statistic|) under the normal (`df` None) or t with `df`."""
    if df is None:
        return erfc(abs(statistic) / sqrt(2))
    from scipy.special import stdtr

    return float(min(1.0, 2 * stdtr(df, -abs(statistic))))
