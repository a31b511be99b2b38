"""The anchor rule beside rules that are simpler or stronger, on the same worlds."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.quality.cells import Planned, Setting
from benchmarks.quality.gate_counting import counting, falsely_open, plateau, rule_question
from benchmarks.quality.gate_open import SEARCHES
from benchmarks.quality.gate_rules import RULES
from benchmarks.quality.gate_worlds import World, plan

# Name of a plateau to its rounds and to how much later prompts differ in true mean.
PLATEAUS = {
    "5 equal": ((1, 2, 2, 3, 3), 0.0),
    "7 equal": (plan(7, 3), 0.0),
    "20 equal": (plan(20, 5), 0.0),
    "7, the late ones a quarter of delta better": (plan(7, 3), 0.25),
    "7, the late ones half of delta worse": (plan(7, 3), -0.5),
}
POINTS = ((0.05, 0.2, 900), (0.1, 0.2, 250), (0.1, 0.05, 100))


def rival_rules(quick: bool) -> Iterator[Planned]:
    """False plateaus and recognised plateaus by rule, for rules the anchor rule was chosen from.

    A plateau is false where some tried prompt truly gains delta on the best early one. Nothing
    is promised of the other rules. "Uncorrected": flat at alpha. "Corrected for all tried": at
    alpha/(M-1). "max-T": the bound of the largest of m statistics that correlate at 1/2. "Only the
    best late prompt": no other has to be flat. "Leader over all": against the best of all
    prompts. "Last incumbent": each of the last two rounds against the best before it.
    """
    trials = 200 if quick else 1000
    for name, rule in RULES.items():
        for search, (rounds, means) in SEARCHES.items():
            for delta, psi, n in POINTS:
                world = World(means(0.5, delta), rounds, n, psi, 0.5)
                setting: Setting = {"truth": search, "delta": delta, "psi": psi, "n": n}
                setting = {**setting, "rule": name}
                ask = rule_question(rule, delta, falsely_open(delta))
                yield Planned("gate-rivals", setting, counting(world, ask), trials)


def rival_power(quick: bool) -> Iterator[Planned]:
    """True plateaus recognised by the same rules."""
    trials = 200 if quick else 1000
    for name, rule in RULES.items():
        for truth, (rounds, later) in PLATEAUS.items():
            for delta, psi, n in POINTS:
                means = tuple(
                    0.5 + (later * delta if tried > max(rounds) - 2 else 0.0) for tried in rounds
                )
                world = World(means, rounds, n, psi, 0.5)
                setting: Setting = {"truth": truth, "delta": delta, "psi": psi, "n": n}
                setting = {**setting, "rule": name}
                ask = rule_question(rule, delta, plateau)
                yield Planned("gate-rivals-power", setting, counting(world, ask), trials)
