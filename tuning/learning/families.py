"""Two families of learning curves, fitted to many resampled curves at once.

A power law that saturates, s(n) = s_max - b n^-c, bends too early where scores keep rising; a
line in log n never bends. What is true mostly lies between them (Viering and Loog 2021, arXiv
2103.10948; Mahmood et al. 2022, arXiv 2207.01725, which finds the power law alone too hopeful
or too gloomy by the size of the set). Arrays: `scores` (resamples, points).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from evals.stats.sample import Floats

EXPONENTS = (0.05, 2.0)
"""The least and largest c: published exponents of error lie well within (Viering and Loog)."""
_STEPS = 40


class PowerLaw(NamedTuple):
    """s_max in [0, 1], b >= 0 and c, each of shape (resamples,)."""

    s_max: Floats
    b: Floats
    c: Floats

    def at(self, sizes: Floats) -> Floats:
        """Scores of shape (resamples, sizes), in [0, 1]."""
        scores = self.s_max[:, None] - self.b[:, None] * sizes[None, :] ** -self.c[:, None]
        return scores.clip(0.0, 1.0)


class LogLinear(NamedTuple):
    """Score at one example, and what each e-fold more adds; each of shape (resamples,)."""

    start: Floats
    slope: Floats

    def at(self, sizes: Floats) -> Floats:
        """Scores of shape (resamples, sizes), in [0, 1]."""
        import numpy as np

        return (self.start[:, None] + self.slope[:, None] * np.log(sizes)[None, :]).clip(0.0, 1.0)


def fit_log_linear(sizes: Floats, scores: Floats) -> LogLinear:
    """Least squares of a line in log n. The slope may be negative. Sizes: (points,)."""
    import numpy as np

    x = np.log(sizes)
    centred = x - x.mean()
    slope = scores @ centred / (centred @ centred)
    return LogLinear(scores.mean(axis=1) - slope * x.mean(), slope)


def fit_power_law(sizes: Floats, scores: Floats) -> PowerLaw:
    """Least squares under 0 <= s_max <= 1 and b >= 0.

    For a given c the rest is a straight line, so c is found on a grid: no start values, no
    iterations that could fail to converge.
    """
    import numpy as np

    exponents = np.geomspace(*EXPONENTS, _STEPS)
    x = sizes[None, :] ** -exponents[:, None]  # (exponents, points)
    centred = x - x.mean(axis=1, keepdims=True)
    mean = scores.mean(axis=1)[:, None]
    b = -(scores @ centred.T) / (centred**2).sum(axis=1)  # (resamples, exponents)
    b = b.clip(min=0.0)
    s_max = mean + b * x.mean(axis=1)
    over = s_max > 1
    at_one = ((1 - scores) @ x.T) / (x**2).sum(axis=1)
    b = np.where(over, at_one.clip(min=0.0), b)
    s_max = s_max.clip(0.0, 1.0)
    fitted = s_max[:, :, None] - b[:, :, None] * x[None, :, :]
    best = ((scores[:, None, :] - fitted) ** 2).sum(axis=2).argmin(axis=1)
    rows = np.arange(len(scores))
    return PowerLaw(s_max[rows, best], b[rows, best], exponents[best])
