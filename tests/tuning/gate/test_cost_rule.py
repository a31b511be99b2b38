"""The rule of cost at its boundaries: months, their unfavourable end, quality, staleness."""

from __future__ import annotations

import pytest

from tests.tuning.gate.test_deciding import judge, search
from tuning.gate.evidence import CostEvidence
from tuning.records import RuleLine


def ruled(cost: CostEvidence | None, right: int = 230, target: float = 0.95) -> RuleLine:
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


@pytest.mark.parametrize(("right", "status"), [(225, "applies"), (200, "does_not_apply")])
def test_quality_must_be_near_the_target(right: int, status: str) -> None:
    assert ruled(CostEvidence(1000, 1.0, 12.0), right, target=0.9).status == status


def test_the_sums_are_shown_with_every_answer() -> None:
    for months in (1.0, 20.0, None):
        line = ruled(CostEvidence(1000, months, 12.0, figures="1,000 calls cost 2 EUR."))
        assert line.evidence.endswith(" 1,000 calls cost 2 EUR.")
