"""The fast simulated rule held against the gate itself: both must say the same."""

from __future__ import annotations

import numpy as np

from benchmarks.quality.gate_rules import Found
from benchmarks.quality.gate_worlds import Scores, World
from tuning.gate.deciding import decide
from tuning.gate.evidence import Arm, Evidence, Policy, Trial
from tuning.records import Decision


def evidence_of(world: World, scores: Scores) -> Evidence:
    """One simulated search, scores of shape (candidates, n), as the gate gets it."""
    names = [f"c{index:06d}" for index in range(world.n)]
    trials = tuple(
        Trial(
            Arm(f"t{index:02d}", dict(zip(names, row.astype(float).tolist(), strict=True))),
            f"prompt {index}",
            tried,
            f"family {tried}",
        )
        for index, (row, tried) in enumerate(zip(scores, world.rounds, strict=True))
    )
    clusters: dict[str, str | None] = {}
    if world.clusters:
        codes = np.repeat(np.arange(world.clusters), world.sizes())
        clusters = {name: f"k{code}" for name, code in zip(names, codes.tolist(), strict=True)}
    return Evidence(trials, clean_examples=1000, clusters=clusters)


def hold_against_gate(world: World, scores: Scores, found: Found, policy: Policy) -> Decision:
    """Decide the first trial by the gate; raises AssertionError where it says otherwise."""
    decision = decide(evidence_of(world, scores[0]), policy)
    said = (
        decision.plateau,
        decision.anchor,
        any(line.improved for line in decision.trials),
    )
    simulated = (bool(found.plateau[0]), f"t{found.reference[0]:02d}", bool(found.improved[0]))
    assert said == simulated, f"{world}: the gate says {said}, the simulation {simulated}"
    return decision
