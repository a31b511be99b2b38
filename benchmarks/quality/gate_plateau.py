"""How often the gate recognises a true plateau, and how often it takes noise for a gain."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import product

from benchmarks.quality.cells import Planned, Setting
from benchmarks.quality.gate_counting import ALPHA, counting_gate, improved, plateau
from benchmarks.quality.gate_worlds import Kind, World, plan
from evals.stats import DISCORDANCE, cases_for_plateau

LEAST = 0.8
ROUNDS = {5: (1, 2, 2, 3, 3), 7: plan(7, 3), 10: plan(10, 3), 20: plan(20, 5)}
# Discordance and a base rate at which two prompts differ that often.
POINTS = ((0.05, 0.9), (0.1, 0.1), (0.2, 0.5), (0.3, 0.5), (0.4, 0.5))
MANY = "reported: the promise is for 5 to 10 prompts"


# What true means look like, to how far each prompt's lies above the lowest, in deltas.
FIELDS: Mapping[str, Callable[[int, bool], float]] = {
    "equal": lambda _, __: 0.0,
    "spread over a quarter": lambda index, _: (index % 3) / 8,
    "late ones a quarter better": lambda _, late: late / 4,
}

WHY = {
    "equal": "of one early prompt there is no luck of the best that makes others look flat",
    "spread over a quarter": "what is truly gained is shown in three quarters of delta or less",
    "late ones a quarter better": "n is planned for equal prompts; to show that a quarter is not "
    "delta takes 1 / 0.75^2 = 1.8 times as many cases",
}
"""Why the promise may be missed."""


def plateau_at_planned_cases(quick: bool) -> Iterator[Planned]:
    """A true plateau is recognised at n = `cases_for_plateau(delta, psi)`, psi as it truly is.

    "Equal": all prompts have one true mean. "Spread over a quarter": theirs lie 0, 1/8 and 1/4 of
    delta above the lowest, in turn. "Late ones a quarter better": than every early one, so that
    three quarters of delta are left to show. The promise is for 5 to 10 prompts.
    """
    trials = 200 if quick else 1000
    for delta in (0.05, 0.1, 0.15):
        for psi, base in POINTS:
            n = cases_for_plateau(delta, psi)
            for (count, rounds), (name, above) in product(ROUNDS.items(), FIELDS.items()):
                means = tuple(
                    base + delta * above(index, tried > max(rounds) - 2)
                    for index, tried in enumerate(rounds)
                )
                setting: Setting = {
                    "delta": delta,
                    "psi": psi,
                    "base": base,
                    "n": n,
                    "true means": name,
                    "prompts": count,
                }
                world = World(means, rounds, n, psi, base)
                yield Planned(
                    "gate-plateau",
                    setting,
                    counting_gate(world, delta, plateau),
                    trials,
                    least=LEAST if count <= 10 else None,
                    note=WHY[name],
                )


def plateau_at_checked_cases(quick: bool) -> Iterator[Planned]:
    """A true plateau at the n that `tunegate check` prints: it knows no discordance and takes 0.2.

    All prompts are equal. Where they truly differ on more cases, the printed n is too few.
    """
    trials = 200 if quick else 1000
    for delta in (0.05, 0.1):
        n = cases_for_plateau(delta)
        for psi, base in POINTS:
            for count, rounds in ROUNDS.items():
                promised = count <= 10 and psi <= DISCORDANCE
                setting: Setting = {
                    "delta": delta,
                    "n": n,
                    "psi": psi,
                    "base": base,
                    "prompts": count,
                }
                yield Planned(
                    "gate-plateau-check",
                    setting,
                    counting_gate(World((base,) * count, rounds, n, psi, base), delta, plateau),
                    trials,
                    least=LEAST if promised else None,
                    note="" if promised else MANY if count > 10 else "more discordant than assumed",
                )


def noise_improves(quick: bool) -> Iterator[Planned]:
    """All prompts are truly equal, and some late one is said to be better than the anchor."""
    trials = 300 if quick else 2000
    for count, rounds in ROUNDS.items():
        for base, psi in ((0.02, 0.03), (0.1, 0.15), (0.5, 0.05), (0.5, 0.4), (0.9, 0.1)):
            yield from _noise(count, rounds, base, psi, (30, 100, 300, 1000), trials)
        yield from _noise(count, rounds, 0.5, 0.3, (300, 1000), trials, clusters=20)
        yield from _noise(count, rounds, 0.9, 0.1, (300, 1000), trials, clusters=50)
        for kind in ("rare", "pareto", "u-shaped", "repeats"):
            yield from _noise(count, rounds, 0.6, 0.3, (30, 100, 300), trials, kind=kind)


def _noise(
    count: int,
    rounds: tuple[int, ...],
    base: float,
    psi: float,
    sizes: Iterable[int],
    trials: int,
    clusters: int = 0,
    kind: Kind = "binary",
) -> Iterator[Planned]:
    for n in sizes:
        world = World((base,) * count, rounds, n, psi, base, clusters, kind)
        setting: Setting = {
            "prompts": count,
            "scores": kind,
            "clusters": clusters or "none",
            "base": base,
            "psi": psi,
            "n": n,
        }
        # delta plays no part in an improvement
        tried = counting_gate(world, 0.1, improved)
        yield Planned("gate-noise", setting, tried, trials, most=ALPHA)
