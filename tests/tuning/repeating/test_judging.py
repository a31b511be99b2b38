"""Several trainings: what the others can keep from being shipped, and that they ship nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.errors import StatisticsError
from tuning.forgetting.records import Result, TextChange
from tuning.gate.evidence import Arm
from tuning.records import Interval, ShipDecision
from tuning.repeating.judging import Contender, judge_trainings
from tuning.repeating.training import HeldOut
from tuning.shipping.judging import CostRoute, Guard, judge_adapter

N = 250


def arm(name: str, scores: Any, errors: int = 0) -> Arm:
    cases = [f"c{i:04d}" for i in range(len(scores))]
    kept = dict(zip(cases[errors:], map(float, scores[errors:]), strict=True))
    return Arm(name, kept, tuple(cases[:errors]))


LEADER = arm("leader", [0.0] * 100 + [1.0] * (N - 100))


def gaining(seed: int, wins: int, losses: int = 10, *guards: Guard, errors: int = 0) -> Contender:
    """A training with so many wins and losses against the leader."""
    scores = [1.0] * wins + [0.0] * (100 - wins) + [1.0] * (N - 100 - losses) + [0.0] * losses
    return Contender(
        seed, f"adapter-{seed}", arm(f"run-{seed}", scores, errors), guards, HeldOut(1.0, "loss")
    )


def guard(losses: int, n: int = 120, name: str = "kept") -> Guard:
    return Guard(name, arm("base", [1.0] * n), arm("tuned", [0.0] * losses + [1.0] * (n - losses)))


def judge(*trainings: Contender, **options: Any) -> ShipDecision:
    return judge_trainings(LEADER, trainings, **({"min_gain": 0.1, "look": 1} | options))


def alone(training: Contender, **options: Any) -> ShipDecision:
    more = {"min_gain": 0.1, "look": 1} | options
    return judge_adapter(LEADER, training.after, training.guards, **more)


def test_three_trainings_alike_ship_the_first_and_say_what_a_training_gains() -> None:
    found = judge(gaining(1, 52), gaining(0, 50), gaining(2, 51))
    assert found.verdict == "ship_adapter"
    assert found.seeds is not None
    assert [line.seed for line in found.seeds.lines] == [0, 1, 2]
    assert found.seeds.chosen.seed == 1
    assert found.seeds.blocked == ()
    assert found.gain == alone(gaining(1, 52)).gain
    assert "the adapter of seed 1; over three seeds a training gains +16.4 points" in found.sentence
    assert "gain +16.0, +16.8 and +16.4 points" in found.reasons[-1]


def test_a_gain_that_other_seeds_do_not_show_is_not_shipped() -> None:
    found = judge(gaining(0, 60), gaining(1, 8), gaining(2, 12))
    assert alone(gaining(0, 60)).verdict == "ship_adapter"
    assert found.verdict == "inconclusive"
    assert found.sentence.startswith("Inconclusive: alone, the adapter of seed 0 would ship (+20.0")
    assert "one of three trainings gains the 10 points" in found.sentence
    assert "--seeds 5" in found.next_steps[0]
    assert found.cases_needed is None
    assert found.seeds is not None
    assert found.seeds.gain.low < 0 < found.seeds.gain_of_these.low
    assert found.seeds.spread_own > 0.1


def test_where_the_cases_leave_it_open_too_more_cases_are_asked_for() -> None:
    found = judge(gaining(0, 45), gaining(1, 10, 25), gaining(2, 8, 20))
    assert found.verdict == "inconclusive"
    assert found.next_steps[0].startswith("Add sealed cases")


def test_another_training_that_forgets_for_certain_keeps_the_adapter_back() -> None:
    good, forgets, unsettled = guard(2), guard(40), guard(9)
    found = judge(gaining(0, 52, 10, good), gaining(1, 50, 10, forgets), gaining(2, 51, 10, good))
    assert found.verdict == "inconclusive"
    assert "one of three trainings loses too much on a guard: seed 1 on kept" in found.sentence
    assert [line.result for line in found.guards] == ["pass"]
    open_only = judge(gaining(0, 52, 10, good), gaining(1, 50, 10, unsettled))
    assert open_only.seeds is not None
    assert open_only.seeds.lines[1].guards[0].result == "inconclusive"
    assert open_only.verdict == "ship_adapter"


def test_the_chosen_one_that_forgets_is_rejected_and_the_others_are_said() -> None:
    bad, good = guard(40), guard(2)
    found = judge(gaining(0, 52, 10, bad), gaining(1, 50, 10, good), gaining(2, 51, 10, good))
    assert found.verdict == "reject_adapter"
    assert found.sentence.startswith("Reject the adapter: whatever it gains")
    assert "one of three trainings loses too much on a guard" in found.sentence


def test_one_bad_training_beside_good_ones_rejects_nothing() -> None:
    found = judge(gaining(0, 52), gaining(1, 51), gaining(2, 0, 60), gaining(3, 50))
    assert found.verdict == "inconclusive"
    assert "three of four trainings gain" in found.sentence


def test_a_gain_that_is_implausible_of_a_training_at_random_is_not_shipped() -> None:
    found = judge(gaining(0, 26, 0), *(gaining(seed, 10, 0) for seed in range(1, 6)))
    assert alone(gaining(0, 26, 0)).verdict == "ship_adapter"
    assert found.verdict == "inconclusive"
    assert "may owe its gain to luck" in found.sentence
    assert found.next_steps[0].startswith("Change the training")


def test_errors_of_another_training_leave_nothing_to_claim() -> None:
    found = judge(gaining(0, 60), gaining(1, 60, errors=20), gaining(2, 60))
    assert found.verdict == "inconclusive"
    assert "ended in errors" in found.sentence


def test_too_few_clusters_claim_nothing_of_several_either() -> None:
    names = {f"c{i:04d}": f"group-{i % 5}" for i in range(N)}
    found = judge(gaining(0, 60), gaining(1, 60), clusters=names)
    assert found.verdict == "inconclusive"
    assert "clusters" in found.reasons[0]


def test_what_ships_for_cost_must_not_be_worse_for_certain_whatever_the_seed() -> None:
    cost = CostRoute(margin=0.05, break_even_met=True)
    near = [gaining(seed, 10, 10) for seed in range(3)]
    found = judge(*near, cost=cost, target=0.55)
    assert found.verdict == alone(near[0], cost=cost, target=0.55).verdict == "ship_adapter"
    worse = [near[0], gaining(1, 0, 45), gaining(2, 5, 30)]
    kept = judge(*worse, cost=cost, target=0.55)
    assert kept.verdict == "inconclusive"
    assert "worse by 5 points is not settled" in kept.sentence


def test_each_look_halves_the_alpha_of_both_claims() -> None:
    trainings = [gaining(0, 36), gaining(1, 40), gaining(2, 38)]
    bounds = [judge(*trainings, look=look).seeds.gain.low for look in (1, 2, 5)]  # type: ignore[union-attr]
    assert bounds == sorted(bounds, reverse=True)
    assert len(set(bounds)) == 3
    assert judge(*trainings, look=8).verdict == "inconclusive"


def test_one_training_is_not_several() -> None:
    with pytest.raises(StatisticsError, match="two trainings"):
        judge(gaining(0, 50))


def _drawn(seed: int, count: int) -> list[Contender]:
    rng = np.random.default_rng(seed)
    return [
        gaining(
            n,
            int(rng.integers(0, 100)),
            int(rng.integers(0, 60)),
            guard(int(rng.integers(0, 20))),
            errors=int(rng.integers(0, 16)),
        )
        for n in range(count)
    ]


@given(seed=st.integers(0, 2**31), count=st.integers(2, 5), look=st.integers(1, 4))
@settings(max_examples=40, deadline=None)
def test_other_trainings_only_ever_turn_a_ship_into_inconclusive(
    seed: int, count: int, look: int
) -> None:
    trainings = _drawn(seed, count)
    own, found = alone(trainings[0], look=look), judge(*trainings, look=look)
    assert found.seeds is not None
    if found.verdict != own.verdict:
        assert (own.verdict, found.verdict) == ("ship_adapter", "inconclusive")
        assert found.seeds.blocked
    assert (
        replace(
            found,
            verdict=own.verdict,
            sentence=own.sentence,
            reasons=own.reasons,
            seeds=None,
            next_steps=own.next_steps,
            cases_needed=own.cases_needed,
        )
        == own
    )
    shuffled = judge(trainings[0], *reversed(trainings[1:]), look=look)
    assert (shuffled.verdict, shuffled.sentence) == (found.verdict, found.sentence)


def rising(result: Result, rise: float) -> TextChange:
    """A change on neutral text that was held to 0.2."""
    bounds = Interval(rise, rise - 0.01, rise + 0.01)
    return TextChange(3.0, 3.0 + rise, bounds, 64, 6_000, "c", max_rise=0.2, result=result)


def test_a_limit_on_neutral_text_holds_of_the_other_trainings_as_a_guard_does() -> None:
    kept, lost = rising("pass", 0.1), rising("fail", 0.5)
    chosen, other = replace(gaining(0, 52), text=kept), gaining(1, 50)
    assert judge(chosen, replace(other, text=kept)).verdict == "ship_adapter"
    found = judge(chosen, replace(other, text=lost))
    assert found.verdict == "inconclusive"
    assert "one of two trainings loses too much on a guard: seed 1 on neutral text" in (
        found.sentence
    )
    assert found.seeds is not None
    assert [line.text for line in found.seeds.lines] == [kept, lost]
    settled = judge(chosen, replace(other, text=rising("inconclusive", 0.2)))
    assert settled.verdict == "ship_adapter"
