"""Charts put values where they belong, inside the picture, whatever the values are."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.charts import ForestRow, Reference, forest, nice_ticks
from reports.plots import Attempt, Curve, curves, plateau

SCORES = st.floats(0, 1)


@given(st.floats(-1, 1), st.floats(0.001, 2))
def test_ticks_are_few_even_and_span_the_values(low: float, width: float) -> None:
    ticks = nice_ticks(low, low + width)
    assert ticks[0] <= low + 1e-9
    assert ticks[-1] >= low + width - 1e-9
    assert 2 <= len(ticks) <= 8
    steps = {round(b - a, 6) for a, b in pairwise(ticks)}
    assert max(steps) - min(steps) < 1e-5


@given(st.lists(st.tuples(SCORES, SCORES, SCORES), min_size=1, max_size=5))
def test_a_forest_keeps_order_and_stays_inside(values: list[tuple[float, float, float]]) -> None:
    rows = []
    for triple in values:
        low, middle, high = sorted(triple)
        rows.append(ForestRow("x", "", middle, low, high))
    chart = forest("f", "t", "d", rows, [Reference(0.5, "target", "target")])
    for placed in chart.rows:
        places = [float(place.rstrip("%")) for place in (placed.low_x, placed.x, placed.high_x)]
        assert places == sorted(places)
        assert 0 <= places[0] <= places[-1] <= 100
    assert 0 <= float(chart.references[0].at.rstrip("%")) <= 100


def test_equal_values_line_up_with_their_reference() -> None:
    chart = forest(
        "f", "t", "d", [ForestRow("x", "", 0.4, 0.3, 0.5)], [Reference(0.4, "a", "anchor")]
    )
    assert chart.rows[0].x == chart.references[0].at


def attempt(column: int, value: float) -> Attempt:
    return Attempt(column, value, value, value, "ring", "t")


def test_the_best_so_far_never_falls_and_reaches_the_best() -> None:
    chart = plateau(
        "p",
        "t",
        "d",
        [attempt(0, 0.2), attempt(0, 0.5), attempt(1, 0.4), attempt(2, 0.7)],
        ["1", "2", "3"],
        anchor=0.5,
        min_gain=0.1,
        target=0.9,
    )
    heights = [float(s.y2) for s in chart.series[0].segments]
    assert heights == sorted(heights, reverse=True)
    for one, following in pairwise(chart.series[0].segments):
        assert (one.x2, one.y2) == (following.x1, following.y1)
    assert heights[-1] == float(chart.points[-1].y)
    assert heights[0] == float(chart.points[1].y)


def test_the_band_reaches_from_the_anchor_to_the_smallest_gain() -> None:
    values = [attempt(0, 0.5), attempt(1, 0.6)]
    chart = plateau("p", "t", "d", values, ["1", "2"], anchor=0.5, min_gain=0.1, target=None)
    assert chart.band
    assert float(chart.band.y) == pytest.approx(float(chart.points[1].y), abs=0.1)
    bottom = float(chart.band.y) + float(chart.band.height)
    assert bottom == pytest.approx(float(chart.points[0].y), abs=0.2)


def test_points_of_a_round_stand_side_by_side_in_its_column() -> None:
    values = [attempt(0, 0.5), attempt(0, 0.6), attempt(1, 0.7)]
    chart = plateau("p", "t", "d", values, ["1", "2"], anchor=None, min_gain=0.1, target=None)
    places = [float(point.x.rstrip("%")) for point in chart.points]
    assert places == sorted(set(places))
    assert places[1] < 55 < places[2]


@pytest.mark.parametrize("values", [(), ((1.0, 0.5),), ((0.0, 0.0), (1.0, 0.0))])
def test_a_curve_of_hardly_any_points_is_drawn(values: tuple[tuple[float, float], ...]) -> None:
    chart = curves("c", "t", "d", [Curve("loss", values, "ring", "main")], "step")
    assert len(chart.series[0].points) == len(values)
