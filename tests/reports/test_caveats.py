"""What a first screen says against its verdict: what got worse, and what nobody tested."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

import pytest

from evals.stats import one_sided_z, smallest_detectable_gain
from reports import render_html
from reports.caveats import caveats_of, detectable_gain
from reports.disclosure import SEALED
from reports.verdict import verdict_view
from reports.worse import worse_said
from tests.reports.partial_jobs import gate_only, small_job
from tests.reports.test_payback import payback
from tests.reports.test_timing import timed_job
from tuning.gate.rules import AUDIT
from tuning.intervals import Interval
from tuning.records import CostStanding, JobRecord, RuleLine


def said(job: JobRecord) -> dict[str, str]:
    return {each.label: each.text for each in caveats_of(job, SEALED)}


def test_what_got_worse_is_counted_by_every_metric_and_guard() -> None:
    job = small_job()
    assert job.shipping is not None
    worse = said(replace(job, shipping=replace(job.shipping, losses=3)))["Got worse"]
    assert worse.startswith("3 sealed cases by correct")
    (guard,) = job.shipping.guards
    lost = f"{round(100 * abs(guard.difference.estimate), 1):g} points"
    assert f"guard general_ability by {lost} (guard passed)" in worse


def test_where_nothing_is_lost_that_is_said_and_before_judging_nothing_is() -> None:
    job = small_job()
    assert job.shipping is not None
    kept = tuple(
        replace(guard, difference=replace(guard.difference, estimate=0.01))
        for guard in job.shipping.guards
    )
    runs = {key: run for key, run in job.runs.items() if key != job.leader_test}
    ship = replace(job.shipping, guards=kept)
    bare = replace(job, shipping=ship, leader_test=None, runs=runs)
    assert worse_said(bare) == "nothing that was measured"
    assert worse_said(gate_only()) == ""


def test_labels_that_nobody_audited_are_told() -> None:
    job = gate_only()
    assert job.decision is not None
    line = RuleLine("fix_evals", "The evals are faulty", "does_not_apply", f"{AUDIT}: not tested.")
    decision = replace(job.decision, rules=(line,))
    assert "(audit)" in said(replace(job, decision=decision))["Not tested, whether"]
    line = replace(line, evidence=f"{AUDIT}: passed.")
    assert "Not tested, whether" not in said(
        replace(job, decision=replace(decision, rules=(line,)))
    )


def test_what_tuning_costs_is_not_untested_once_it_was_measured() -> None:
    rule = RuleLine("fine_tune", "Tuning pays for itself", "not_tested", "Cost was not tested.")
    before, after = gate_only(), timed_job(1.0)
    assert before.decision is not None
    assert after.decision is not None
    shut = replace(before, decision=replace(before.decision, rules=(rule,)))
    assert "tuning pays" in said(shut)["Not tested, whether"]
    known = replace(after, decision=replace(after.decision, rules=(rule,)))
    assert "Not tested, whether" not in said(known)


def test_a_model_that_would_go_stale_is_not_said_to_pay_without_a_word_of_that() -> None:
    job = small_job()
    assert job.shipping is not None
    for stale in (False, True):
        measured = payback(retrain=None, is_estimate=False, months=0.0476, goes_stale=stale)
        paid = replace(job, shipping=replace(job.shipping, cost=CostStanding(measured)))
        [tile] = [
            t for t in verdict_view(paid, SEALED).tiles if t.label == "tuning pays for itself"
        ]
        assert tile.value == "after 1.4 days"
        assert ("would go stale" in tile.detail) is stale
        assert ("it would go stale" in render_html(paid)) is stale


def detected(losses: int, wins: int, cases: int, deff: float) -> float:
    """The gain said to be found, of sealed pairs whose interval is widened by clusters."""
    job = small_job()
    assert job.shipping is not None
    gain = (wins - losses) / cases
    error = sqrt(((wins + losses) / cases - gain**2) / cases * deff)
    half = one_sided_z(0.05) * error
    ship = replace(
        job.shipping,
        wins=wins,
        losses=losses,
        ties=cases - wins - losses,
        alpha=0.05,
        gain=Interval(gain, gain - half, gain + half, 0.95),
    )
    found = detectable_gain(replace(job, shipping=ship))
    assert found is not None
    assert found.cases == cases
    return found.gain


@pytest.mark.parametrize(("losses", "wins"), [(20, 30), (12, 29), (5, 10)])
def test_the_gain_that_is_found_is_that_of_the_formula_where_cases_are_independent(
    losses: int, wins: int
) -> None:
    alone = smallest_detectable_gain(250, (wins + losses) / 250)
    assert detected(losses, wins, 250, 1.0) == pytest.approx(alone, rel=0.1)
    assert detected(losses, wins, 250, 4.0) == pytest.approx(2 * alone, rel=0.1)


def test_whether_tuning_pays_stands_on_the_first_screen() -> None:
    job = small_job()
    assert job.shipping is not None
    measured = payback(retrain=None, is_estimate=False, months=None, months_worst=None)
    paid = replace(job, shipping=replace(job.shipping, cost=CostStanding(measured)))
    tiles = {tile.label: tile for tile in verdict_view(paid, SEALED).tiles}
    assert tiles["tuning pays for itself"].value == "never"
    assert "100,000 calls a month" in tiles["tuning pays for itself"].detail
