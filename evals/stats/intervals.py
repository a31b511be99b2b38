"""How good is one candidate: the mean score with its confidence interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from evals.errors import StatisticsError
from evals.stats.bounded import score_lower, score_upper
from evals.stats.quantiles import critical_value, two_sided_z
from evals.stats.sample import as_scores, independence, is_binary

if TYPE_CHECKING:
    from evals.stats.sample import Clusters, Scores


class ScoreInterval(NamedTuple):
    """A mean score in [0, 1] with two-sided bounds at `level`, over `n` cases."""

    estimate: float
    low: float
    high: float
    level: float
    n: int
    method: str


def known_bounds(
    values: Sequence[float], clusters: Sequence[str | None]
) -> tuple[float | None, float | None]:
    """The mean's 95 % bounds; None where nothing was scored or the clusters are too few."""
    try:
        found = score_interval(values, clusters)
    except StatisticsError:
        return None, None
    return found.low, found.high


def score_interval(
    values: Scores,
    clusters: Clusters | None = None,
    level: float = 0.95,
) -> ScoreInterval:
    """Mean score with a two-sided interval; a one-sided bound at alpha is level 1 - 2 alpha.

    `values`: n scores in [0, 1]. All exactly 0 or 1: Wilson. Otherwise: its
    graded form (`evals.stats.bounded`) with t of n - 1 degrees of freedom.
    `clusters`: n names; cases sharing one are not independent. Counts are then divided by
    the design effect and t has C - 1 degrees of freedom.

    Raises `StatisticsError` on empty or invalid scores and on fewer than 10 clusters.
    """
    scores = as_scores(values)
    z = two_sided_z(level)
    dependence = independence(scores, clusters)
    mean = float(scores.mean())
    clustered = "" if dependence.clusters is None else f", {dependence.clusters} clusters"
    binary = is_binary(scores)
    df = max(1.0, scores.size - 1.0) if dependence.df is None and not binary else dependence.df
    # Of scores of 0 and 1 this is their variance to the last digit, and the bounds are Wilson's.
    variance = mean * (1 - mean) if binary else float(scores.var())
    n, critical = scores.size / dependence.deff, critical_value(z, df)
    low = score_lower(mean, variance, n, critical, 0.0)
    high = score_upper(mean, variance, n, critical, 1.0)
    name = "Wilson" if binary else "graded score"
    return ScoreInterval(mean, low, high, level, scores.size, f"{name}{clustered}")


def exact_bounds(values: Scores, clusters: Clusters | None, alpha: float) -> tuple[float, float]:
    """One-sided bounds at `alpha` of the mean, whose error is at most that: for deciding.

    All scores 0 or 1: Clopper and Pearson's, with counts divided by the design effect, and
    never inside Wilson's with t, which is too narrow near 0 and 1 and for few cases. Other
    scores: those of `score_interval`. Raises as that does.
    """
    from scipy.special import betaincinv

    found = score_interval(values, clusters, 1 - 2 * alpha)
    scores = as_scores(values)
    if not is_binary(scores):
        return found.low, found.high
    n = scores.size / independence(scores, clusters).deff
    right = found.estimate * n
    low = float(betaincinv(right, n - right + 1, alpha)) if right > 0 else 0.0
    high = float(betaincinv(right + 1, n - right, 1 - alpha)) if right < n else 1.0
    return min(found.low, low), max(found.high, high)


def require_share(value: float, name: str) -> float:
    """`value` if it lies strictly between 0 and 1; otherwise a `StatisticsError` naming it."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
        raise StatisticsError(
            f"{name} is {value!r}; expected a number above 0 and below 1, say 0.10", key=name
        )
    return float(value)
