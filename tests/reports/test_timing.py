"""Dev and sealed seconds that disagree: told beside the cost, and not reckoned with."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reports import render_html, render_markdown
from reports.cost import CostView, cost_view
from reports.timing import quiet_standing, timed_arms
from tests.reports.partial_jobs import small_job
from tests.reports.test_payback import payback
from tuning.records import CallCost, CostStanding, JobRecord
from tuning.together.records import Together, TogetherLine


def timed_job(times: float, by: str = "hours") -> JobRecord:
    """A job whose leader took so many times as long on sealed cases as on dev, for each token."""
    whole = small_job()
    job = replace(whole, runs={k: r for k, r in whole.runs.items() if k != whole.adapter_dev})
    assert job.shipping is not None
    assert job.leader_test is not None
    arm = timed_arms(job).before
    assert arm.dev is not None
    assert arm.sealed is not None
    sealed, stretch = job.runs[job.leader_test], times * arm.dev.pace / arm.sealed.pace
    slowed = replace(
        sealed,
        seconds=stretch * sealed.seconds,
        results=tuple(
            replace(r, output=replace(r.output, seconds=stretch * r.output.seconds))
            for r in sealed.results
        ),
    )
    measured = payback(retrain=None, is_estimate=False, months=3.0, months_worst=3.3)
    cost = CallCost(2.0, "EUR", by, 0.1, 0.2)  # type: ignore[arg-type]
    shipping = replace(job.shipping, cost=CostStanding(measured), before_cost=cost, after_cost=cost)
    return replace(job, shipping=shipping, runs=job.runs | {sealed.id: slowed})


def seen(job: JobRecord) -> CostView:
    view = cost_view(job)
    assert isinstance(view, CostView)
    return view


def test_timings_that_agree_leave_the_stored_break_even_alone() -> None:
    view = seen(timed_job(1.4))
    assert view.disturbed == ()
    assert len(view.rows) == 3
    assert view.payback is not None
    assert view.payback.sentence.startswith("As measured, at 100,000 calls")


def test_a_disturbed_sealed_run_is_named_and_the_break_even_takes_the_faster_seconds() -> None:
    job = timed_job(1.6)
    view = seen(job)
    quiet = quiet_standing(job, timed_arms(job))
    assert quiet is not None
    assert quiet.before == pytest.approx(2.0 / 1.6)
    assert quiet.after == pytest.approx(1.0)  # timed once: nothing faster is known of it
    assert quiet.months == pytest.approx(300 / ((2.0 / 1.6 - 1.0) * 100))
    assert "on the sealed ones 1.6 times as long for each token" in view.disturbed[0]
    assert "By the sealed runs alone: after 3.0 months." in view.disturbed[1]
    assert view.payback is not None
    assert view.payback.sentence.startswith("As measured in the faster runs, at 100,000")
    assert "on sealed cases, the only run" in view.payback.basis[0]
    assert len(view.rows) == 4


def test_a_break_even_that_rests_on_the_disturbance_is_said_to() -> None:
    view = seen(timed_job(2.5))  # 0.8 instead of 2 for 1,000 calls by prompt: never
    assert "by those tuning pays in the time allowed" in view.disturbed[2]
    assert "by the faster runs it does not pay" in view.disturbed[2]
    assert view.payback is not None
    assert "never breaks even" in view.payback.sentence


def test_a_disturbed_dev_run_leaves_the_break_even_and_doubts_the_estimate() -> None:
    view = seen(timed_job(1 / 1.6))
    assert "on the dev ones 1.6 times as long" in view.disturbed[0]
    assert "The gate's estimate before training rests on that dev run." in view.disturbed
    assert view.payback is not None
    assert view.payback.sentence.startswith("As measured, at 100,000 calls")


def test_money_by_tokens_is_not_touched_by_seconds() -> None:
    job = timed_job(1.6, by="tokens")
    assert quiet_standing(job, timed_arms(job)) is None
    assert len(seen(job).disturbed) == 1


def test_the_adapter_is_held_against_its_own_dev_run_where_its_prompt_was_chosen() -> None:
    job = timed_job(1.6)
    sealed = timed_arms(job).after.sealed
    assert sealed is not None
    line = TogetherLine(
        "terse + adapter",
        "",
        run_id="dev",
        prompt_tokens=sealed.tokens,
        seconds=sealed.seconds / 1.3,
    )
    job = replace(job, together=Together((line,), "dev", "dev", ""))
    after = timed_arms(job).after
    assert after.disagrees is False
    assert after.share == pytest.approx(1 / 1.3)  # like for like: its faster run, too
    quiet = quiet_standing(job, timed_arms(job))
    assert quiet is not None
    assert quiet.after == pytest.approx(1 / 1.3)


def test_the_break_even_in_machine_time_takes_the_faster_seconds_too() -> None:
    facts = {
        times: {fact.name: fact.value for fact in seen(timed_job(times)).facts}
        for times in (1.0, 8.0)
    }
    name = "Break-even in machine time"
    assert facts[1.0][name] == facts[8.0][name]


def test_both_forms_of_the_report_tell_it_and_mark_the_run() -> None:
    for page in (render_html(timed_job(1.6)), render_markdown(timed_job(1.6))):
        assert "1.6 times as long for each token" in page
        assert "test, disturbed" in page
        assert "dev, disturbed" not in page
