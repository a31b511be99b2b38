"""How often the 95 % interval of one candidate's mean score holds the true mean."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from math import exp, lgamma, log, log1p

import numpy as np

from benchmarks.quality.cells import Experiment, Planned
from benchmarks.quality.scores import GRADED, SIZES, Clustered, Draw, binary
from evals.stats import score_interval

LEAST = 0.92
CASES = (30, 50, 100, 250, 500, 1000, 2000)
BASE_RATES = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98)
CLUSTER_COUNTS = (10, 15, 20, 30, 50, 100, 200)
CORRELATIONS = (0.0, 0.1, 0.5, 1.0)
CLUSTERED = (
    binary(0.05),
    binary(0.2),
    binary(0.5),
    binary(0.9),
    *(draw for draw in GRADED if draw.name.startswith(("uniform", "0, half or 1: 10", "0.9, but"))),
)

DISCRETE = "one right answer more or less moves the whole interval: the values are few"
UNSEEN = "the rare scores that pull the mean are often not among so few cases"
ALIKE = "every cluster counts as one case: few cases, of few values"
FEW_LARGE = "most cases lie in a few clusters: as many independent observations, and rarely more"


def interval_binary(quick: bool) -> Iterator[Planned]:
    """Coverage of the 95 % interval of scores that are 0 or 1 (Wilson). Exact, no draws.

    Counts are whole numbers, so the coverage of any such interval swings about its nominal value.
    """
    for rate in BASE_RATES:
        for n in CASES[:3] if quick else CASES:
            yield Planned(
                "interval-binary",
                {"base rate": rate, "n": n},
                partial(_exact, n, rate),
                trials=0,
                least=LEAST,
                note=DISCRETE,
            )


def interval_graded(quick: bool) -> Iterator[Planned]:
    """Coverage of the 95 % interval of graded scores (the graded form of Wilson)."""
    for draw in GRADED:
        for n in CASES[:3] if quick else CASES:
            yield Planned(
                "interval-graded",
                {"scores": draw.name, "n": n},
                partial(_held, draw, n),
                trials=500 if quick else 4000,
                least=LEAST,
                note=UNSEEN,
            )


def interval_clusters(quick: bool) -> Iterator[Planned]:
    """Coverage of the 95 % interval of scores in clusters, five cases a cluster on average.

    Sizes are equal, or fall as 1/rank: with 200 clusters the largest then holds 170 of 1,000 cases.
    Two cases of a cluster correlate as stated; at 1 all cases of a cluster score the same.
    """
    for draw in CLUSTERED:
        for sizes, sized in SIZES.items():
            for correlation in CORRELATIONS:
                for count in CLUSTER_COUNTS[::3] if quick else CLUSTER_COUNTS:
                    yield Planned(
                        "interval-clusters",
                        {
                            "scores": draw.name,
                            "sizes": sizes,
                            "correlation": correlation,
                            "clusters": count,
                        },
                        partial(_held_clustered, draw, Clustered(sized(count), correlation)),
                        trials=300 if quick else 2000,
                        least=LEAST,
                        note=why_low(draw, sizes, correlation),
                    )


def why_low(draw: Draw, sizes: str, correlation: float) -> str:
    """What makes coverage low under such a setting."""
    if sizes == "skewed":
        return FEW_LARGE
    if correlation == 1:
        return ALIKE
    return DISCRETE if draw.name.startswith("binary") else UNSEEN


def binomial_terms(n: int, rate: float) -> list[float]:
    """P(X = x) of a binomial, x = 0..n."""
    whole = lgamma(n + 1)
    return [
        exp(whole - lgamma(x + 1) - lgamma(n - x + 1) + x * log(rate) + (n - x) * log1p(-rate))
        for x in range(n + 1)
    ]


def _exact(n: int, rate: float, _generator: np.random.Generator, _trials: int) -> float:
    held = 0.0
    for right, probability in enumerate(binomial_terms(n, rate)):
        if probability > 1e-12:
            found = score_interval([1.0] * right + [0.0] * (n - right))
            held += probability * (found.low <= rate <= found.high)
    return held


def _held(draw: Draw, n: int, generator: np.random.Generator, trials: int) -> float:
    hits = 0
    for _ in range(trials):
        found = score_interval(draw.make(generator, n))
        hits += found.low <= draw.mean <= found.high
    return hits


def _held_clustered(
    draw: Draw, clustered: Clustered, generator: np.random.Generator, trials: int
) -> float:
    hits = 0
    for _ in range(trials):
        scores = clustered.make(draw.make, generator)
        found = score_interval(scores, clustered.names)
        hits += found.low <= draw.mean <= found.high
    return hits


EXPERIMENTS: dict[str, Experiment] = {
    "interval-binary": interval_binary,
    "interval-graded": interval_graded,
    "interval-clusters": interval_clusters,
}
