"""What hosted candidates cost, in the report: told where it is known, and never guessed."""

from __future__ import annotations

from dataclasses import replace

from evals.records import Run
from evals.spending.records import Price, Spending
from reports import render_html, render_markdown
from reports.cost import CostView, cost_view
from reports.hosted import hosted_rows, per_call
from tests.reports.partial_jobs import small_job
from tuning.records import JobRecord

PRICE = Price(1.0, 2.0)


def hosted(run: Run, money: float | None, seconds: float = 0.2) -> Run:
    """The run as if its model were hosted; call number n took n times `seconds`."""
    known = money is not None
    spent = Spending(300, 9000, 800, 0, money, "USD" if known else "", PRICE if known else None)
    results = tuple(
        replace(result, output=replace(result.output, seconds=(n + 1) * seconds))
        for n, result in enumerate(run.results)
    )
    return replace(run, spent=spent, results=results)


def job_with(*money: float | None) -> JobRecord:
    """A job of which the first runs on dev are hosted and took that much."""
    job = small_job()
    runs = dict(job.runs)
    for name, amount in zip([n for n, run in runs.items() if run.split == "dev"], money):  # noqa: B905
        runs[name] = hosted(runs[name], amount)
    return replace(job, runs=runs)


def test_every_hosted_candidate_has_its_money_for_a_thousand_calls_cheapest_first() -> None:
    job = job_with(0.5, None, 0.1)
    rows = hosted_rows(tuple(job.runs.values()))
    # Twelve cases each: a tenth of a dollar, half a dollar, nobody knows.
    assert [row.thousand for row in rows] == ["8.33 USD", "41.67 USD", "no price"]
    assert rows[0].requests == "300"


def test_latency_is_the_median_and_the_95th_percentile_of_answered_calls() -> None:
    run = hosted(next(iter(small_job().runs.values())), 1.0, seconds=1.0)
    (row,) = hosted_rows([run])
    assert (len(run.results), row.median, row.p95) == (12, "6.0 s", "12 s")
    broken = replace(run.results[11].output, text=None, error="gone")
    less = replace(run, results=(*run.results[:11], replace(run.results[11], output=broken)))
    assert hosted_rows([less])[0].p95 == "11 s"


def test_local_runs_have_no_row_and_the_report_no_table() -> None:
    job = small_job()
    assert hosted_rows(tuple(job.runs.values())) == ()
    assert "95th percentile" not in render_markdown(job) + render_html(job)
    assert per_call(next(iter(job.runs.values()))) is None


def test_a_run_without_a_single_answer_has_no_cost_of_a_call() -> None:
    run = hosted(next(iter(small_job().runs.values())), 1.0)
    assert per_call(replace(run, results=())) is None


def test_the_report_shows_the_table_and_a_month_in_both_forms() -> None:
    job = small_job()
    assert job.leader_test
    runs = dict(job.runs)
    runs[job.leader_test] = hosted(runs[job.leader_test], 0.25)
    job = replace(job, runs=runs)
    view = cost_view(job)
    assert isinstance(view, CostView)
    facts = {fact.name: fact.value for fact in view.facts}
    month = next(value for name, value in facts.items() if name.startswith("Cost of a month of"))
    assert month.endswith("USD at 2,000,000 calls")
    assert facts["Break-even in money"] == "not tested: no price of training is recorded"
    for text in (render_markdown(job), render_html(job)):
        assert "95th percentile" in text
        assert month in text
