from __future__ import annotations

from fractions import Fraction

import pytest

from evals.errors import TrainingError
from evals.suite.spec import SweepSpec
from tuning.sweeping.halving import climb
from tuning.sweeping.planning import Plan, Rung, plan_sweep, rungs_for
from tuning.sweeping.records import StoredTrial, Trial
from tuning.sweeping.space import Settings, others

DEFAULT = Settings(2e-3, 16, 2.0)
THIRD = Fraction(1, 3)


def cost(settings: Settings, share: Fraction) -> int:
    """As many examples as are passed over, of 270."""
    return round(270 * share * settings.epochs)


def planned(budget: int, examples: int = 270) -> Plan:
    return plan_sweep(others(SweepSpec(), DEFAULT), DEFAULT, examples, budget, cost)


@pytest.mark.parametrize(
    ("tried", "examples", "expected"),
    [
        (1, 1000, [(1, 1)]),
        (2, 1000, [(2, 1)]),
        (3, 1000, [(3, THIRD), (1, 1)]),
        (8, 1000, [(8, THIRD), (3, 1)]),
        (9, 1000, [(9, THIRD**2), (3, THIRD), (1, 1)]),
        (20, 1000, [(20, THIRD**2), (7, THIRD), (3, 1)]),
        (20, 143, [(20, 1)]),  # a third would be 47 examples
        (20, 144, [(20, THIRD), (7, 1)]),
    ],
)
def test_one_in_three_goes_on_to_three_times_the_examples(
    tried: int, examples: int, expected: list[tuple[int, Fraction]]
) -> None:
    assert list(rungs_for(tried, examples)) == [Rung(n, Fraction(s)) for n, s in expected]


@pytest.mark.parametrize("budget", [1_700, 3_000, 5_000, 20_000])
def test_whoever_goes_on_the_budget_is_kept(budget: int) -> None:
    plan = planned(budget)
    by_cost = sorted(plan.contenders, key=lambda one: -one.epochs)
    seen = cost(DEFAULT, Fraction(1))
    for rung in plan.rungs:  # as if the costliest always went on
        seen += sum(cost(one, rung.share) for one in by_cost[: rung.tried])
    assert seen == plan.planned <= budget


def test_a_larger_budget_tries_more_of_the_same_order() -> None:
    small, large = planned(3_000), planned(20_000)
    assert 0 < len(small.contenders) < len(large.contenders)
    assert large.contenders[: len(small.contenders)] == small.contenders


def test_a_budget_for_nothing_is_refused_with_what_it_would_take() -> None:
    with pytest.raises(TrainingError, match=r"budget of 500 .*takes [0-9,]+"):
        planned(500)


def test_a_search_of_the_default_alone_is_refused() -> None:
    spec = SweepSpec(rank=(16,))
    with pytest.raises(TrainingError, match="nothing to try"):
        plan_sweep(others(spec, DEFAULT), DEFAULT, 270, 10**6, cost)


def test_without_lists_ranges_lie_around_the_default_which_is_not_drawn() -> None:
    drawn = others(SweepSpec(), DEFAULT)
    assert {one.learning_rate for one in drawn} == {5e-4, 1e-3, 2e-3, 4e-3}
    assert {one.rank for one in drawn} == {8, 16, 32}
    assert {one.epochs for one in drawn} == {1.0, 2.0, 4.0}
    assert DEFAULT not in drawn
    assert len(set(drawn)) == len(drawn) == 4 * 3 * 3 - 1


def test_with_a_list_only_that_is_searched() -> None:
    drawn = others(SweepSpec(learning_rate=(1e-3, 2e-3, 4e-3)), DEFAULT)
    assert set(drawn) == {Settings(1e-3, 16, 2.0), Settings(4e-3, 16, 2.0)}


def test_weights_without_a_rank_are_tried_without_one() -> None:
    drawn = others(SweepSpec(), Settings(2e-5, 0, 2.0))
    assert {one.rank for one in drawn} == {0}
    assert "rank" not in drawn[0].as_dict()


def test_the_seed_decides_the_order() -> None:
    first, again = others(SweepSpec(seed=1), DEFAULT), others(SweepSpec(seed=1), DEFAULT)
    assert first == again != others(SweepSpec(seed=2), DEFAULT)


def outcome(score: float | None, loss: float | None, failed: str = "") -> StoredTrial:
    return StoredTrial(Trial(1e-3, 8, 1.0, 0, 0, 0, 0.0, score=score, loss=loss, failed=failed))


def test_those_go_on_that_score_best_and_of_equals_those_of_the_lower_loss() -> None:
    contenders = [Settings(n * 1e-4, 8, 1.0) for n in range(1, 10)]
    found = {
        1: outcome(0.2, 1.0),
        2: outcome(0.5, 1.0),
        3: outcome(0.9, 5.0),  # the best score, whatever the loss
        4: outcome(0.5, 0.5),
        5: outcome(None, None, "it diverged"),
        6: outcome(0.5, 0.5),  # as good as the fourth, which came earlier
        7: outcome(0.5, 0.4),
        8: outcome(0.1, 0.1),
        9: outcome(0.0, 0.0),
    }
    asked: list[tuple[int, list[int]]] = []

    def run(settings: Settings, number: int, _rung: Rung) -> StoredTrial:
        which = round(settings.learning_rate * 1e4)
        if not asked or asked[-1][0] != number:
            asked.append((number, []))
        asked[-1][1].append(which)
        return found[which]

    rungs = (Rung(9, THIRD**2), Rung(3, THIRD), Rung(1, Fraction(1)))
    climbed = climb(contenders, rungs, run)
    assert asked == [(1, list(range(1, 10))), (2, [3, 4, 7]), (3, [3])]
    assert [settings.learning_rate for settings, _ in climbed.last] == [pytest.approx(3e-4)]
    assert len(climbed.trials) == 13
    assert [one.trial.went_on for one in climbed.trials[:9]].count(True) == 3
    assert not climbed.trials[-1].trial.went_on


def test_a_training_that_failed_goes_on_only_where_all_did() -> None:
    contenders = [Settings(n * 1e-4, 8, 1.0) for n in range(1, 4)]
    rungs = (Rung(3, THIRD), Rung(1, Fraction(1)))
    one_is_whole = climb(
        contenders,
        rungs,
        lambda settings, *_: (
            outcome(0.0, 9.0) if settings == contenders[2] else outcome(None, None, "it diverged")
        ),
    )
    assert one_is_whole.last[0][0] == contenders[2]
    none = climb(contenders, rungs, lambda *_: outcome(None, None, "it diverged"))
    assert none.last[0][0] == contenders[0]
