"""Times in words a person reads at a glance."""

from __future__ import annotations

import pytest

from evals.durations import elapsed, limit_said, months_said


@pytest.mark.parametrize(
    ("months", "said"),
    [
        (None, "never"),
        (0.0, "less than 0.1 hours"),
        (1e-6, "less than 0.1 hours"),
        (0.01, "7.3 hours"),
        (0.031, "22.6 hours"),
        (0.033, "1.0 days"),
        (0.0476, "1.4 days"),
        (0.94, "28.6 days"),
        (0.96, "29.2 days"),
        (1.0, "1.0 months"),
        (9.0, "9.0 months"),
        (12345.6, "12,345.6 months"),
    ],
)
def test_a_break_even_is_never_said_to_be_after_no_months(months: float | None, said: str) -> None:
    assert months_said(months) == said


@pytest.mark.parametrize(
    ("months", "limit", "said", "allowed"),
    [
        (12.04, 12, "12.04 months", "12 months"),
        (11.96, 12, "11.96 months", "12 months"),
        (12, 12, "12.0 months", "12 months"),
        (9.0, 12, "9.0 months", "12 months"),
        (0.0361, 0.01, "1.1 days", "7.3 hours"),
        (1.04, 1.5, "1.0 months", "1.5 months"),
        (None, 12, "never", "12 months"),
    ],
)
def test_a_time_and_its_limit_are_told_apart(
    months: float | None, limit: float, said: str, allowed: str
) -> None:
    assert (months_said(months, limit), limit_said(limit)) == (said, allowed)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.123, "0.12 s"),
        (9.949, "9.9 s"),
        (9.96, "10 s"),
        (380, "6 min 20 s"),
        (5405, "1 h 30 min"),
    ],
)
def test_a_wall_time_has_the_two_largest_fitting_units(seconds: float, said: str) -> None:
    assert elapsed(seconds) == said
