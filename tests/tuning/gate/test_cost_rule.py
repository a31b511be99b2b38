"""The rule of cost at its boundaries: months, their unfavourable end, quality, staleness."""

from __future__ import annotations

from math import inf, nan

import pytest

from evals.errors import StatisticsError
from tests.tuning.gate.test_deciding import judge, search
from tuning.gate.evidence import CostEvidence
from tuning.records import RuleLine


def ruled(cost: CostEvidence | None, right: int = 240, target: float = 0.95) -> RuleLine:
    return judge(search(0, 0, 250, right), target=target, cost=cost).rules[1]


@pytest.mark.parametrize(
    ("likely", "latest", "status"),
    [
        (12.0, 12.0, "applies"),
        (12.0, 12.001, "does_not_apply"),
        (12.0, None, "does_not_apply"),
        (12.001, 12.001, "does_not_apply"),
        (0.0, 0.0, "applies"),
        (None, None, "does_not_apply"),
    ],
)
def test_it_must_pay_in_time_at_the_unfavourable_end_too(likely, latest, status) -> None:
    cost = CostEvidence(1000, likely, 12.0, latest_months=latest, has_range=True)
    assert ruled(cost).status == status


def test_a_price_that_is_missing_leaves_it_untested_whatever_else_is_known() -> None:
    cost = CostEvidence(1000, 0.1, 12.0, missing=("no price of training is stated (write it)",))
    line = ruled(cost)
    assert line.status == "not_tested"
    assert line.evidence == "Cost was not tested: no price of training is stated (write it)."


def test_facts_that_change_often_need_an_interval_of_retraining() -> None:
    line = ruled(CostEvidence(1000, 1.0, 12.0, goes_stale=True))
    assert line.status == "does_not_apply"
    assert "operation.retrain_months" in line.evidence


@pytest.mark.parametrize(
    ("right", "max_loss", "status"),
    [
        (230, 0.05, "applies"),  # 0.87 is certain
        (225, 0.05, "does_not_apply"),  # 0.84 is
        (225, 0.10, "applies"),
        (230, 0.01, "does_not_apply"),
    ],
)
def test_as_much_quality_is_certain_as_the_target_less_what_may_be_lost(
    right: int, max_loss: float, status: str
) -> None:
    line = ruled(CostEvidence(1000, 1.0, 12.0, max_loss=max_loss), right, target=0.9)
    assert line.status == status
    assert f"{100 * max_loss:g} points may be missing" in line.evidence


@pytest.mark.parametrize("target", [0.01, 0.05, 0.1])
@pytest.mark.parametrize("max_loss", [0.05, 0.5])
def test_a_prompt_that_is_never_right_is_near_no_target(target: float, max_loss: float) -> None:
    cost = CostEvidence(1000, 1.0, 12.0, max_loss=max_loss)
    assert ruled(cost, right=0, target=target).status == "does_not_apply"


@pytest.mark.parametrize("months", [nan, -5.0, inf])
@pytest.mark.parametrize("name", ["break_even_months", "within_months", "latest_months"])
def test_months_that_are_no_time_are_refused(name: str, months: float) -> None:
    stated = {"break_even_months": 1.0, "within_months": 12.0, "latest_months": 1.0}
    with pytest.raises(StatisticsError, match=name):
        CostEvidence(1000, **{**stated, name: months})


def test_the_sums_are_shown_with_every_answer() -> None:
    for months in (1.0, 20.0, None):
        line = ruled(CostEvidence(1000, months, 12.0, figures="1,000 calls cost 2 EUR."))
        assert line.evidence.endswith(" 1,000 calls cost 2 EUR.")


@pytest.mark.parametrize(
    ("months", "said"),
    [
        (None, "never pays for itself"),
        (20.0, "after 20.0 months and not within the 12 months stated"),
    ],
)
def test_tuning_for_quality_says_where_it_does_not_pay(months: float | None, said: str) -> None:
    cost = CostEvidence(1000, months, 12.0, figures="A training costs 900 EUR.")
    found = judge(search(0, 0, 250, 60), target=0.95, cost=cost)
    assert found.verdict == "fine_tune"
    (step,) = [step for step in found.next_steps if said in step]
    assert "Mind the money" in step
    assert step.endswith("A training costs 900 EUR.")
    paying = judge(search(0, 0, 250, 60), target=0.95, cost=CostEvidence(1000, 3.0, 12.0))
    assert not [step for step in paying.next_steps if "Mind the money" in step]


def test_a_prompt_that_reaches_the_target_is_said_where_only_cost_speaks_for_tuning() -> None:
    cost = CostEvidence(1000, 1.0, 12.0)
    reached = judge(search(0, 0, 250, 240), target=0.85, cost=cost)
    near = judge(search(0, 0, 250, 240), target=0.95, cost=cost)
    assert reached.verdict == near.verdict == "fine_tune"
    assert "reaches the target as it is" in reached.sentence
    assert "reaches the target as it is" not in near.sentence
