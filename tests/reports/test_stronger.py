"""Other models in the report: a table of their own, and their cases where they are the verdict."""

from __future__ import annotations

from dataclasses import replace

from reports import render_html, render_markdown
from reports.stored import compared_run, dev_runs
from reports.stronger import stronger_view
from tests.reports.sample_job import sample_job
from tuning.records import Interval, JobRecord, StrongerLine

HOSTILE = "openai:<script>alert(1)</script>|x"


def compared(name: str = "openai:large", verdict: str = "try_stronger_model") -> JobRecord:
    """The sample job before any training, with another model's run beside the leader's."""
    job = sample_job()
    assert job.decision is not None
    leader = job.runs[job.decision.trials[0].run_id]
    results = tuple(
        replace(r, output=replace(r.output, seconds=0.1 * (n + 1)))
        for n, r in enumerate(leader.results[:10])
    )
    candidate = replace(leader.candidate, model=name)
    run = replace(leader, id="other", candidate=candidate, results=results)
    reached = StrongerLine(
        name,
        run_id="other",
        score=Interval(0.95, 0.91, 0.98),
        certain=0.902,
        difference=Interval(0.4, 0.3, 0.5),
        cases=10,
        reaches=True,
        cost=4.2,
        max_cost=5.0,
        currency="EUR",
        cost_acceptable=True,
    )
    lines = (
        reached,
        StrongerLine("openai:absent"),
        replace(reached, model="openai:dear", run_id="gone", cost=9.0, cost_acceptable=False),
    )
    decision = replace(
        job.decision,
        verdict=verdict,  # type: ignore[arg-type]
        leader=leader.id,
        stronger=lines,
    )
    return replace(
        job,
        decision=decision,
        runs={**job.runs, "other": run},
        training=None,
        shipping=None,
        leader_test=None,
        adapter_test=None,
        adapter_dev=None,
    )


def test_every_model_stands_in_the_table_with_its_standing_cost_and_latency() -> None:
    view = stronger_view(compared())
    assert view is not None
    here, large, absent, dear = view.rows
    assert here.standing == "judged here"
    assert (large.standing, large.thousand, large.certain) == (
        "reaches the target",
        "4.20 EUR",
        "0.902",
    )
    assert (large.median, large.p95) == ("0.50 s", "1.0 s")
    assert (absent.standing, absent.score, absent.cases) == ("not run", "–", "–")
    assert (dear.standing, dear.median) == ("too dear", "–")


def test_html_and_markdown_show_the_same_rows_and_no_markup_of_names() -> None:
    job = compared(HOSTILE)
    page, text = render_html(job), render_markdown(job)
    for shown in (page, text):
        assert "4.20 EUR" in shown
        assert "absent" in shown
        assert "<script>alert" not in shown
    assert "Other models by prompt" in page


def test_where_no_other_model_was_run_there_is_no_table() -> None:
    assert "Other models by prompt" not in render_html(sample_job())
    job = compared()
    assert job.decision is not None
    unrun = replace(job.decision, stronger=(StrongerLine("openai:absent"),), verdict="fine_tune")
    assert stronger_view(replace(job, decision=unrun)) is None


def test_cases_of_both_models_are_shown_only_where_that_is_the_verdict() -> None:
    job = compared()
    run = compared_run(job)
    assert run is not None
    assert run.id == "other"
    assert "against openai:large by the same prompt" in render_html(job)
    assert compared_run(compared(verdict="fine_tune")) is None


def test_another_models_run_is_no_tried_prompt() -> None:
    job = compared()
    assert "other" not in {run.id for run in dev_runs(job)}
    assert "on openai:large" in render_html(job)  # named where every run is listed
