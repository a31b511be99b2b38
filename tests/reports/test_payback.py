"""Break-even in the report: figures, curve and table agree, and what is missing is said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reports import render_html, render_markdown
from reports.attempts import AttemptsView, attempts_view
from reports.payback import call_rows, payback_view
from tests.reports.partial_jobs import small_job
from tuning.cost.break_even import Terms, calls_to_break_even, months_to_break_even
from tuning.records import CallCost, CostStanding, JobRecord, Payback


def payback(
    calls: int = 100_000, retrain: float | None = 4.0, after: float = 1.0, **changes: object
) -> Payback:
    """2 EUR for 1,000 calls now; each training 300. With the defaults even at month 9."""
    terms = Terms((2.0 - after) / 1000, 300.0, retrain)
    worse = Terms((2.0 - after - 0.1) / 1000, 300.0, retrain)
    made = Payback(
        before_label="long <b>prompt</b>",
        after_label="short + adapter",
        currency="EUR",
        calls_per_month=calls,
        within_months=12.0,
        retrain_months=retrain,
        before=2.0,
        after=after,
        after_worst=after + 0.1,
        training=300.0,
        training_worst=300.0,
        months=months_to_break_even(terms, calls),
        months_worst=months_to_break_even(worse, calls),
        volume=calls_to_break_even(terms, 12.0),
        volume_worst=calls_to_break_even(worse, 12.0),
        is_estimate=True,
        basis=("tokens as measured", "hours as guessed"),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def job_with(standing: CostStanding | None, cost: CallCost | None = None) -> JobRecord:
    """A stored job whose decision knows this of cost."""
    job = small_job()
    assert job.decision is not None
    assert job.shipping is not None
    trials = tuple(replace(trial, cost=cost) for trial in job.decision.trials)
    decision = replace(job.decision, cost=standing, trials=trials)
    return replace(job, decision=decision)


def test_the_table_says_what_was_paid_by_each_month() -> None:
    rows = {row.month: row for row in payback_view(payback()).rows}
    # month 4: 400,000 calls at 2 and at 1 for 1,000, and two trainings
    assert (rows["4"].before, rows["4"].after) == ("800.00 EUR", "1,000.00 EUR")
    assert rows["4"].trainings == "2"
    assert rows["9 (even)"].before == rows["9 (even)"].after == "1,800.00 EUR"
    assert rows["9 (even)"].worst == "1,890.00 EUR"


def test_the_curve_rises_at_each_training_and_marks_the_crossing() -> None:
    curve = payback_view(payback()).curve
    tuned, prompt = curve.series
    upright = [s for s in tuned.segments if s.x1 == s.x2 and s.y1 != s.y2]
    # drawn until 1.25 times month 16.7, the unfavourable end: retrained at 4, 8, 12, 16 and 20
    assert len(upright) == 5
    assert len(prompt.segments) == 1
    assert [point.title for point in curve.points] == ["break-even after 9.0 months"]


def test_what_never_breaks_even_is_drawn_without_a_crossing() -> None:
    view = payback_view(payback(after=2.5))
    assert view.curve.points == ()
    assert view.even == "break-even: never"
    assert "never breaks even" in view.sentence
    assert dict(view.facts)[
        "Break-even volume, within 12 months, trainings due then paid"
    ].startswith("none")


def test_small_money_has_an_axis_too() -> None:
    small = payback(10, None, training=0.001, training_worst=0.001, months=0.1, within_months=0.5)
    view = payback_view(small)
    assert len({tick.label for tick in view.curve.y_ticks}) == len(view.curve.y_ticks)
    assert [row.month for row in view.rows] == ["0", "3.0 days (even)", "15.2 days"]


@pytest.mark.parametrize(
    ("months", "name"), [(9.0, "9"), (9.34, "9.3"), (12.04, "12.04"), (0.9651, "29.4 days")]
)
def test_the_row_of_the_break_even_is_told_from_whole_months(months: float, name: str) -> None:
    view = payback_view(payback(1000, None, months=months, within_months=12))
    names = [row.month for row in view.rows]
    assert f"{name} (even)" in names
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("retrain", [None, 0.001, 11.99, 12.0, 500.0])
@pytest.mark.parametrize("calls", [0, 1, 10**12])
def test_any_volume_and_interval_can_be_drawn(retrain: float | None, calls: int) -> None:
    view = payback_view(payback(calls, retrain))
    assert len(view.rows) <= 15
    assert all(len(series.segments) < 500 for series in view.curve.series)


def test_the_report_shows_the_break_even_in_both_forms_and_escapes_names() -> None:
    job = job_with(CostStanding(payback()), CallCost(0.5, "EUR", "hours", 0.1, 0.2))
    html, text = render_html(job), render_markdown(job)
    for page in (html, text):
        assert "a tuned model breaks even after 9.0 months" in page
        assert "1,800.00 EUR" in page
        assert "Hours as guessed" in page
        assert "not tested: no price" not in page
        assert "<b>prompt" not in page
    assert 'id="chart-payback-title"' in html
    assert 'id="chart-payback-desc"' in html


def test_every_candidate_has_its_cost_and_latency_where_they_are_known() -> None:
    job = job_with(None, CallCost(0.5, "EUR", "hours", 0.1, 0.2))
    rows = call_rows(job)
    assert job.decision is not None
    assert [row.label for row in rows] == [trial.label for trial in job.decision.trials]
    assert {(row.thousand, row.by, row.median, row.p95) for row in rows} == {
        ("0.50 EUR", "hours", "0.10 s", "0.20 s")
    }
    view = attempts_view(job)
    assert isinstance(view, AttemptsView)
    assert view.priced
    assert view.rows[0].thousand == "0.50 EUR"


def test_without_prices_there_is_no_column_of_money() -> None:
    job = job_with(None, CallCost(None, median=0.1, p95=0.2))
    view = attempts_view(job)
    assert isinstance(view, AttemptsView)
    assert not view.priced
    assert {row.thousand for row in call_rows(job)} == {"not known"}
    assert call_rows(small_job()) == ()


def test_what_is_missing_is_said_with_how_to_add_it() -> None:
    standing = CostStanding(missing=("no volume is stated (write it <i>here</i>)",))
    html = render_html(job_with(standing))
    assert "not tested: no volume is stated (write it &lt;i&gt;here&lt;/i&gt;)" in html


def test_what_was_measured_comes_before_what_was_estimated() -> None:
    job = job_with(CostStanding(payback()))
    assert job.shipping is not None
    measured = CostStanding(payback(is_estimate=False, months=7.0))
    job = replace(job, shipping=replace(job.shipping, cost=measured))
    assert "As measured, at 100,000 calls a month" in render_markdown(job)
    unknown = CostStanding(missing=("nothing",))
    job = replace(job, shipping=replace(job.shipping, cost=unknown))  # type: ignore[type-var]
    assert "By estimate, at 100,000 calls a month" in render_markdown(job)
