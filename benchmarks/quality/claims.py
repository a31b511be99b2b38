"""How often noise, and a loss of just the margin, are called what they are not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from benchmarks.quality.cells import Experiment, Planned
from benchmarks.quality.paired import (
    BINARY_CLUSTERED,
    DISCORDANCES,
    GRADED,
    exact_rate,
    scores_of,
)
from benchmarks.quality.scores import SIZES, Clustered, Draw, choice
from evals.stats import PairedDifference, one_sided_z, paired_difference

ALPHAS = (0.05, 0.025)
"""One-sided; 0.025 is also the direction that `compare` gives with its 95 % interval."""
CASES = (30, 50, 100, 250, 500, 1000, 2000)
MARGINS = (0.02, 0.05, 0.1)
MARGIN_CASES = (30, 60, 100, 150, 300, 1000)
ALPHA = 0.05
CORRELATIONS = (0.1, 0.5, 1.0)
CLUSTER_COUNTS = (10, 30, 100)

APPROXIMATE = "Tango's statistic is only nearly normal: few cases differ, and mostly one way"
UNSEEN = "a large loss of few cases is often not among so few"

Claim = Callable[[PairedDifference], bool]


def noise_binary(quick: bool) -> Iterator[Planned]:
    """A gain is claimed (L > 0) though nothing is gained: right-or-wrong scores. Exact.

    "differ" is the share of cases on which the two candidates differ, wins as often as losses.
    """
    for alpha in ALPHAS:
        for psi in DISCORDANCES:
            for n in CASES[:3] if quick else CASES:
                yield Planned(
                    "noise-binary",
                    {"alpha": alpha, "differ": psi, "n": n},
                    partial(_exact, n, psi, 0.0, partial(_gains, alpha)),
                    trials=0,
                    most=alpha,
                    note=APPROXIMATE,
                )


def noise_graded(quick: bool) -> Iterator[Planned]:
    """A gain is claimed (L > 0) though nothing is gained: graded scores."""
    draws = [draw for draw in GRADED if draw.mean == 0]
    # Gains nearly everywhere, and the losses that make up for them are rare.
    draws.append(choice("98 % gain 0.01, 2 % lose 0.49", {-0.49: 0.02, 0.01: 0.98}))
    for alpha in ALPHAS:
        for draw in draws:
            for n in CASES[:3] if quick else CASES:
                yield Planned(
                    "noise-graded",
                    {"alpha": alpha, "differences": draw.name, "n": n},
                    partial(_drawn, draw, n, None, partial(_gains, alpha)),
                    trials=500 if quick else 4000,
                    most=alpha,
                    note=UNSEEN,
                    errors_allowed=3,
                )


def noise_clusters(quick: bool) -> Iterator[Planned]:
    """A gain is claimed (L > 0 at 0.05) though nothing is gained: scores in clusters."""
    for draw in (*BINARY_CLUSTERED[:2], GRADED[0], GRADED[2]):
        for sizes, sized in SIZES.items():
            for correlation in CORRELATIONS:
                for count in CLUSTER_COUNTS[:2] if quick else CLUSTER_COUNTS:
                    clustered = Clustered(sized(count), correlation)
                    yield Planned(
                        "noise-clusters",
                        {
                            "differences": draw.name,
                            "sizes": sizes,
                            "correlation": correlation,
                            "clusters": count,
                        },
                        partial(
                            _drawn, draw, clustered.codes.size, clustered, partial(_gains, ALPHA)
                        ),
                        trials=300 if quick else 2000,
                        most=ALPHA,
                        errors_allowed=3,
                    )


def margin_pass(quick: bool) -> Iterator[Planned]:
    """A guard passes (L > -margin at 0.05) though the loss is exactly the margin. Exact.

    "differ" is the share of cases on which the two candidates differ. Testing at 0.05/1.14, the
    most that keeps the boundary cases of decisions.md, would leave 2 of 336 such settings above
    0.05 (at most 0.053) and lower the chance of a pass at the planned cases from 0.80 to 0.79.
    """
    yield from _at_margin("margin-pass", _passes, quick)


def margin_fail(quick: bool) -> Iterator[Planned]:
    """A guard, or a check in CI, fails (U < -margin at 0.05) though the loss is exactly the margin.

    Exact. Where nothing is lost it fails far less often.
    """
    yield from _at_margin("margin-fail", _fails, quick)


def _at_margin(
    name: str, claim: Callable[[float, PairedDifference], bool], quick: bool
) -> Iterator[Planned]:
    for margin in MARGINS:
        for psi in sorted({margin, 1.5 * margin, 2 * margin, 0.2, 0.4}):
            for n in MARGIN_CASES[:3] if quick else MARGIN_CASES:
                yield Planned(
                    name,
                    {"margin": margin, "differ": round(psi, 10), "n": n},
                    partial(_exact, n, psi, -margin, partial(claim, margin)),
                    trials=0,
                    most=ALPHA,
                    note=APPROXIMATE,
                )


def margin_graded(quick: bool) -> Iterator[Planned]:
    """A guard of graded scores passes though the loss is exactly the margin, or fails so."""
    margin = 0.05
    shapes = (
        choice("10 % lose a half", {-0.5: 0.1, 0.0: 0.9}),
        choice("5 % lose all", {-1.0: 0.05, 0.0: 0.95}),
        choice("12 % lose a half, 2 % gain it", {-0.5: 0.12, 0.0: 0.86, 0.5: 0.02}),
        Draw("uniform, -0.2 to 0.1", -0.05, lambda g, n: g.uniform(-0.2, 0.1, n)),
        Draw("normal, sigma 0.15", -0.05, lambda g, n: np.clip(g.normal(-0.05, 0.15, n), -1, 1)),
    )
    for says, claim in (("pass", _passes), ("fail", _fails)):
        for draw in shapes:
            for n in CASES[:3] if quick else CASES:
                yield Planned(
                    "margin-graded",
                    {"says": says, "differences": draw.name, "n": n},
                    partial(_drawn, draw, n, None, partial(claim, margin)),
                    trials=500 if quick else 4000,
                    most=ALPHA,
                    note=UNSEEN,
                    errors_allowed=3,
                )


def _gains(alpha: float, pair: PairedDifference) -> bool:
    return pair.above(0.0, one_sided_z(alpha))


def _passes(margin: float, pair: PairedDifference) -> bool:
    return pair.above(-margin, one_sided_z(ALPHA))


def _fails(margin: float, pair: PairedDifference) -> bool:
    return pair.below(-margin, one_sided_z(ALPHA))


def _exact(
    n: int,
    psi: float,
    difference: float,
    claim: Claim,
    _generator: np.random.Generator,
    _trials: int,
) -> float:
    return exact_rate(n, psi, difference, claim)


def _drawn(
    draw: Draw,
    n: int,
    clustered: Clustered | None,
    claim: Claim,
    generator: np.random.Generator,
    trials: int,
) -> float:
    hits = 0
    for _ in range(trials):
        differences = (
            draw.make(generator, n) if clustered is None else clustered.make(draw.make, generator)
        )
        a, b = scores_of(differences)
        hits += claim(paired_difference(a, b, None if clustered is None else clustered.names))
    return hits


EXPERIMENTS: dict[str, Experiment] = {
    "noise-binary": noise_binary,
    "noise-graded": noise_graded,
    "noise-clusters": noise_clusters,
    "margin-pass": margin_pass,
    "margin-fail": margin_fail,
    "margin-graded": margin_graded,
}
