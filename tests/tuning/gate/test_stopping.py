"""Early stop: whom it stops, and that no verdict is ever easier to reach for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from evals.errors import NothingRunError, StatisticsError
from evals.stats import one_sided_z, paired_counts
from tests.tuning.gate.test_deciding import SOUND, judge, line, shifted, trial
from tuning.gate.deciding import decide
from tuning.gate.evidence import Arm, Evidence, Policy, Trial
from tuning.gate.stopping import leader_of, shown_worse, stopping_z

STAGE = 64


def on_stage(name: str, wins: int, losses: int, round_index: int = 3, n: int = STAGE) -> Trial:
    """A stopped trial: on the first `n` cases, of which the anchor has the first half right."""
    values = shifted(wins, losses, n, n // 2)
    return replace(trial(name, values, round_index), stopped=True)


def searched(*stopped: Trial, n: int = 256) -> tuple[Trial, ...]:
    """Six whole trials with the same scores, in three rounds (m = 3), and some stopped ones."""
    half = [1.0] * (STAGE // 2) + [0.0] * (STAGE // 2)
    scores = half * (n // STAGE)
    names = (("anchor", 1), ("w2", 1), ("w3", 1), ("f1", 2), ("f2", 2), ("n1", 3))
    return (*(trial(name, scores, index) for name, index in names), *stopped)


def test_a_stopped_candidate_is_flat_where_its_stage_shows_it_at_a_tenth_of_its_level() -> None:
    found = judge(searched(on_stage("n2", 0, 14)), early_stop=True)
    assert found.verdict == "fine_tune"
    n2, n1 = line(found, "n2"), line(found, "n1")
    z = one_sided_z(0.1 * 0.05 / 3)
    assert n2.versus_anchor is not None
    assert n2.versus_anchor.high == pytest.approx(paired_counts(0, 14, STAGE).upper(z))
    assert (n2.stopped, n2.cases, n2.flat, n2.improved) == (True, STAGE, True, False)
    assert n1.versus_anchor is not None
    assert n1.versus_anchor.high == pytest.approx(
        paired_counts(0, 0, 256).upper(one_sided_z(0.9 * 0.05 / 3))
    )
    assert "Stopped early, and flat on 64 of 256 cases: 1." in found.sentence


def test_it_is_not_flat_on_stage_one_where_only_the_whole_level_would_say_so() -> None:
    """(3, 6, 64): U is below δ at α/m and at 0.9 α/m, and not at 0.1 α/m."""
    pair = paired_counts(3, 6, STAGE)
    assert pair.upper(one_sided_z(0.9 * 0.05 / 3)) < 0.10 < pair.upper(one_sided_z(0.005 / 3))
    found = judge(searched(on_stage("n2", 3, 6)), early_stop=True)
    assert not line(found, "n2").flat
    assert not found.plateau
    assert found.verdict == "prompt_more"
    assert any("'n2' was stopped early" in step for step in found.next_steps)
    assert any("on those 64 cases" in step for step in found.next_steps)


def test_a_tie_on_stage_one_is_never_enough_however_hopeless_the_rest_would_be() -> None:
    found = judge(searched(on_stage("n2", 0, 0)), 0.05, early_stop=True)
    assert not line(found, "n2").flat


def test_whole_candidates_pay_for_early_stop_with_a_tenth_of_their_level() -> None:
    """(30, 20, 256) has U just below δ at α/m, and just above it at 0.9 α/m."""
    anchor = {f"c{i:05d}": float(i < 128) for i in range(256)}
    others = tuple(replace(t, arm=Arm(t.arm.run_id, anchor)) for t in searched())
    trials = (*others, trial("n2", shifted(30, 20, 256, 128), 3))
    assert judge(trials).plateau
    assert not judge(trials, early_stop=True).plateau


def test_a_stopped_candidate_neither_leads_nor_anchors_nor_improves_nor_ranks_with_the_whole() -> (
    None
):
    great = replace(trial("great", [1.0] * STAGE, 1), stopped=True)
    best = replace(trial("best", [1.0] * STAGE, 3), stopped=True)
    found = judge(searched(great, best), early_stop=True)
    assert (found.leader, found.anchor) == ("anchor", "anchor")
    assert not any(t.improved for t in found.trials)
    assert {t.run_id for t in found.trials[-2:]} == {"great", "best"}
    assert "great" not in found.provisional
    assert found.verdict == "prompt_more"


def test_stopped_candidates_count_in_m_in_the_number_tried_and_as_effort() -> None:
    early = on_stage("w4", 0, 20, 1)
    found = judge(searched(early, on_stage("n2", 0, 20)), early_stop=True)
    n2 = line(found, "n2").versus_anchor
    assert n2 is not None
    assert n2.high == pytest.approx(
        paired_counts(0, 20, STAGE).upper(one_sided_z(0.1 * 0.05 / 4))  # three whole, one stopped
    )
    assert found.plateau
    assert not judge(searched(), early_stop=True).plateau  # the last round tried one only


def test_stopped_candidates_must_all_be_of_the_same_part_of_the_same_cases() -> None:
    other = replace(trial("n3", [0.0] * (STAGE - 1), 3), stopped=True)
    with pytest.raises(StatisticsError, match="not over the same cases"):
        judge(searched(on_stage("n2", 0, 20), other), early_stop=True)
    strange = Trial(Arm("n4", {"elsewhere": 0.0}), "n4", 3, "nearest", 1.0, stopped=True)
    with pytest.raises(StatisticsError, match="has cases that others do not"):
        judge(searched(strange), early_stop=True)
    with pytest.raises(StatisticsError, match="the policy does not allow for"):
        judge(searched(on_stage("n2", 0, 20)))
    with pytest.raises(NothingRunError):
        judge((on_stage("n2", 0, 20),), early_stop=True)


def test_too_few_clusters_in_stage_one_show_nothing() -> None:
    clusters = {f"c{i:05d}": f"g{i % 8}" for i in range(STAGE)}
    found = judge(searched(on_stage("n2", 0, 30)), early_stop=True, clusters=clusters)
    assert not line(found, "n2").flat
    first, leader = on_stage("n2", 0, 30).arm, searched()[0].arm
    assert shown_worse(first, leader, clusters, 2.9) is None
    assert shown_worse(first, leader, {}, 2.9) is not None


@pytest.mark.parametrize(("losses", "stops"), [(0, False), (8, False), (9, True), (20, True)])
def test_a_candidate_is_stopped_only_where_it_is_shown_to_be_worse(
    losses: int, stops: bool
) -> None:
    z = stopping_z(Policy(early_stop=True), [3, 2, 2])
    assert z == one_sided_z(0.1 * 0.05 / 3)
    assert (paired_counts(0, losses, STAGE).upper(z) < 0) is stops  # the same by the formula
    leader = searched()[0].arm
    found = shown_worse(on_stage("n2", 0, losses).arm, leader, {}, z)
    assert (found is not None) is stops


def test_errors_count_for_a_candidate_before_it_is_stopped() -> None:
    z = stopping_z(Policy(early_stop=True), [3, 2, 2])
    leader, hopeless = searched()[0].arm, on_stage("n2", 0, 10).arm
    failed = tuple(list(hopeless.scores)[-3:])  # the leader has them wrong
    assert shown_worse(hopeless, leader, {}, z) is not None
    assert paired_counts(0, 10, STAGE - 3).upper(z) < 0
    scores = {case: score for case, score in hopeless.scores.items() if case not in failed}
    assert shown_worse(replace(hopeless, scores=scores, errors=failed), leader, {}, z) is None
    broken = tuple(list(hopeless.scores)[:10])
    rest = {case: 0.0 for case in hopeless.scores if case not in broken}
    assert shown_worse(Arm("n2", rest, broken), leader, {}, z) is None  # more than 5 % errors


def test_the_leader_of_the_moment_is_the_best_whole_usable_candidate() -> None:
    low, high = trial("low", [0.0, 1.0], 1), trial("high", [1.0, 1.0], 1)
    assert leader_of([]) is None
    assert leader_of([low, replace(high, stopped=True)]) == low
    assert leader_of([low, high]) == high
    assert leader_of([high, replace(high, label="short", prompt_tokens=1.0)]).label == "short"  # type: ignore[union-attr]
    broken = trial("broken", [1.0, 1.0], 1, errors=(0,))
    assert leader_of([low, broken]) == low


# --- simulations -----------------------------------------------------------------------------


def simulated(rng: np.random.Generator, gains: Sequence[float], policy: Policy, n: int) -> bool:
    """Whether the gate opens in a search whose candidates truly gain so much on a base of 0.5.

    Three candidates, then two, then two. Early stop as the search does it.
    """
    case = rng.random(n)
    first = n // 4
    z = stopping_z(policy, [3, 2, 2])
    trials: list[Trial] = []
    for number, gain in enumerate(gains):
        index = (1, 1, 1, 2, 2, 3, 3)[number]
        own = np.where(rng.random(n) < 0.3, rng.random(n), case)  # shares most of its luck
        made = trial(f"t{number}", (own < 0.5 + gain).astype(float), index)
        leader = leader_of(trials)
        if policy.early_stop and leader is not None:
            stage = made.arm.within({f"c{i:05d}" for i in range(first)})
            if shown_worse(stage, leader.arm, {}, z) is not None:
                made = replace(made, arm=stage, stopped=True)
        trials.append(made)
    return decide(Evidence(tuple(trials), 300, soundness=SOUND), policy).open


def test_the_gate_opens_falsely_no_more_often_than_alpha_where_one_candidate_gains_delta() -> None:
    rng = np.random.default_rng(7)
    gains = (-0.4, 0.0, -0.4, 0.10, -0.4, -0.4, -0.4)
    policy = Policy(early_stop=True)
    opened = sum(simulated(rng, gains, policy, 240) for _ in range(150))
    assert opened <= 0.05 * 150 + 2 * (150 * 0.05 * 0.95) ** 0.5


def test_a_true_plateau_with_hopeless_candidates_opens_the_gate_as_it_does_without() -> None:
    gains = (0.0, -0.4, -0.4, 0.0, -0.4, 0.0, -0.4)
    opened = {}
    for early in (False, True):
        rng = np.random.default_rng(8)
        policy = Policy(early_stop=early)
        opened[early] = sum(simulated(rng, gains, policy, 400) for _ in range(40))
    assert opened[False] > 25
    assert abs(opened[True] - opened[False]) <= 4
