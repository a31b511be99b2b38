"""How often several trainings ship rightly and wrongly, in worlds whose truth is known.

    python -m benchmarks.seeds [--worlds 2000] [-o FILE]

Each world has one leader and K trainings on the same sealed cases. A training's true gain is drawn
around what the recipe gains, with a standard deviation between trainings of 0, 2, 4 or 8 points. A
case is right where a normal variable lies below the quantile of the candidate's score; half of its
variance is the case's difficulty, which all see alike. The adapter that may ship is any of the
K, as it is where held-out losses tell nothing. First look: alpha 0.025.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from scipy.stats import t as student

from evals.claims import check_gain
from evals.stats import (
    PairedDifference,
    RepeatedDifference,
    one_sided_z,
    paired_difference,
    repeated_difference,
    two_sided_z,
)

ALPHA, MIN_GAIN, LEADER, SHARED = 0.05, 0.10, 0.5, 0.5
LOOK_ALPHA = ALPHA / 2
TRAININGS, CASES, SPREADS = (2, 3, 5), (154, 260), (0.0, 0.02, 0.04, 0.08)
GAINS = (0.10, 0.15, 0.20)
SEED = 20_261_122


class World(NamedTuple):
    """What is true: the recipe's gain, how far trainings differ, and how much is measured."""

    gain: float
    spread: float
    trainings: int
    cases: int


class Seen(NamedTuple):
    """What was found in one world. `alone`: without the other trainings."""

    gains: bool
    gains_alone: bool
    ships: bool
    ships_alone: bool
    held: bool
    held_of_these: bool


class Rates(NamedTuple):
    """The share of the worlds in which each of `Seen` holds."""

    gains: float
    gains_alone: float
    ships: float
    ships_alone: float
    held: float
    held_of_these: float


def draw(world: World, rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scores of the leader, shape (cases,), and of the trainings, shape (trainings, cases)."""
    case = np.sqrt(SHARED) * rng.standard_normal(world.cases)

    def drive(rows: int) -> NDArray[np.float64]:
        own = np.sqrt(1 - SHARED) * rng.standard_normal((rows, world.cases))
        return np.asarray(case + own)

    true = LEADER + rng.normal(world.gain, world.spread, world.trainings)
    limits = norm.ppf(np.clip(true, 1e-6, 1 - 1e-6))[:, None]
    leader = drive(1)[0] < norm.ppf(LEADER)
    return leader.astype(float), (drive(world.trainings) < limits).astype(float)


def look(world: World, rng: np.random.Generator) -> Seen:
    """Judge one world at the first look."""
    leader, trainings = draw(world, rng)
    alone = paired_difference(leader, trainings[0])
    together = repeated_difference(leader, trainings)
    z_low, z = one_sided_z(LOOK_ALPHA), one_sided_z(ALPHA)
    ships_alone = check_gain(alone, MIN_GAIN, ALPHA, LOOK_ALPHA).result == "reached"
    gains = together.above(0.0, z_low)
    return Seen(
        gains=gains,
        gains_alone=alone.above(0.0, z_low),
        ships=ships_alone and gains and not together.below(MIN_GAIN, z),
        ships_alone=ships_alone,
        held=_holds(together, world.gain),
        held_of_these=_holds(together.cases, world.gain),
    )


def _holds(difference: RepeatedDifference | PairedDifference, truth: float) -> bool:
    z = two_sided_z(0.95)
    return not (difference.above(truth, z) or difference.below(truth, z))


def rates(world: World, worlds: int, rng: np.random.Generator) -> Rates:
    """The share of so many worlds in which each holds."""
    found = np.array([look(world, rng) for _ in range(worlds)], dtype=float)
    return Rates(*map(float, found.mean(axis=0)))


def no_effect(worlds: int, rng: np.random.Generator) -> Iterator[str]:
    """Rows of a recipe that gains nothing."""
    yield "| trainings | cases | sd | a gain, by one | by all | ships, by one | by all | holds |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for count in TRAININGS:
        for cases in CASES:
            for spread in SPREADS:
                at = rates(World(0.0, spread, count, cases), worlds, rng)
                yield (
                    f"| {count} | {cases} | {100 * spread:g} | {at.gains_alone:.3f} | "
                    f"{at.gains:.3f} | {at.ships_alone:.4f} | {at.ships:.4f} | {at.held:.3f} "
                    f"({at.held_of_these:.3f}) |"
                )


def effect(worlds: int, rng: np.random.Generator) -> Iterator[str]:
    """Rows of a recipe that gains: how often its adapter ships, alone and beside the others."""
    gains = " | ".join(f"+{100 * gain:g}" for gain in GAINS)
    yield f"| trainings | cases | sd | {gains} | holds, at +{100 * GAINS[1]:g} |"
    yield "| --- " * (4 + len(GAINS)) + "|"
    for count in TRAININGS[1:]:
        for cases in CASES:
            for spread in SPREADS[:3]:
                found = [rates(World(g, spread, count, cases), worlds, rng) for g in GAINS]
                shipped = " | ".join(f"{at.ships_alone:.2f} / {at.ships:.2f}" for at in found)
                held = f"{found[1].held:.3f} ({found[1].held_of_these:.3f})"
                yield f"| {count} | {cases} | {100 * spread:g} | {shipped} | {held} |"


def satterthwaite(found: RepeatedDifference, z: float) -> float:
    """L with one t quantile, of Satterthwaite's degrees of freedom, in Cochran and Cox's place."""
    count, n = len(found.gains), found.n
    of_cases = (found.cases.discordance - found.estimate**2) / n
    parts = found.between / count, of_cases, found.rest / count
    variance = of_cases + max(0.0, parts[0] - parts[2])
    spread = (
        parts[0] ** 2 / (count - 1)
        + parts[1] ** 2 / (n - 1)
        + parts[2] ** 2 / ((n - 1) * (count - 1))
    )
    quantile = student.isf(norm.sf(z), variance**2 / spread)
    return float(found.estimate - quantile * variance**0.5)


def rules(worlds: int, rng: np.random.Generator) -> Iterator[str]:
    """Rows of how often more than 0 is claimed where nothing is gained, by the rule."""
    yield "| trainings | sd | Satterthwaite | Cochran and Cox |"
    yield "| --- | --- | --- | --- |"
    z = one_sided_z(LOOK_ALPHA)
    for count in TRAININGS:
        for spread in SPREADS:
            world = World(0.0, spread, count, CASES[1])
            seen = [repeated_difference(*draw(world, rng)) for _ in range(worlds)]
            shares = (
                np.mean([satterthwaite(one, z) > 0 for one in seen]),
                np.mean([one.above(0.0, z) for one in seen]),
            )
            yield f"| {count} | {100 * spread:g} | {shares[0]:.3f} | {shares[1]:.3f} |"


PAGE = """\
# Several trainings: how often the verdict is right

`python -m benchmarks.seeds` on one core: {worlds:,} worlds a row where nothing is gained, {fewer:,}
where something is. What the verdict asks: [decisions](../docs/decisions.md#several-trainings).

A leader that has half of the cases right, and trainings whose true gains differ by a standard
deviation of *sd* points. First look, so that 0.025 is promised; 10 points are asked for. *By one*:
by the adapter that may ship alone, as with one training. *Holds*: how often the 95 % interval of
what a training at random gains holds the truth; in brackets that of these trainings alone, which
leaves the variation between trainings out. A rate of 0.025 from {worlds:,} worlds is within
{error:.3f} of the truth, 19 times in 20.

## A recipe that gains nothing

*A gain*: how often more than 0 is claimed to be certain, of a training at random.

{nothing}

## A recipe that gains

How often the adapter ships: alone / beside the others.

{something}

Of a true gain of exactly the 10 points that are asked for, at least that much is seen every second
time. The rest is what the second claim costs: most with three trainings and few cases.

## Which quantile

How often more than 0 is claimed where nothing is gained, on {cases} cases, {more:,} worlds a row;
0.025 is promised.

{rules}
"""


def page(worlds: int) -> str:
    """The whole page."""
    rng = np.random.default_rng(SEED)
    fewer = max(1, worlds // 4)
    return PAGE.format(
        worlds=worlds,
        fewer=fewer,
        error=1.96 * (0.025 * 0.975 / worlds) ** 0.5,
        nothing="\n".join(no_effect(worlds, rng)),
        something="\n".join(effect(fewer, rng)),
        cases=CASES[1],
        more=2 * worlds,
        rules="\n".join(rules(2 * worlds, rng)),
    )


def main() -> None:
    """Write the page, or print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worlds", type=int, default=2000)
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    text = page(options.worlds)
    if options.output:
        options.output.write_text(text, encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
