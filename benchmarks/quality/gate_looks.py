"""What looking at dev again costs: false plateaus undeclared, power where it was declared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from benchmarks.quality.cells import Count, Planned, Setting
from benchmarks.quality.gate_counting import ALPHA
from benchmarks.quality.gate_open import MOST
from benchmarks.quality.gate_rules import anchor_rule
from benchmarks.quality.gate_worlds import World, draw, plan
from tuning.gate.evidence import Policy

LOOKS = 3
SEVEN = plan(7, 3)
ONE_EARLY = (1, 2, 2, 3, 3)


# How dev may grow, to alpha of each look: as the gate has it, but for the first and second.
HOW = {
    "once": (ALPHA,),
    "not counted": (ALPHA,) * LOOKS,
    "not declared": tuple(Policy(alpha=ALPHA, look=1 + look).look_alpha for look in range(LOOKS)),
    "declared": tuple(
        Policy(alpha=ALPHA, declared_extensions=LOOKS - 1, look=1 + look).look_alpha
        for look in range(LOOKS)
    ),
}


def _extended(world: World, delta: float, alphas: tuple[float, ...], *, false: bool) -> Count:
    """How many searches end in a plateau (a false one) where dev is doubled while undecided.

    `world` is that of the last look. A look without plateau or improvement says `more_cases`.
    """
    sizes = [world.n >> look for look in reversed(range(len(alphas)))]
    truth = np.array(world.means)

    def count(rng: np.random.Generator, trials: int) -> float:
        total = 0
        for scores in draw(world, trials, rng):
            undecided = np.ones(len(scores), dtype=np.bool_)
            for n, alpha in zip(sizes, alphas, strict=True):
                found = anchor_rule(replace(world, n=n), scores[:, :, :n], delta, alpha)
                counted = found.plateau & undecided
                if false:
                    counted &= truth.max() >= truth[found.reference] + delta - 1e-9
                total += int(counted.sum())
                undecided &= ~found.plateau & ~found.improved
        return float(total)

    return count


def looks_at_dev(quick: bool) -> Iterator[Planned]:
    """Dev is doubled, twice at most, while the verdict is `more_cases`.

    "Once": one look at n. "Not counted": each look at the full alpha, which the gate never does.
    "Not declared": alpha, then a twentieth and a fortieth of it. "Declared": a third of alpha each.
    """
    trials = 300 if quick else 2000
    searches = {"7 prompts": SEVEN, "1 early prompt, 5 in all": ONE_EARLY}
    for name, rounds in searches.items():
        for delta, psi, n in ((0.1, 0.2, 125), (0.1, 0.05, 100), (0.05, 0.2, 450)):
            for truth in ("the last gains delta", "all equal"):
                false = truth != "all equal"
                means = (0.5,) * (len(rounds) - 1) + (0.5 + (delta if false else 0.0),)
                for how, alphas in HOW.items():
                    world = World(means, rounds, n << (len(alphas) - 1), psi, 0.5)
                    setting: Setting = {
                        "truth": truth,
                        "search": name,
                        "delta": delta,
                        "psi": psi,
                        "n of the first look": n,
                        "looks": how,
                    }
                    yield Planned(
                        "gate-looks",
                        setting,
                        _extended(world, delta, alphas, false=false),
                        trials,
                        most=MOST if false and how != "not counted" else None,
                        note="a false plateau" if false else "a true plateau recognised",
                    )
