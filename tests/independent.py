"""Statistics computed again without `evals.stats`: from likelihoods, by scipy and statsmodels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import log, sqrt

import numpy as np
import statsmodels.api as sm
from numpy.typing import NDArray
from scipy import optimize, stats

_LEAST = 1e-13  # stands for a share of 0, of which neither log nor inverse exist

Claim = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.bool_]]


def z_of(alpha: float) -> float:
    """The normal quantile with tail area `alpha` above it."""
    return float(stats.norm.isf(alpha))


def rao_statistic(wins: float, losses: float, n: float, difference: float) -> float:
    """Rao's score test of P(win) - P(loss) = `difference` in a trinomial, as a signed z.

    The likelihood is maximised numerically over q = P(loss) with P(win) = q + difference; the
    score and Fisher's information follow by differentiating log pi for pi = (q + d, q, 1 - 2q - d).
    Tango (1998) has a closed form of the same number. Counts may be fractional.
    """
    d, ties = difference, n - wins - losses

    def shares(q: float) -> tuple[float, float, float]:
        return max(q + d, _LEAST), max(q, _LEAST), max(1 - 2 * q - d, _LEAST)

    def surprise(q: float) -> float:
        return -sum(k * log(pi) for k, pi in zip((wins, losses, ties), shares(q), strict=True))

    low, high = max(0.0, -d), (1 - d) / 2
    inner = optimize.minimize_scalar(
        surprise, bounds=(low, high), method="bounded", options={"xatol": 1e-13, "maxiter": 2000}
    ).x
    win, loss, tie = shares(min((low, high, inner), key=surprise))
    score = np.array([wins / win - ties / tie, wins / win + losses / loss - 2 * ties / tie])
    off = 1 / win + 2 / tie
    information = n * np.array([[1 / win + 1 / tie, off], [off, 1 / win + 1 / loss + 4 / tie]])
    # The efficient score: what the optimiser misses of the maximum counts only squared.
    efficient = score[0] - information[0, 1] / information[1, 1] * score[1]
    spread = information[0, 0] - information[0, 1] ** 2 / information[1, 1]
    return float(efficient / sqrt(spread))


def rao_upper(wins: float, losses: float, n: float, critical: float) -> float:
    """The difference at which `rao_statistic` falls to -critical, found by Brent's method."""
    start = max(-1 + 1e-9, (wins - losses) / n)
    return float(
        optimize.brentq(
            lambda d: rao_statistic(wins, losses, n, d) + critical, start, 1 - 1e-9, xtol=1e-12
        )
    )


def rao_lower(wins: float, losses: float, n: float, critical: float) -> float:
    """The difference at which `rao_statistic` rises to critical."""
    return -rao_upper(losses, wins, n, critical)


def constrained_spread(win: float, loss: float, difference: float) -> float:
    """Standard deviation of one pair's difference under `difference`, from shares of pairs.

    The trinomial that lies nearest to the true shares among those with that difference, by the
    expected likelihood; its q solves win/(q+d) + loss/q = 2 tie/(1-2q-d).
    """
    d, tie = difference, 1 - win - loss

    def slope(q: float) -> float:
        return win / (q + d) + loss / q - 2 * tie / (1 - 2 * q - d)

    q = optimize.brentq(slope, max(0.0, -d) + 1e-12, (1 - d) / 2 - 1e-12, xtol=1e-15)
    return sqrt(2 * q + d - d * d)


def statistics_of(
    wins: NDArray[np.int64], losses: NDArray[np.int64], n: int, difference: float
) -> NDArray[np.float64]:
    """`rao_statistic` of many outcomes: the likelihood's slope is halved down to its zero."""
    d, ties = difference, n - wins - losses
    low = np.full(wins.shape, max(0.0, -d))
    high = np.full(wins.shape, (1 - d) / 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        for _ in range(50):
            q = (low + high) / 2
            rising = wins / (q + d) + losses / q - 2 * ties / (1 - 2 * q - d) > 0
            low, high = np.where(rising, q, low), np.where(rising, high, q)
        q = (low + high) / 2
        found: NDArray[np.float64] = (wins - losses - n * d) / np.sqrt(n * (2 * q + d - d * d))
    return found


def chance(n: int, win: float, loss: float, claim: Claim) -> float:
    """The exact chance that `claim(wins, losses)` holds for n independent cases."""
    differing = np.arange(n + 1)
    usual = differing[stats.binom.pmf(differing, n, win + loss) > 1e-12]
    total = 0.0
    for count in usual:
        wins = np.arange(count + 1)
        weights = stats.binom.pmf(wins, count, win / (win + loss))
        held = claim(wins, count - wins)
        total += float(stats.binom.pmf(count, n, win + loss) * weights[held].sum())
    return total


def clustered_deff(values: Sequence[float], clusters: Sequence[str]) -> float:
    """The clustered variance of a mean over the independent one, by statsmodels' sandwich."""
    data, codes = np.asarray(values, dtype=float), np.unique(clusters, return_inverse=True)[1]
    fit = sm.OLS(data, np.ones(data.size)).fit(cov_type="cluster", cov_kwds={"groups": codes})
    return float(fit.bse[0] ** 2 / (data.var(ddof=1) / data.size))


def wilson(mean: float, n: float, critical: float) -> tuple[float, float]:
    """Wilson's score interval for a proportion, n possibly an effective (fractional) size.

    (p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n): Wilson 1927; Brown, Cai and
    DasGupta 2001. Exact 0 and 1 at the ends, never of zero width.
    """
    z2 = critical * critical / n
    centre = mean + z2 / 2
    half = sqrt(z2 * mean * (1 - mean) + z2 * z2 / 4)
    low = 0.0 if mean <= 0 else max(0.0, (centre - half) / (1 + z2))
    high = 1.0 if mean >= 1 else min(1.0, (centre + half) / (1 + z2))
    return low, high
