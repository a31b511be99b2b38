"""The trade-off and neutral text in the reports: figures, tables and words say the record."""

from __future__ import annotations

from dataclasses import replace

from reports import render_html, render_markdown
from reports.tradeoff import tradeoff_view
from tests.reports.sample_job import sample_job
from tuning.forgetting.records import GuardChange, TextChange, Tradeoff, TriedAdapter
from tuning.intervals import Interval
from tuning.records import JobRecord


def around(estimate: float, half: float) -> Interval:
    return Interval(estimate, estimate - half, estimate + half)


def text(rise: float, limit: float | None = None) -> TextChange:
    result = "" if limit is None else "pass" if rise < limit else "fail"
    return TextChange(3.1, 3.1 + rise, around(rise, 0.02), 64, 3900, "corpus", limit, result)  # type: ignore[arg-type]


def tried(what: str, gain: float, loss: float, rise: float, remedy: str = "scale") -> TriedAdapter:
    result = "pass" if loss > -0.05 else "fail"
    guard = GuardChange(
        "general_ability", around(loss, 0.04), 0.10, result, loss < -0.1, 0.0083, 429, "b", "t"  # type: ignore[arg-type]
    )  # fmt: skip
    return TriedAdapter(
        what, remedy, f"id-{what}", score=around(0.5 + gain, 0.05), gain=around(gain, 0.06),
        gains=gain >= 0.1, guards=(guard,), text=text(rise), run="r",
    )  # fmt: skip


def tradeoff() -> Tradeoff:
    lines = (
        tried("as trained", 0.31, -0.24, 0.61, ""),
        tried("scale 0.75", 0.28, -0.12, 0.31),
        TriedAdapter("scale 0.5", "scale", "id-x", failed="it failed a proof: <b>bold</b>"),
        tried("rate 0.0007", 0.22, -0.01, 0.08, "rate"),
    )
    return Tradeoff(
        "s", "m", "correct", "id-as trained", "lead", "spec", 0.10, lines, 6,
        "id-rate 0.0007", "One was good enough.",
    )  # fmt: skip


def job() -> JobRecord:
    plain = sample_job(30, 30, 30)
    assert plain.shipping is not None
    shipping = replace(plain.shipping, text=text(0.2))
    return replace(plain, tradeoff=tradeoff(), shipping=shipping)


def test_a_job_without_either_has_no_part_on_it() -> None:
    page = render_html(sample_job(30, 30, 30))
    assert "tradeoff-title" not in page
    assert "neutral-text" not in page
    assert "trade-off" not in render_markdown(sample_job(30, 30, 30))


def test_each_adapter_is_a_row_and_a_numbered_point_of_every_figure() -> None:
    view = tradeoff_view(job())
    assert view is not None
    assert [row.number for row in view.rows] == ["1", "2", "3", "4"]
    assert [row.is_judged for row in view.rows] == [False, False, False, True]
    assert view.rows[0].gain == "+0.310"
    assert view.rows[0].losses[0][0] == "\u22120.240"
    assert view.rows[2].gain == "–"
    assert [figure.slug for figure in view.figures] == [
        "tradeoff-general_ability", "tradeoff-text",
    ]  # fmt: skip
    for figure in view.figures:
        assert [point.label for point in figure.points] == ["1", "2", "4"]
        assert [point.mark for point in figure.points] == ["ring", "ring", "diamond"]
        places = [float(point.x.rstrip("%")) for point in figure.points]
        assert places == sorted(places, reverse=True)
        assert len(figure.series[0].segments) == 1  # the scales alone are joined
        for point in figure.points:
            assert float(point.low_x.rstrip("%")) < float(point.x.rstrip("%"))
            assert float(point.x.rstrip("%")) < float(point.high_x.rstrip("%"))
            assert float(point.high_y) < float(point.y) < float(point.low_y)


def test_less_forgotten_is_higher_and_the_limits_are_drawn() -> None:
    view = tradeoff_view(job())
    assert view is not None
    figure = view.figures[0]
    heights = [float(point.y) for point in figure.points]
    assert heights == sorted(heights, reverse=True)  # pixels from the top
    assert [line.line.kind for line in figure.references] == ["zero", "margin"]
    assert [line.line.kind for line in figure.uprights] == ["gain"]


def test_both_reports_say_the_sentence_the_text_and_no_markup_of_an_error() -> None:
    page, short = render_html(job()), render_markdown(job())
    for told in (page, short):
        assert "One was good enough." in told
        assert "+0.200" in told
        assert "18 % less likely" in told
        assert "<b>bold</b>" not in told
    assert page.count('class="chart"') >= 2
    assert "(judged)" in short


def test_a_limit_is_told_with_its_result() -> None:
    plain = job()
    assert plain.shipping is not None
    limited = replace(plain, shipping=replace(plain.shipping, text=text(0.2, 0.1)))
    assert "At most 0.1 may be added" in render_html(limited)
    assert "at most 0.1 may be added: fail" in render_markdown(limited)
