"""How often the gate is wrong on simulated searches whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from benchmarks.quality.gate_check import evidence_of, hold_against_gate
from benchmarks.quality.gate_claims import fewest_reaching
from benchmarks.quality.gate_pairs import means
from benchmarks.quality.gate_rules import Found, anchor_rule
from benchmarks.quality.gate_worlds import Kind, World, draw, plan
from evals.stats import one_sided_z, paired_counts
from tuning.gate.deciding import decide
from tuning.gate.evidence import Policy

SEVEN = plan(7, 3)


def searches(world: World, trials: int, seed: int = 0) -> np.ndarray:
    return np.concatenate(list(draw(world, trials, np.random.default_rng(seed))))


def test_ten_equal_prompts_on_100_cases_rarely_improve() -> None:
    world = World((0.6,) * 10, plan(10, 3), 100, 0.2, 0.6)
    found = [
        decide(evidence_of(world, scores), Policy(min_gain=0.05)) for scores in searches(world, 120)
    ]
    claimed = sum("improved" in d.sentence or "it still pays" in d.sentence for d in found)
    assert claimed <= 0.05 * len(found)


def test_no_difference_on_five_cases_is_never_flat() -> None:
    world = World((0.6,) * 7, SEVEN, 5, 0.0, 0.6)
    for scores in searches(world, 40):
        assert (scores == scores[0]).all()
        found = decide(evidence_of(world, scores), Policy(min_gain=0.05))
        assert not found.plateau
        assert found.verdict in {"fix_evals", "prompt_suffices"}


def test_one_point_of_true_gain_on_3000_cases_is_flat() -> None:
    world = World((0.6,) * 6 + (0.61,), SEVEN, 3000, 0.1, 0.6)
    found = [
        decide(evidence_of(world, scores), Policy(min_gain=0.05)) for scores in searches(world, 12)
    ]
    assert all(d.verdict == "fine_tune" for d in found)


@pytest.mark.parametrize("rounds", [(1, 2, 2, 3, 3), SEVEN])
@pytest.mark.parametrize("psi", [0.0, 0.2])
def test_a_prompt_that_gains_the_smallest_gain_seldom_opens_the_gate(
    rounds: tuple[int, ...], psi: float
) -> None:
    world = World((0.5,) * (len(rounds) - 1) + (0.6,), rounds, 100, psi, 0.5)
    found = anchor_rule(world, searches(world, 3000), 0.1, 0.05)
    assert found.plateau.mean() <= 0.055


def test_an_only_early_prompt_is_no_exception() -> None:
    z, rates = Policy(min_gain=0.1).flat_z(1), []
    for n in range(20, 300):
        wins = np.arange(n + 1)
        flat = [paired_counts(int(k), 0, n).below(0.1, z) for k in wins[: n // 4]]
        rates.append(float(binom.pmf(wins[: n // 4], n, 0.1) @ flat))
    assert max(rates) <= 0.055
    full = [paired_counts(k, 0, 25).below(0.1, one_sided_z(0.05)) for k in range(4)]
    assert full == [True, False, False, False]  # what alpha itself would do: 0.9^25 = 0.072


@pytest.mark.parametrize("kind", ["binary", "rare", "pareto", "u-shaped", "repeats"])
@pytest.mark.parametrize("clusters", [0, 30])
def test_the_simulated_rule_is_the_gates(kind: Kind, clusters: int) -> None:
    world = World((0.6,) * 6 + (0.7,), SEVEN, 150, 0.2, 0.6, clusters, kind)
    scores = searches(world, 12, seed=3)
    found = anchor_rule(world, scores, 0.1, 0.05)
    for index in range(len(scores)):
        one = Found(*(part[index:] for part in found))
        hold_against_gate(world, scores[index:], one, Policy(min_gain=0.1))


@pytest.mark.parametrize("kind", ["binary", "rare", "pareto", "u-shaped", "repeats"])
def test_worlds_have_the_means_they_state(kind: Kind) -> None:
    world = World((0.6, 0.7, 0.85), (1, 2, 3), 400, 0.3, 0.6, kind=kind)
    assert means(searches(world, 400)).mean(axis=0) == pytest.approx(world.means, abs=0.004)


def test_worlds_have_the_discordance_they_state() -> None:
    for base, psi in ((0.5, 0.4), (0.9, 0.05), (0.1, 0.0)):
        scores = searches(World((base, base), (1, 1), 500, psi, base), 400)
        assert (scores[:, 0] != scores[:, 1]).mean() == pytest.approx(psi, abs=0.005)


def test_models_just_below_the_target_seldom_reach_it() -> None:
    for n, models in ((30, 3), (100, 2), (100, 1)):
        fewest = fewest_reaching(0.5, n, 0.05 / models)
        one = float(binom.sf(fewest - 1, n, 0.499))
        assert 1 - (1 - one) ** models <= 0.05
