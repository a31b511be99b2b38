"""The learning curve on the page: the figure and the table say the same as the record."""

from __future__ import annotations

from dataclasses import replace

from reports import render_html, render_markdown
from reports.learning import learning_view
from tests.reports.partial_jobs import nothing_run
from tests.reports.sample_job import sample_job
from tests.tuning.learning.curves import SIZES, fitted, steady
from tuning.learning.projecting import times
from tuning.learning.records import LearningCurve, LearningPoint
from tuning.records import JobRecord

RISES, FLAT = (0.1, 0.25, 0.4, 0.55), (0.4, 0.4, 0.4, 0.4)


def curve(means: tuple[float, ...] = RISES) -> LearningCurve:
    points = tuple(
        LearningPoint(n, n / 1500, 0, f"run-{n}", "a", mean, mean - 0.06, mean + 0.06, 260, 0, 1.0)
        for n, mean in zip(SIZES, means, strict=True)
    )
    fit = fitted(SIZES, steady(means))
    return LearningCurve("s", "m", "p", "x", "mf", "sf", 1500, "z", 0.02, 0.0, 0.05, points, fit)


def job(means: tuple[float, ...] = RISES) -> JobRecord:
    return replace(sample_job(30, 30, 30), learning=curve(means))


def test_a_job_without_a_curve_has_no_part_on_it() -> None:
    plain = sample_job(30, 30, 30)
    assert learning_view(plain) is None
    assert "learning-title" not in render_html(plain)
    assert ">Learning curve<" not in render_markdown(plain)


def test_the_table_holds_what_was_measured_and_what_is_projected() -> None:
    view = learning_view(job())
    assert view is not None
    assert [row.examples for row in view.rows] == [
        "0", "187", "375", "750", "1,500", "3,000", "6,000",
    ]  # fmt: skip
    assert [row.what for row in view.rows][-3:] == ["measured, seed 0", "projected", "projected"]
    doubled = times(curve().fit, 2)
    assert view.rows[-2].score == f"{doubled.estimate:.3f}"
    assert view.rows[-2].bounds == f"{doubled.low:.3f} to {doubled.high:.3f}"


def test_the_figure_has_every_point_both_fits_and_the_best_prompt() -> None:
    view = learning_view(job())
    assert view is not None
    figure = view.figure
    assert [point.mark for point in figure.points] == ["dot"] * 4 + ["ring"] * 2
    assert [series.style for series in figure.series] == ["main", "second"]
    assert all(series.segments for series in figure.series)
    assert [line.line.label for line in figure.references] == ["best prompt"]
    places = [float(point.x.rstrip("%")) for point in figure.points]
    assert places == sorted(places)
    for point in figure.points:
        assert float(point.high_y) <= float(point.y) <= float(point.low_y)
    for piece in figure.area:
        assert float(piece.height) >= 0


def test_a_flat_curve_is_drawn_without_a_projection() -> None:
    view = learning_view(job(FLAT))
    assert view is not None
    assert (view.projects, view.figure.area) == (False, ())
    assert [point.mark for point in view.figure.points] == ["dot"] * 4
    page = render_html(job(FLAT))
    assert "No rise with more examples is shown" in page
    assert "saturating power law" not in page


def test_both_reports_say_the_sentence() -> None:
    sentence = curve().fit.sentence
    assert sentence in render_html(job()).replace("&#39;", "'")
    assert ">Learning curve<" in render_markdown(job())


def test_a_curve_of_one_training_and_no_verdict_renders() -> None:
    one = replace(curve(), points=curve().points[:1], fit=fitted([187], steady([0.1])))
    bare = replace(nothing_run(), learning=one)
    assert "learning-title" in render_html(bare)
    assert "None" not in render_markdown(bare)
