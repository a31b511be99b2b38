"""How often the gate's other claims are false: a target reached, retrieval, a stronger model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from scipy.stats import binom

from benchmarks.quality.cells import Count, Planned, Setting
from benchmarks.quality.gate_check import evidence_of
from benchmarks.quality.gate_counting import ALPHA, Question, counting
from benchmarks.quality.gate_pairs import Flags, leaders, means, pairs
from benchmarks.quality.gate_worlds import Scores, World, plan
from evals.stats import exact_bounds, one_sided_z
from evals.stats.sample import Clustering
from tuning.gate.evidence import Arm
from tuning.gate.sample import Sample

SIZES = (30, 100, 300, 1000, 2000)
ROUNDS = {5: (1, 2, 2, 3, 3), 10: plan(10, 3), 20: plan(20, 5)}
INDEPENDENT = 1.0
"""A discordance that no two prompts exceed: they share nothing, which is the worst for a maximum"""


def certain(successes: int, n: int, alpha: float) -> float:
    """What the gate holds to be certain of a prompt with so many of n cases right."""
    scores = {f"c{index:06d}": float(index < successes) for index in range(n)}
    arm = Arm("run", scores)
    bounds = Sample([arm], {}).bounds(arm, 1 - 2 * alpha)
    assert bounds is not None
    return bounds.low


def fewest_reaching(target: float, n: int, alpha: float) -> int:
    """The fewest right cases with which `target` counts as reached; n + 1 where none do."""
    low, high = 0, n + 1
    while low < high:
        middle = (low + high) // 2
        if middle <= n and certain(middle, n, alpha) < target:
            low = middle + 1
        else:
            high = middle
    return low


def _any_reaches(truth: float, target: float, n: int, alpha: float, arms: int) -> Count:
    """The exact chance that one of `arms` independent ones is said to reach the target."""

    def exact(_: np.random.Generator, __: int) -> float:
        one = float(binom.sf(fewest_reaching(target, n, alpha) - 1, n, truth))
        return float(-np.expm1(arms * np.log1p(-one)))

    return exact


def target_claimed(quick: bool) -> Iterator[Planned]:
    """`prompt_suffices` though every prompt is truly below the target, or has room for delta.

    All prompts have one true score, and share no luck: the worst case for their maximum. Exact,
    each prompt's right cases being binomial.
    """
    sizes = (30, 300) if quick else SIZES
    for count in ROUNDS:
        for target in (0.5, 0.8, 0.9, 0.95, 0.98):
            for below in (0.001, 0.02):
                for n in sizes:
                    setting: Setting = {
                        "prompts": count,
                        "target": target,
                        "true score": round(target - below, 3),
                        "n": n,
                    }
                    chance = _any_reaches(target - below, target, n, ALPHA / count, count)
                    yield Planned("gate-target", setting, chance, 0, most=ALPHA)


def target_claimed_clusters(quick: bool) -> Iterator[Planned]:
    """The same with clusters, and with graded scores: all prompts truly 0.001 below the target."""
    trials = 100 if quick else 1000
    for count in (5, 10):
        rounds = ROUNDS[count]
        for target in (0.5, 0.9, 0.97):
            for clusters, kind in ((20, "binary"), (50, "binary"), (0, "u-shaped"), (0, "pareto")):
                for n in (100, 300, 1000):
                    world = World(
                        (target - 0.001,) * count,
                        rounds,
                        n,
                        INDEPENDENT,
                        target - 0.001,
                        clusters,
                        kind,  # type: ignore[arg-type]  # of the literals above
                    )
                    setting: Setting = {
                        "prompts": count,
                        "scores": kind,
                        "clusters": clusters or "none",
                        "target": target,
                        "n": n,
                    }
                    ask = _leader_reaches(target, ALPHA / count)
                    yield Planned(
                        "gate-target-clusters", setting, counting(world, ask), trials, most=ALPHA
                    )


def _leader_reaches(target: float, alpha: float) -> Question:
    """Whether the gate's bound of each search's leader reaches the target."""

    def question(world: World, scores: Scores) -> Flags:
        best = leaders(means(scores), np.ones(len(world.means), dtype=np.bool_))
        names: list[str | None] = [None] * world.n
        if world.clusters:
            names = [f"k{code}" for code in np.repeat(np.arange(world.clusters), world.sizes())]
        clusters = Clustering.of(names)
        found = [
            exact_bounds(trial[leader].astype(float), clusters, alpha)[0] >= target
            for trial, leader in zip(scores, best, strict=True)
        ]
        _hold_against_gate(world, scores[0][best[0]], alpha, said=found[0], target=target)
        return np.array(found)

    return question


def _hold_against_gate(
    world: World, leader: Scores, alpha: float, *, said: bool, target: float
) -> None:
    evidence = evidence_of(replace(world, means=world.means[:1], rounds=(1,)), leader[None])
    arm = evidence.trials[0].arm
    bounds = Sample([arm], evidence.clusters).bounds(arm, 1 - 2 * alpha)
    assert bounds is not None
    assert (bounds.low >= target) == said, f"{world}: the gate is certain of {bounds.low}"


def stronger_claimed(quick: bool) -> Iterator[Planned]:
    """`try_stronger_model` though every other model is truly 0.001 below the target. Exact.

    With a prompt that was chosen from 7, for which the gate's bound allows.
    """
    sizes = (30, 300) if quick else SIZES
    for count in (1, 2, 3):
        for target in (0.5, 0.8, 0.9, 0.95, 0.98):
            for n in sizes:
                setting: Setting = {"models": count, "target": target, "n": n}
                chance = _any_reaches(target - 0.001, target, n, ALPHA / (7 * count), count)
                yield Planned("gate-stronger", setting, chance, 0, most=ALPHA)


def retrieval_claimed(quick: bool) -> Iterator[Planned]:
    """`use_retrieval`, given a plateau, by what the oracle's documents truly gain on every prompt.

    Promised where they gain nothing. At exactly delta the estimate reaches it every second time.
    """
    trials = 300 if quick else 2000
    for truth, share in (
        ("nothing", 0.0),
        ("half of delta", 0.5),
        ("delta", 1.0),
        ("2 delta", 2.0),
    ):
        for delta, base, psi in ((0.05, 0.5, 0.2), (0.1, 0.5, 0.3), (0.1, 0.1, 0.1)):
            for n in (30, 100, 300, 1000):
                means_of = (base,) * 7 + (base + share * delta,)
                world = World(means_of, (*plan(7, 3), 3), n, psi, base)
                setting: Setting = {
                    "truly gained": truth,
                    "delta": delta,
                    "base": base,
                    "psi": psi,
                    "n": n,
                }
                yield Planned(
                    "gate-retrieval",
                    setting,
                    counting(world, _retrieval(delta)),
                    trials,
                    most=ALPHA if share == 0.0 else None,
                )


def _retrieval(delta: float) -> Question:
    """Whether the last candidate, which is the oracle's, gains enough on the best of the others."""

    def question(world: World, scores: Scores) -> Flags:
        others = np.arange(len(world.means)) < len(world.means) - 1
        pair = pairs(world, scores, leaders(means(scores), others))
        shown = pair.above(0.0, one_sided_z(ALPHA)) & (pair.estimate >= delta - 1e-12)
        return np.asarray(shown[:, -1])

    return question
