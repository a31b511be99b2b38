"""Whether the numbers of cases that tunegate names do what they are named for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from benchmarks.quality.cells import Experiment, Planned
from benchmarks.quality.paired import exact_rate
from evals.stats import (
    PairedDifference,
    cases_for_gain,
    cases_for_noninferiority,
    cases_to_catch,
    cases_to_ship,
    one_sided_z,
    paired_counts,
)

POWER = 0.78
ALPHA = 0.05
GAINS = (0.03, 0.05, 0.1, 0.2)
DISCORDANCES = (0.05, 0.1, 0.2, 0.4)
CASES = (50, 100, 250, 500)


def planned_gain(quick: bool) -> Iterator[Planned]:
    """A true gain is shown (L > 0) with as many cases as `cases_for_gain` names. Exact."""
    for gain in GAINS[1:] if quick else GAINS:
        for psi in (psi for psi in DISCORDANCES if psi >= gain):
            n = cases_for_gain(gain, psi)
            yield _power("planned-gain", n, psi, gain, {"gain": gain}, partial(_above, 0.0, ALPHA))


def planned_ship(quick: bool) -> Iterator[Planned]:
    """A true gain of min_gain is shown (L > 0) at a look at the sealed split: `cases_to_ship`.

    Exact. The other half of the claim, an estimate of at least min_gain, comes true every second
    time; see the price of looks.
    """
    for look in (1, 2, 3):
        for gain in GAINS[1:] if quick else GAINS:
            for psi in (0.2, 0.4):
                n = cases_to_ship(gain, psi, look=look)
                claim = partial(_above, 0.0, ALPHA / 2**look)
                yield _power("planned-ship", n, psi, gain, {"look": look, "gain": gain}, claim)


def planned_guard(quick: bool) -> Iterator[Planned]:
    """A guard passes where nothing is lost, with the cases of `cases_for_noninferiority`. Exact."""
    for margin in GAINS[1:] if quick else GAINS:
        for psi in DISCORDANCES:
            n = cases_for_noninferiority(margin, psi)
            claim = partial(_above, -margin, ALPHA)
            yield _power("planned-guard", n, psi, 0.0, {"margin": margin}, claim)


def planned_catch(quick: bool) -> Iterator[Planned]:
    """A true loss of twice the margin is caught (U < -margin), with the cases of `cases_to_catch`.

    Exact. "differ" is the share of cases that come out otherwise by chance; the loss comes on top.
    """
    for margin in GAINS[1:] if quick else GAINS:
        for psi in DISCORDANCES:
            loss = 2 * margin
            n = cases_to_catch(loss, margin, psi)
            claim = partial(_below, -margin, ALPHA)
            planned = _power("planned-catch", n, psi + loss, -loss, {"margin": margin}, claim)
            yield planned


def settled(quick: bool) -> Iterator[Planned]:
    """How often the number of cases named by an inconclusive result really settles it.

    An adapter is judged against min_gain 0.1 (L > 0 or U < 0.1 at 0.05). Where neither holds,
    `cases_to_settle` names a number that assumes what was seen to be the truth; a new draw of that
    many cases then settles it or not. Nothing is promised: what was seen is not the truth.
    """
    for truth in (0.0, 0.03, 0.05, 0.08, 0.1):
        for n in CASES[:2] if quick else CASES:
            yield Planned(
                "settled",
                {"differ": 0.2, "true gain": truth, "n at first": n},
                partial(_settled, n, 0.2, truth, 0.1),
                trials=500 if quick else 4000,
            )


def _power(
    name: str,
    n: int,
    psi: float,
    difference: float,
    setting: dict[str, float | int],
    claim: Callable[[PairedDifference], bool],
) -> Planned:
    return Planned(
        name,
        {**setting, "differ": round(psi, 10), "n": n},
        partial(_exact, n, psi, difference, claim),
        trials=0,
        least=POWER,
    )


def _exact(
    n: int,
    psi: float,
    difference: float,
    claim: Callable[[PairedDifference], bool],
    _generator: np.random.Generator,
    _trials: int,
) -> float:
    return exact_rate(n, psi, difference, claim)


def _above(difference: float, alpha: float, pair: PairedDifference) -> bool:
    return pair.above(difference, one_sided_z(alpha))


def _below(difference: float, alpha: float, pair: PairedDifference) -> bool:
    return pair.below(difference, one_sided_z(alpha))


def _settled(
    n: int,
    psi: float,
    truth: float,
    wanted: float,
    generator: np.random.Generator,
    trials: int,
) -> float:
    """Times that the named number settles, scaled from those that named one to all `trials`."""
    z = one_sided_z(ALPHA)
    shares = [(psi + truth) / 2, (psi - truth) / 2, 1 - psi]
    named = settles = 0
    while named < trials:
        counts = generator.multinomial(n, shares)
        first = paired_counts(int(counts[0]), int(counts[1]), n)
        if first.above(wanted, z) or first.below(wanted, z):
            continue
        needed = first.cases_to_settle(wanted, z)
        if needed is None:
            named += 1  # says that no number would do: that settles nothing
            continue
        named += 1
        more = generator.multinomial(needed, shares)
        then = paired_counts(int(more[0]), int(more[1]), needed)
        settles += then.above(wanted, z) or then.below(wanted, z)
    return settles


EXPERIMENTS: dict[str, Experiment] = {
    "planned-gain": planned_gain,
    "planned-ship": planned_ship,
    "planned-guard": planned_guard,
    "planned-catch": planned_catch,
    "settled": settled,
}
