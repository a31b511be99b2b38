"""The rule of stronger models: bounds for every prompt and model, cost, what was not run."""

from __future__ import annotations

from dataclasses import replace

import pytest
from scipy.stats import norm

from tests.tuning.gate.test_deciding import arm, judge, search
from tuning.gate.evidence import StrongerModel
from tuning.records import Decision, RuleLine

N, TRIALS = 250, 7


def large(right: int, name: str = "large", **options: object) -> StrongerModel:
    values = [1.0] * right + [0.0] * (N - right)
    return StrongerModel(name, arm(name, values), **options)  # type: ignore[arg-type]


def asked(*models: StrongerModel, target: float | None = 0.9, **options: object) -> Decision:
    return judge(search(0, 0, N, 60), target=target, stronger_models=models, **options)


def rule(decision: Decision) -> RuleLine:
    return next(line for line in decision.rules if line.verdict == "try_stronger_model")


def wilson_low(right: int, n: int, alpha: float) -> float:
    """Wilson's lower bound by its formula, apart from the code under test."""
    z, p = norm.ppf(1 - alpha), right / n
    half = z * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5
    return float((p + z * z / (2 * n) - half) / (1 + z * z / n))


@pytest.mark.parametrize("models", [1, 2, 3])
def test_the_bound_allows_for_every_prompt_and_every_model_named(models: int) -> None:
    others = [StrongerModel(f"other{n}", None) for n in range(models - 1)]
    found = asked(large(238), *others)
    low = wilson_low(238, N, 0.05 / (TRIALS * models))
    assert found.stronger[0].certain == pytest.approx(low, abs=1e-9)
    for target, verdict in ((low - 1e-6, "try_stronger_model"), (low + 1e-6, "fine_tune")):
        assert asked(large(238), *others, target=target).verdict == verdict


def test_a_bound_that_forgot_the_prompts_would_have_claimed_more() -> None:
    between = (wilson_low(238, N, 0.05 / TRIALS) + wilson_low(238, N, 0.05)) / 2
    assert asked(large(238), target=between).verdict == "fine_tune"


def test_the_line_shows_the_paired_difference_to_the_leader() -> None:
    (line,) = asked(large(240)).stronger
    assert line.difference is not None
    assert line.difference.estimate == pytest.approx(180 / N)
    assert line.difference.low < 180 / N < line.difference.high
    assert (line.cases, line.errors, line.run_id) == (N, 0, "large")
    said = rule(asked(large(240))).evidence
    assert "'large' reaches the target by prompt" in said
    assert "+72.0 points against the model judged here" in said
    assert "allows for the 7 prompts tried" in said


def test_what_is_too_dear_is_not_advised_and_the_line_says_by_how_much() -> None:
    dear = large(245, cost=7.25, max_cost=5.0, currency="EUR")
    found = asked(dear)
    assert found.verdict == "fine_tune"
    assert rule(found).status == "does_not_apply"
    assert (
        "1,000 calls cost 7.25 EUR, 2.25 EUR more than the 5.00 EUR that is accepted"
        in rule(found).evidence
    )
    assert asked(replace(dear, cost=5.0)).verdict == "try_stronger_model"
    assert not found.stronger[0].suffices
    assert found.stronger[0].reaches


def test_an_unknown_cost_is_not_an_accepted_one_and_the_price_is_asked_for() -> None:
    found = asked(large(245, max_cost=5.0))
    assert found.verdict == "fine_tune"
    assert "what 1,000 calls cost is not known" in rule(found).evidence
    assert any("write its price into the list of prices" in step for step in found.next_steps)
    free = asked(large(245))
    assert free.verdict == "try_stronger_model"
    assert "its cost is not judged: the suite states no operation.max_cost" in free.sentence


def test_one_that_is_cheap_enough_suffices_beside_one_that_is_too_dear() -> None:
    dear = large(248, "dear", cost=9.0, max_cost=5.0)
    fair = large(244, "fair", cost=4.0, max_cost=5.0)
    found = asked(dear, fair, target=0.9)
    assert found.verdict == "try_stronger_model"
    assert found.sentence.startswith("Try a stronger model: 'fair' reaches the target by prompt.")
    assert [line.suffices for line in found.stronger] == [False, True]


def test_without_a_target_nothing_is_claimed_and_the_line_says_why() -> None:
    found = asked(large(250), target=None)
    assert (found.verdict, rule(found).status) == ("fine_tune", "not_tested")
    assert "states no target" in rule(found).evidence
    assert not found.stronger[0].reaches


def test_models_that_were_not_run_are_not_called_weak() -> None:
    found = asked(StrongerModel("large", None))
    assert rule(found).status == "not_tested"
    assert "'large', not run yet" in rule(found).evidence
    half = asked(StrongerModel("absent", None), large(245, left_out=2))
    assert "'absent' has not been run with this prompt" in rule(half).evidence
    assert "(2 runs of other weights behind this name left out)" in rule(half).evidence


def test_before_a_plateau_no_model_is_advised_however_good() -> None:
    trials = search(45, 15, 200, 40)
    right = StrongerModel("large", arm("large", [1.0] * 200))
    found = judge(trials, target=0.9, stronger_models=(right,))
    assert found.verdict == "prompt_more"
    assert rule(found).evidence.startswith("No plateau yet. ")
    waiting = judge(trials, target=0.9, stronger_models=(StrongerModel("large", None),))
    assert "run once prompting has plateaued" in rule(waiting).evidence


def test_errors_count_against_a_model_and_too_many_end_its_judgement() -> None:
    right = [1.0] * N
    few = StrongerModel("large", arm("large", right, tuple(range(6))))
    (line,) = asked(few, target=0.9).stronger
    assert line.certain == pytest.approx(wilson_low(N - 6, N, 0.05 / TRIALS), abs=1e-9)
    many = StrongerModel("large", arm("large", right, tuple(range(13))))
    found = asked(many, target=0.5)
    assert (found.verdict, found.stronger[0].usable) == ("fine_tune", False)
    assert "ended in errors on 13 of 250 cases and cannot be judged" in rule(found).evidence


def test_a_prompt_that_suffices_comes_before_any_stronger_model() -> None:
    found = judge(search(0, 0, N, 240), target=0.9, stronger_models=(large(N),))
    assert found.verdict == "prompt_suffices"
    assert rule(found).status == "not_reached"


def test_a_fine_tune_says_that_no_stronger_model_was_tried_where_one_could_do() -> None:
    def told(decision: Decision) -> bool:
        return any("name one in `compare_models`" in step for step in decision.next_steps)

    assert told(asked())
    assert not told(asked(large(60)))  # tried, and no better
    assert not told(asked(target=None))
    improving = judge(search(45, 15, 200, 40), target=0.9)
    assert (improving.verdict, told(improving)) == ("prompt_more", False)
