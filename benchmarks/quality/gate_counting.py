"""From a world and a question to a planned cell: how many of so many searches say yes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.quality.cells import Count
from benchmarks.quality.gate_check import hold_against_gate
from benchmarks.quality.gate_pairs import Flags
from benchmarks.quality.gate_rules import Found, Rule, anchor_rule
from benchmarks.quality.gate_worlds import Scores, World, draw
from tuning.gate.evidence import Policy

Question = Callable[[World, Scores], Flags]
"""The scores of many searches to a yes or no for each, shape (trials,)."""

Check = Callable[[World, Scores], None]

ALPHA = 0.05


def counting(world: World, question: Question, check: Check | None = None) -> Count:
    """How many of the searches drawn in `world` answer yes; `check` sees the first batch."""

    def count(rng: np.random.Generator, trials: int) -> float:
        total = 0
        for index, scores in enumerate(draw(world, trials, rng)):
            if check is not None and index == 0:
                check(world, scores)
            total += int(question(world, scores).sum())
        return float(total)

    return count


def counting_gate(world: World, delta: float, ask: Callable[[World, Found], Flags]) -> Count:
    """How often the gate's rule answers yes; the first search is decided by the gate itself."""
    policy = Policy(min_gain=delta, alpha=ALPHA)

    def check(world: World, scores: Scores) -> None:
        found = anchor_rule(world, scores[:1], delta, policy.look_alpha)
        hold_against_gate(world, scores, found, policy)

    return counting(world, rule_question(anchor_rule, delta, ask), check)


def rule_question(rule: Rule, delta: float, ask: Callable[[World, Found], Flags]) -> Question:
    """What some rule finds, asked."""
    return lambda world, scores: ask(world, rule(world, scores, delta, ALPHA))


def falsely_open(delta: float) -> Callable[[World, Found], Flags]:
    """Whether a plateau is declared though some tried prompt truly gains delta on the reference."""

    def ask(world: World, found: Found) -> Flags:
        truth = np.array(world.means)
        gains = truth.max() >= truth[found.reference] + delta - 1e-9
        return np.asarray(found.plateau & gains)

    return ask


def plateau(_: World, found: Found) -> Flags:
    """Whether a plateau is declared."""
    return found.plateau


def improved(_: World, found: Found) -> Flags:
    """Whether a late prompt is said to be better than the anchor."""
    return found.improved
