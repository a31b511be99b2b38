"""How often the 95 % interval of a paired difference holds the true difference."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from scipy.stats import binom

from benchmarks.quality.cells import Experiment, Planned
from benchmarks.quality.coverage import (
    CASES,
    CLUSTER_COUNTS,
    CORRELATIONS,
    LEAST,
    UNSEEN,
    why_low,
)
from benchmarks.quality.scores import SIZES, Clustered, Draw, Floats, choice
from evals.stats import PairedDifference, paired_counts, paired_difference, two_sided_z

DISCORDANCES = (0.02, 0.05, 0.1, 0.2, 0.4, 0.6)
DIFFERENCES = (0.0, 0.02, 0.05, 0.1, 0.2)
CUT = 1e-9  # counts less likely than this are left out: less than 1e-4 of the rate in all

FEW_DISCORDANT = "so few cases differ that the interval can take few values"


def changes(name: str, wins: float, losses: float) -> Draw:
    """Differences of right-or-wrong scores: +1 and -1 with these shares, else 0."""
    return choice(name, {-1.0: losses, 0.0: 1 - wins - losses, 1.0: wins})


def _normal(generator: np.random.Generator, n: int) -> Floats:
    return np.clip(generator.normal(0.0, 0.15, n), -1, 1)


def _of_repeats(generator: np.random.Generator, n: int) -> Floats:
    rate = generator.beta(2.0, 1.0, n)
    found: Floats = (generator.binomial(3, rate) - generator.binomial(3, rate)) / 3
    return found


def _of_long_tails(generator: np.random.Generator, n: int) -> Floats:
    tails = np.minimum(1.0, generator.lognormal(-3.0, 1.5, (2, n)))
    found: Floats = tails[1] - tails[0]
    return found


GRADED = (
    Draw("normal, sigma 0.15", 0.0, _normal),
    Draw("uniform, -0.5 to 0.7", 0.1, lambda generator, n: generator.uniform(-0.5, 0.7, n)),
    choice("90 % ties, else a half", {-0.5: 0.05, 0.0: 0.9, 0.5: 0.05}),
    choice("90 % ties, 8 % gain a half", {-0.5: 0.02, 0.0: 0.9, 0.5: 0.08}),
    choice("98 % ties, else a half", {-0.5: 0.01, 0.0: 0.98, 0.5: 0.01}),
    choice("99 % ties, 1 % lose all", {-1.0: 0.01, 0.0: 0.99}),
    choice("95 % gain 0.02, 5 % lose all", {-1.0: 0.05, 0.02: 0.95}),
    choice("98 % gain 0.02, 2 % lose all", {-1.0: 0.02, 0.02: 0.98}),
    Draw("means of 3 repeats", 0.0, _of_repeats),
    Draw("two log-normals, cut at 1", 0.0, _of_long_tails),
)
BINARY_CLUSTERED = (
    changes("binary, 5 % differ", 0.025, 0.025),
    changes("binary, 20 % differ", 0.1, 0.1),
    changes("binary, 20 % differ, gain 0.1", 0.15, 0.05),
    changes("binary, 40 % differ, gain 0.2", 0.3, 0.1),
)
GRADED_CLUSTERED = (GRADED[0], GRADED[2], GRADED[3], GRADED[6])


def paired_binary(quick: bool) -> Iterator[Planned]:
    """Coverage of the 95 % interval of the difference of right-or-wrong scores (Tango). Exact.

    "differ" is the share of cases on which the two candidates differ.
    """
    for psi in DISCORDANCES:
        for difference in DIFFERENCES:
            for n in CASES[:3] if quick else CASES:
                if difference <= psi:
                    yield Planned(
                        "paired-binary",
                        {"differ": psi, "difference": difference, "n": n},
                        partial(_exact, n, psi, difference),
                        trials=0,
                        least=LEAST,
                        note=FEW_DISCORDANT,
                    )


def paired_graded(quick: bool) -> Iterator[Planned]:
    """Coverage of the 95 % interval of the difference of graded scores.

    The graded score method.
    """
    for draw in GRADED:
        for n in CASES[:3] if quick else CASES:
            yield Planned(
                "paired-graded",
                {"differences": draw.name, "n": n},
                partial(_held, draw, n, None),
                trials=500 if quick else 4000,
                least=LEAST,
                note=UNSEEN,
            )


def paired_clusters(quick: bool) -> Iterator[Planned]:
    """Coverage of the 95 % interval of the difference of scores in clusters.

    Sizes and correlations as for one candidate.
    """
    for draw in (*BINARY_CLUSTERED, *GRADED_CLUSTERED):
        for sizes, sized in SIZES.items():
            for correlation in CORRELATIONS:
                for count in CLUSTER_COUNTS[::3] if quick else CLUSTER_COUNTS:
                    clustered = Clustered(sized(count), correlation)
                    yield Planned(
                        "paired-clusters",
                        {
                            "differences": draw.name,
                            "sizes": sizes,
                            "correlation": correlation,
                            "clusters": count,
                        },
                        partial(_held, draw, clustered.codes.size, clustered),
                        trials=300 if quick else 2000,
                        least=LEAST,
                        note=why_low(draw, sizes, correlation),
                    )


def exact_rate(
    n: int, psi: float, difference: float, claim: Callable[[PairedDifference], bool]
) -> float:
    """Probability that `claim` holds of n cases of which a share psi differ, gaining `difference`.

    Sums over all counts of wins and losses; both of one share, the losses (psi - difference) / 2.
    """
    wins = (psi + difference) / 2 / psi
    rate = 0.0
    differing = np.arange(n + 1)
    for both, likely in zip(differing, binom.pmf(differing, n, psi), strict=True):
        if likely > CUT:
            terms = likely * binom.pmf(np.arange(both + 1), both, wins)
            rate += sum(
                float(terms[won])
                for won in np.flatnonzero(terms > CUT / 100)
                if claim(paired_counts(int(won), int(both - won), n))
            )
    return min(1.0, rate)


def holds(pair: PairedDifference, truth: float) -> bool:
    """Whether the 95 % interval holds `truth`; asked as claims are, without finding its ends."""
    z = two_sided_z(0.95)
    return not (pair.above(truth, z) or pair.below(truth, z))


def scores_of(differences: Floats) -> tuple[Floats, Floats]:
    """Scores of A and B in [0, 1] with these differences; 0 and 1 only where those are whole."""
    whole = bool((differences == np.round(differences)).all())
    both = 0.0 if whole else (1 - np.abs(differences)) / 2
    return both + np.maximum(0, -differences), both + np.maximum(0, differences)


def _exact(
    n: int, psi: float, difference: float, _generator: np.random.Generator, _trials: int
) -> float:
    return exact_rate(n, psi, difference, lambda pair: holds(pair, difference))


def _held(
    draw: Draw,
    n: int,
    clustered: Clustered | None,
    generator: np.random.Generator,
    trials: int,
) -> float:
    names = None if clustered is None else clustered.names
    hits = 0
    for _ in range(trials):
        differences = (
            draw.make(generator, n) if clustered is None else clustered.make(draw.make, generator)
        )
        a, b = scores_of(differences)
        hits += holds(paired_difference(a, b, names), draw.mean)
    return hits


EXPERIMENTS: dict[str, Experiment] = {
    "paired-binary": paired_binary,
    "paired-graded": paired_graded,
    "paired-clusters": paired_clusters,
}
