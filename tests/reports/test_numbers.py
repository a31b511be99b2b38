"""Numbers are written one way each, and never say more than they know."""

from __future__ import annotations

import math

import pytest

from reports import numbers
from reports.cost import CostView, cost_view
from tests.reports.partial_jobs import small_job
from tuning.records import Interval


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (numbers.score(0.8416), "0.842"),
        (numbers.score(None), "–"),
        (numbers.score(math.nan), "–"),
        (numbers.signed(0.12), "+0.120"),
        (numbers.signed(-0.05), "−0.050"),
        (numbers.signed(-0.0001), "0.000"),
        (numbers.signed_bounds(Interval(0.1, -0.02, 0.2)), "−0.020 to +0.200"),
        (numbers.bounds(Interval(0.5, math.nan, math.nan)), "–"),
        (numbers.points(0.1), "10 points"),
        (numbers.points(0.01), "1 point"),
        (numbers.percent(0.001), "< 1 %"),
        (numbers.percent(0.999), "> 99 %"),
        (numbers.percent(1.0), "100 %"),
        (numbers.level(0.975), "97.5 %"),
        (numbers.count(12345.4), "12,345"),
        (numbers.large(1_650_000_000), "1.65 billion"),
        (numbers.large(826_000), "826,000"),
        (numbers.decimal(0.0002), "0.0002"),
        (numbers.duration(0.123), "0.12 s"),
        (numbers.duration(7.44), "7.4 s"),
        (numbers.duration(9.97), "10 s"),
        (numbers.duration(59.7), "1 min 0 s"),
        (numbers.duration(380), "6 min 20 s"),
        (numbers.duration(7500), "2 h 5 min"),
        (numbers.plural(1, "case"), "1 case"),
        (numbers.plural(2500, "case"), "2,500 cases"),
    ],
)
def test_a_number_is_written_so(written: str, expected: str) -> None:
    assert written == expected


def test_cost_says_what_is_saved_and_that_money_was_not_tested() -> None:
    view = cost_view(small_job())
    assert isinstance(view, CostView)
    facts = {fact.name: fact.value for fact in view.facts}
    assert "at 2,000,000 calls a month" in facts["Prompt tokens saved a month"]
    assert facts["Break-even in money"] == "not tested: no prices are recorded"
    assert view.rows[0].change == "−91 %"
