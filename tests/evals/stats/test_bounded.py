"""Score bounds of graded means: held against their definition, Wilson's, and exact error rates."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import brentq

from evals.stats.bounded import score_lower, score_statistic, score_upper
from evals.stats.quantiles import critical_value, one_sided_z
from tests.independent import wilson


def moved(values: np.ndarray, hypothesis: float, low: float, high: float) -> float:
    """T with the variance of what was seen once a share of it has moved to the end."""
    end = high if hypothesis > values.mean() else low
    share = (hypothesis - values.mean()) / (end - values.mean())
    weights = np.append(np.full(values.size, (1 - share) / values.size), share)
    every = np.append(values, end)
    assert weights @ every == pytest.approx(hypothesis)
    variance = weights @ (every - hypothesis) ** 2
    return float((values.mean() - hypothesis) / np.sqrt(variance / values.size))


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-1.0, 1.0)])
def test_the_bounds_are_where_the_moved_sample_is_refuted(low: float, high: float) -> None:
    values = np.random.default_rng(1).uniform(low, high, 30) ** 3
    mean, variance = float(values.mean()), float(values.var())
    for h in (mean - 0.1, mean + 0.05, mean + 0.2):
        found = score_statistic(mean, variance, 30, h, low=low, high=high)
        assert found == pytest.approx(moved(values, h, low, high))
    upper = brentq(lambda h: moved(values, h, low, high) + 2.0, mean + 1e-9, high - 1e-9)
    lower = brentq(lambda h: moved(values, h, low, high) - 2.0, low + 1e-9, mean - 1e-9)
    assert score_upper(mean, variance, 30, 2.0, high) == pytest.approx(upper)
    assert score_lower(mean, variance, 30, 2.0, low) == pytest.approx(lower)


@pytest.mark.parametrize(("right", "n"), [(0, 5), (1, 20), (18, 20), (20, 20), (180, 200)])
def test_of_zeros_and_ones_the_bounds_are_wilsons(right: int, n: int) -> None:
    mean = right / n
    low = score_lower(mean, mean * (1 - mean), n, 1.96, 0.0)
    high = score_upper(mean, mean * (1 - mean), n, 1.96, 1.0)
    assert (low, high) == pytest.approx(wilson(mean, n, 1.96), abs=1e-12)


@pytest.mark.parametrize("alpha", [0.05 / 1.25, 0.05 / 3, 0.05 / 12])
@pytest.mark.parametrize("gain", [0.3, 1.0])
def test_rare_large_gains_are_seldom_called_flat(alpha: float, gain: float) -> None:
    delta, worst = 0.05, 0.0
    for n in (*range(40, 130), 200, 300, 500, 1000, 2000):
        k = np.arange(n // 2)
        mean = k * gain / n
        variance = mean * gain - mean**2
        critical = critical_value(one_sided_z(alpha), n - 1)
        flat = [
            score_statistic(m, v, n, delta, low=-1.0, high=1.0) < -critical
            for m, v in zip(mean.tolist(), variance.tolist(), strict=True)
        ]
        worst = max(worst, float(stats.binom.pmf(k, n, delta / gain)[flat].sum()))
    assert worst <= 1.15 * alpha
