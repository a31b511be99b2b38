"""Made-up scores of which the true mean is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, log, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from evals.stats.sample import Clustering

Floats = NDArray[np.float64]
Make = Callable[[np.random.Generator, int], Floats]


@dataclass(frozen=True)
class Draw:
    """A distribution of scores in [0, 1] with its mean; `make` draws n independent ones."""

    name: str
    mean: float
    make: Make


def choice(name: str, shares: dict[float, float]) -> Draw:
    """Scores that take few values, each with its share of the cases."""
    values = np.array(list(shares))
    edges = np.cumsum(list(shares.values()))[:-1]
    return Draw(
        name,
        sum(value * share for value, share in shares.items()),
        lambda generator, n: values[np.searchsorted(edges, generator.random(n), side="right")],
    )


def binary(rate: float) -> Draw:
    """Scores 0 and 1, a share `rate` of them 1."""
    return choice(f"binary {rate:g}", {0.0: 1 - rate, 1.0: rate})


def beta(name: str, a: float, b: float) -> Draw:
    """Beta distributed scores."""
    return Draw(name, a / (a + b), lambda generator, n: generator.beta(a, b, n))


def clipped_lognormal(name: str, median: float, sigma: float) -> Draw:
    """min(1, X) with log X normal: a long tail upwards.

    E min(1, X) = exp(mu + sigma^2/2) Phi(-mu/sigma - sigma) + Phi(mu/sigma).
    """
    mu = log(median)
    mean = exp(mu + sigma**2 / 2) * float(ndtr(-mu / sigma - sigma)) + float(ndtr(mu / sigma))
    return Draw(name, mean, lambda generator, n: np.minimum(1.0, generator.lognormal(mu, sigma, n)))


def of_repeats(name: str, a: float, b: float, repeats: int) -> Draw:
    """Mean of some right-or-wrong answers to a case whose own rate is beta distributed."""
    return Draw(
        name,
        a / (a + b),
        lambda generator, n: generator.binomial(repeats, generator.beta(a, b, n)) / repeats,
    )


GRADED = (
    Draw("uniform", 0.5, lambda generator, n: generator.random(n)),
    beta("U-shaped, beta(0.3, 0.3)", 0.3, 0.3),
    beta("crowded at 1, beta(2, 0.2)", 2.0, 0.2),
    Draw(
        "nearly constant, 0.79 to 0.81", 0.8, lambda generator, n: generator.uniform(0.79, 0.81, n)
    ),
    choice("0, half or 1: 10, 20, 70 %", {0.0: 0.1, 0.5: 0.2, 1.0: 0.7}),
    choice("0, half or 1: 1, 2, 97 %", {0.0: 0.01, 0.5: 0.02, 1.0: 0.97}),
    choice("0.9, but 0 for 5 %", {0.0: 0.05, 0.9: 0.95}),
    choice("0.9, but 0 for 1 %", {0.0: 0.01, 0.9: 0.99}),
    choice("0.1, but 1 for 2 %", {0.1: 0.98, 1.0: 0.02}),
    clipped_lognormal("log-normal, median 0.1, sigma 1, cut at 1", 0.1, 1.0),
    clipped_lognormal("log-normal, median 0.02, sigma 1.5, cut at 1", 0.02, 1.5),
    of_repeats("mean of 3 repeats, rate beta(2, 1)", 2.0, 1.0, 3),
    of_repeats("mean of 3 repeats, rate beta(0.5, 0.1)", 0.5, 0.1, 3),
)


def equal_sizes(clusters: int) -> list[int]:
    """Five cases in every cluster."""
    return [5] * clusters


def skewed_sizes(clusters: int) -> list[int]:
    """About five cases a cluster, sizes falling as 1 / rank: few clusters hold most cases."""
    ranks = np.arange(1, clusters + 1)
    shares = (1 / ranks) / (1 / ranks).sum()
    return [max(1, round(5 * clusters * float(share))) for share in shares]


SIZES = {"equal": equal_sizes, "skewed": skewed_sizes}


class Clustered:
    """Cases in clusters: each takes its cluster's common score, or one of its own.

    A case takes the common one with probability sqrt(correlation), which makes `correlation`
    the correlation of two cases of a cluster, whatever the distribution.
    """

    def __init__(self, sizes: list[int], correlation: float) -> None:
        self.codes = np.repeat(np.arange(len(sizes)), sizes)
        self.names = Clustering(self.codes, self.codes.size)
        self._count = len(sizes)
        self._share = sqrt(correlation)

    def make(self, draw: Make, generator: np.random.Generator) -> Floats:
        """Scores of shape (n,), n being all cases of all clusters."""
        common = draw(generator, self._count)[self.codes]
        own = draw(generator, self.codes.size)
        return np.where(generator.random(self.codes.size) < self._share, common, own)
