"""Early stop: whether the gate's error rate stays, what it saves, and what power it costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from benchmarks.quality.cells import Count, Planned, Setting
from benchmarks.quality.gate_check import evidence_of
from benchmarks.quality.gate_counting import ALPHA, counting_gate, falsely_open, plateau
from benchmarks.quality.gate_open import MOST, SEARCHES
from benchmarks.quality.gate_pairs import Flags, Floats, Places, leaders, means, pairs
from benchmarks.quality.gate_rules import Found
from benchmarks.quality.gate_worlds import Scores, World, draw, plan
from evals.stats import one_sided_z
from tuning.gate.deciding import decide
from tuning.gate.evidence import Policy

STAGE = 4
"""Stage one is the first of so many parts of dev; the suites' own is drawn by a hash."""


class Stopped(NamedTuple):
    """What is found with early stop, and which candidates were run on all of dev."""

    found: Found
    whole: Flags


def run_with_early_stop(world: World, scores: Scores, policy: Policy) -> Stopped:
    """As `tunegate run` does: each candidate on stage one, on the rest unless it is hopeless.

    Whoever was stopped and is all that stands between the search and a plateau is run on the
    rest at the end.
    """
    score, every = means(scores), np.arange(len(scores))
    first, part = replace(world, n=world.n // STAGE), scores[:, :, : world.n // STAGE]
    z = policy.flat_z(int(world.early.sum()), stopped=True)
    whole = np.ones(score.shape, dtype=np.bool_)
    leader = np.zeros(len(scores), dtype=np.int64)
    for index in range(1, len(world.means)):
        two = np.stack([part[every, leader], part[:, index]], axis=1)
        worse = pairs(first, two, np.zeros(len(scores), dtype=np.int64)).below(0.0, z)[:, 1]
        whole[:, index] = ~worse
        leads = ~worse & (score[:, index] > score[every, leader])
        leader = np.where(leads, index, leader)
    while True:
        found, flat = _judge(world, scores, policy, whole, score)
        only_stopped = np.asarray((flat | ~whole).all(axis=1))
        unsettled = ~whole & ~flat & only_stopped[:, None]
        if not unsettled.any():
            return Stopped(found, whole)
        whole |= unsettled


def _judge(
    world: World, scores: Scores, policy: Policy, whole: Flags, score: Floats
) -> tuple[Found, Flags]:
    m = int(world.early.sum())
    anchor = leaders(score, whole & world.early)
    pair = pairs(world, scores, anchor)
    first = replace(world, n=world.n // STAGE)
    on_stage = pairs(first, scores[:, :, : first.n], anchor)
    flat = np.where(
        whole,
        pair.below(policy.min_gain, policy.flat_z(m)),
        on_stage.below(policy.min_gain, policy.flat_z(m, stopped=True)),
    )
    flat = np.asarray(flat | (np.arange(len(world.means)) == anchor[:, None]))
    z_improve = one_sided_z(policy.look_alpha / (len(world.means) - 1))
    better = np.asarray((pair.above(0.0, z_improve) & whole & ~world.early).any(axis=1))
    return Found(np.asarray(flat.all(axis=1)), anchor, better), flat


def hold_against_gate(world: World, scores: Scores, stopped: Stopped, policy: Policy) -> None:
    """Decide the first search by the gate; raises AssertionError where it says otherwise."""
    evidence = evidence_of(world, scores[0])
    first = frozenset(f"c{index:06d}" for index in range(world.n // STAGE))
    trials = tuple(
        trial if whole else replace(trial, arm=trial.arm.within(first), stopped=True)
        for trial, whole in zip(evidence.trials, stopped.whole[0], strict=True)
    )
    decision = decide(replace(evidence, trials=trials), policy)
    said = decision.plateau, decision.anchor, any(line.improved for line in decision.trials)
    found = stopped.found
    simulated = bool(found.plateau[0]), f"t{found.reference[0]:02d}", bool(found.improved[0])
    assert said == simulated, f"{world}: the gate says {said}, the simulation {simulated}"


Asked = Callable[[World, Stopped], Floats | Flags | Places]


def _counting(world: World, delta: float, ask: Asked) -> Count:
    policy = Policy(min_gain=delta, alpha=ALPHA, early_stop=True)

    def count(rng: np.random.Generator, trials: int) -> float:
        total = 0.0
        for index, scores in enumerate(draw(world, trials, rng)):
            stopped = run_with_early_stop(world, scores, policy)
            if index == 0:
                hold_against_gate(world, scores, stopped, policy)
            total += float(ask(world, stopped).sum())
        return total

    return count


def _saved(_: World, stopped: Stopped) -> Floats:
    """Share of all cases of a search that were not run."""
    return np.asarray((~stopped.whole).mean(axis=1) * (1 - 1 / STAGE))


def early_stop_falsely_open(quick: bool) -> Iterator[Planned]:
    """The gate opens though a tried prompt truly gains delta on the anchor, with early stop on."""
    trials = 200 if quick else 1200
    for name, search in SEARCHES.items():
        for delta, base, psi in ((0.1, 0.5, 0.2), (0.1, 0.5, 0.05), (0.05, 0.5, 0.0)):
            for n in (200, 400, 1000):
                world = World(search.means(base, delta), search.rounds, n, psi, base)

                def ask(world: World, stopped: Stopped, delta: float = delta) -> Flags:
                    return falsely_open(delta)(world, stopped.found)

                setting: Setting = {"search": name, "delta": delta, "psi": psi, "n": n}
                yield Planned("gate-stop", setting, _counting(world, delta, ask), trials, most=MOST)


# How far the true means of a search of ten stand from the best of them.
FIELDS: Mapping[str, tuple[float, ...]] = {
    "all equal": (0.0,) * 10,
    "half 0.2 worse": (0.0, -0.2) * 5,
    "half 0.4 worse": (0.0, -0.4) * 5,
    "all but one of each round 0.4 worse": (0.0, -0.4, -0.4, -0.4) + (0.0, -0.4, -0.4) * 2,
}


def early_stop_pays(quick: bool) -> Iterator[Planned]:
    """Ten prompts in three rounds, delta 0.1: plateaus recognised without and with, cases saved.

    The best prompts are truly equal, so every search is a plateau. Saved is the share of all cases
    of all prompts that were not run.
    """
    trials = 200 if quick else 1000
    for name, field in FIELDS.items():
        for psi, n in ((0.2, 250), (0.2, 500), (0.2, 1000), (0.05, 250)):
            world = World(tuple(0.5 + lower for lower in field), plan(10, 3), n, psi, 0.5)
            counts = {
                "plateau recognised without": counting_gate(world, 0.1, plateau),
                "plateau recognised with": _counting(world, 0.1, lambda _, s: s.found.plateau),
                "cases saved": _counting(world, 0.1, _saved),
            }
            for measured, count in counts.items():
                setting: Setting = {"prompts": name, "psi": psi, "n": n, "measured": measured}
                yield Planned("gate-stop-pays", setting, count, trials)
