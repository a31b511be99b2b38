"""Bounds never reach a limit by being rounded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.rounding import (
    least_percent,
    least_points,
    least_share,
    limit_share,
    most_percent,
    most_points,
    most_share,
)

SHARES = st.floats(0, 1)


@pytest.mark.parametrize(
    ("bound", "limit", "least", "most"),
    [
        (0.8992, 0.9, "0.89", "0.90"),
        (0.9, 0.9, "0.90", "0.90"),
        (0.29, None, "0.29", "0.29"),  # 28.999999999999996 hundredths
        (0.1 + 0.2, None, "0.30", "0.30"),
        (0.9052, 0.905, "0.905", "0.906"),
        (0.0041, None, "0.004", "0.01"),
        (0.9996, None, "0.99", "1.000"),
        (0.0, None, "0.00", "0.00"),
        (1.0, None, "1.00", "1.00"),
    ],
)
def test_a_lower_bound_is_rounded_down_and_an_upper_one_up(
    bound: float, limit: float | None, least: str, most: str
) -> None:
    assert (least_share(bound, limit), most_share(bound, limit)) == (least, most)


def test_a_limit_is_written_as_it_was_stated() -> None:
    assert [limit_share(x) for x in (0.9, 0.905, 1.0, 0.12345)] == [
        "0.90",
        "0.905",
        "1.00",
        "0.12345",
    ]


@given(SHARES, st.integers(1, 1000))
def test_what_is_shown_is_on_the_side_of_the_limit_where_the_bound_is(
    bound: float, thousandths: int
) -> None:
    limit = thousandths / 1000
    shown = float(limit_share(limit))
    if bound < limit - 1e-11:
        assert float(least_share(bound, limit)) < shown
    if bound >= limit:
        assert float(least_share(bound, limit)) >= shown or bound < 0.01
    if bound > limit + 1e-11:
        assert float(most_share(bound, limit)) > shown


@given(st.floats(-1, 1))
def test_points_and_percents_are_outside_of_what_was_found(difference: float) -> None:
    assert float(least_points(difference)) <= 100 * difference + 1e-9
    assert float(most_points(difference)) >= 100 * difference - 1e-9
    assert float(least_percent(difference)[:-1]) <= 100 * difference + 1e-9
    assert float(most_percent(difference)[:-1]) >= 100 * difference - 1e-9


def test_points_have_a_sign_and_never_a_negative_zero() -> None:
    assert [least_points(x) for x in (0.049, -0.0, -0.0501)] == ["+4.9", "+0.0", "-5.1"]
    assert [most_points(x) for x in (0.1003, -0.0003)] == ["+10.1", "+0.0"]
    assert most_points(0.056, "-") == "5.6"
