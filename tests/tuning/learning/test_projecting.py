"""What a curve says between its points, how many examples something takes, and where it ends."""

from __future__ import annotations

import pytest

from evals.errors import StatisticsError
from tests.tuning.learning.curves import SIZES, fitted, steady
from tuning.learning.projecting import Ahead, Reach, examples_for, project, times
from tuning.learning.records import CurveFit, Projection


def line(gain: float, low: float, high: float) -> CurveFit:
    """A curve on which each doubling of 1,000 examples adds so much for certain."""
    band = tuple(
        Projection(1000 * 2**k, 0.5 + gain * k, 0.4, 0.9, 0.5, 0.5, gain * k, low * k, high * k)
        for k in range(3)
    )
    return CurveFit("rises", "", band, largest=1000)


SURE = Ahead(0.0, 0.0, 0.0)


def test_between_two_sizes_the_curve_is_straight_in_log_n() -> None:
    at = project(line(0.10, 0.05, 0.2), 1414)
    assert (at.gain, at.gain_low, at.gain_high) == pytest.approx((0.05, 0.025, 0.1), abs=1e-4)


@pytest.mark.parametrize("examples", [999, 4001, 10**9])
def test_beyond_four_times_and_before_the_smallest_nothing_is_said(examples: int) -> None:
    with pytest.raises(StatisticsError, match="outside of what this curve can be asked"):
        project(line(0.1, 0.05, 0.2), examples)


def test_a_curve_that_claims_nothing_projects_nothing() -> None:
    with pytest.raises(StatisticsError, match="projects nothing"):
        times(fitted(SIZES, steady([0.4] * 4)), 2)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (0.10, Reach(2000, 1415, 4000)),
        (0.20, Reach(4000, 2000, None)),
        (0.0, Reach(1000, 1000, 1000)),
        (0.30, Reach(None, 2829, None)),
        (0.50, Reach(None, None, None)),
    ],
)
def test_how_many_examples_a_gain_takes(wanted: float, expected: Reach) -> None:
    assert examples_for(line(0.10, 0.05, 0.20), wanted, SURE) == expected


def test_an_uncertain_lead_widens_what_is_said() -> None:
    reach = examples_for(line(0.10, 0.05, 0.20), 0.10, Ahead(0.05, -0.05, 0.12))
    assert (reach.likely, reach.earliest, reach.latest) == (1415, 1000, None)


def test_a_size_beyond_all_floats_is_found_as_fast_as_any() -> None:
    near = Projection(1, 0.5, 0.4, 0.9, 0.5, 0.5)
    far = Projection(10**300, 0.9, 0.4, 0.9, 0.5, 0.5, 0.4, 0.4, 0.4)
    reach = examples_for(CurveFit("rises", "", (near, far), largest=1), 0.3, SURE)
    assert reach.likely is not None
    assert 10**220 < reach.likely < 10**230
