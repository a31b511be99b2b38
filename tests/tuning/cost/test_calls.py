"""What a call costs and how long it took: by hand, and never guessed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from evals.records import Candidate, CaseResult, Output, Run
from evals.spending.prices import Prices
from evals.spending.records import Hours, Machine, Price, Spending
from evals.suite.spec import OperationSpec
from tuning.cost.after import DevRuns, cost_route, measured_payback, standard_error
from tuning.cost.calls import call_cost, cost_of_call, quantile
from tuning.records import CostStanding, TrainingRecord
from tuning.shipping.judging import CostRoute

LOCAL = "hf:small"


def run_of(
    tokens: Sequence[tuple[int, int]],
    *,
    seconds: float = 0.0,
    errors: int = 0,
    model: str = LOCAL,
    clusters: Sequence[str | None] = (),
) -> Run:
    """A run of calls with these tokens (prompt, completion), and errors after them."""
    outputs = [
        Output("x", "stop", prompt, completion, 0.1 * n)
        for n, (prompt, completion) in enumerate(tokens, 1)
    ]
    outputs += [Output(None, "error", 5, error="gone")] * errors
    groups = clusters or [None] * len(outputs)
    results = tuple(
        CaseResult(f"c{n}", f"f{n}", "p", output, cluster=groups[n])
        for n, output in enumerate(outputs)
    )
    candidate = Candidate(model, "print", "spec", "prompt")
    return Run("r", "s", "sf", "sc", "dev", "m", candidate, results, seconds, "now")


def test_tokens_cost_what_the_list_says() -> None:
    prices = Prices("EUR", {LOCAL: Price(2.0, 10.0)})
    found = call_cost(run_of([(100, 10), (300, 30)]), prices)
    # 400 * 2 + 40 * 10 = 1,200 for a million calls' worth, over 2 calls: 0.6 for 1,000
    assert found.thousand == pytest.approx(0.6)
    assert (found.currency, found.by) == ("EUR", "tokens")


def test_a_vote_costs_all_its_requests() -> None:
    run = run_of([(300, 30)])
    output = replace(run.results[0].output, ballots=("x", "y", None))
    run = replace(run, results=(replace(run.results[0], output=output),))
    price = Price(0.0, 0.0, request=0.25)
    assert call_cost(run, Prices("EUR", {LOCAL: price})).thousand == pytest.approx(500)


def test_hours_cost_the_run_s_seconds_for_each_answered_call() -> None:
    prices = Prices(hours=Hours(machine=1.2))
    found = call_cost(run_of([(1, 1)] * 4, seconds=12.0, errors=1), prices)
    assert found.thousand == pytest.approx(1000 * (12 / 4) * 1.2 / 3600)
    assert found.by == "hours"


def test_a_machine_of_its_own_comes_before_the_one_of_all() -> None:
    prices = Prices(hours=Hours(machine=1.0), machines={"hf:*": Machine(7.2)})
    assert call_cost(run_of([(1, 1)], seconds=1.0), prices).thousand == pytest.approx(2.0)


def test_what_was_not_measured_has_no_cost_and_is_not_free() -> None:
    assert call_cost(run_of([(1, 1)]), Prices(hours=Hours(machine=1.0))).thousand is None
    assert call_cost(run_of([(0, 0)]), Prices(models={LOCAL: Price(1, 1)})).thousand is None
    assert call_cost(run_of([(9, 1), (0, 0)]), Prices(models={LOCAL: Price(1, 1)})).thousand is None
    assert call_cost(run_of([], errors=3), Prices(models={LOCAL: Price(1, 1)})).thousand is None
    assert call_cost(run_of([(1, 1)]), Prices()).thousand is None


def test_latency_is_the_median_and_the_95th_percentile_of_answered_calls() -> None:
    found = call_cost(run_of([(1, 1)] * 20, errors=2), Prices())
    assert (found.median, found.p95) == (pytest.approx(1.0), pytest.approx(1.9))
    silent = run_of([(1, 1)])
    results = tuple(replace(r, output=replace(r.output, seconds=0.0)) for r in silent.results)
    assert call_cost(replace(silent, results=results), Prices()).median is None
    assert quantile([], 0.5) is None


def test_an_adapter_is_charged_as_a_tuned_version() -> None:
    prices = Prices(models={LOCAL: Price(1.0, 1.0)}, tuned={LOCAL: Price(3.0, 3.0)})
    run = run_of([(100, 0)])
    tuned = replace(run, candidate=replace(run.candidate, adapter="a"))
    assert call_cost(run, prices).thousand == pytest.approx(0.1)
    assert call_cost(tuned, prices).thousand == pytest.approx(0.3)


def test_a_hosted_run_without_a_list_keeps_the_price_it_was_made_with() -> None:
    run = run_of([(1000, 0)], model="openai:m")
    spent = Spending(1, 1000, 0, money=0.5, currency="GBP", price=Price(500.0, 0.0))
    found = call_cost(replace(run, spent=spent), Prices())
    assert (found.thousand, found.currency) == (pytest.approx(500.0), "GBP")
    assert call_cost(run, Prices(hours=Hours(machine=1.0))).thousand is None


def test_turns_of_a_conversation_are_requests() -> None:
    run = run_of([(0, 1)])
    talk = replace(run.results[0].output, replies=("a", "b"))
    run = replace(run, results=(replace(run.results[0], output=talk),))
    assert cost_of_call(run, Price(0, 0, request=0.25)) == pytest.approx(0.5)


def test_the_error_of_a_mean_is_that_of_its_clusters() -> None:
    values = [1.0, 1.0, 3.0, 3.0]
    alone = run_of([(1, 1)] * 4).results
    pairs = run_of([(1, 1)] * 4, clusters=["a", "a", "b", "b"]).results
    # deviations -1 -1 1 1: sqrt(4 * 4 / 3) / 4; of the clusters -2 and 2: sqrt(8 * 2 / 1) / 4
    assert standard_error(values, alone) == pytest.approx((16 / 3) ** 0.5 / 4)
    assert standard_error(values, pairs) == pytest.approx(1.0)
    assert standard_error(values, run_of([(1, 1)] * 4, clusters=["a"] * 4).results) is None


def test_the_saving_is_taken_at_its_lower_bound(suite_operation, trained) -> None:
    before = run_of([(100, 0), (200, 0), (300, 0), (400, 0)])
    after = run_of([(50, 0), (50, 0), (50, 0), (50, 0)])
    prices = Prices(models={LOCAL: Price(10.0, 0.0)}, hours=Hours(training=36.0))
    found = measured_payback(before, after, trained, suite_operation, prices).payback
    assert found is not None
    # saved 50, 150, 250, 350 tokens: mean 200, sd 129.1, se 64.55, 200 - 1.645 * 64.55 = 93.8
    assert found.before - found.after == pytest.approx(1000 * 200 * 1e-5)
    assert found.before - found.after_worst == pytest.approx(1000 * 93.8 * 1e-5, rel=1e-3)
    assert found.training == pytest.approx(1.0)  # 100 s at 36 an hour
    assert found.months == pytest.approx(1.0 / (1000 * 200 * 1e-5))


def test_times_are_taken_a_tenth_slower(suite_operation, trained) -> None:
    before, after = run_of([(1, 1)] * 2, seconds=4.0), run_of([(1, 1)] * 2, seconds=2.0)
    prices = Prices(hours=Hours(machine=3600.0))
    found = measured_payback(before, after, trained, suite_operation, prices).payback
    assert found is not None
    assert (found.before, found.after, found.after_worst) == pytest.approx((2000, 1000, 1100))


def test_seconds_that_dev_disagrees_with_are_those_of_the_faster_run(
    suite_operation, trained
) -> None:
    tokens = [(1, 1)] * 2
    before, after = run_of(tokens, seconds=8.0), run_of(tokens, seconds=2.0)
    dev = DevRuns(run_of(tokens, seconds=4.0), run_of(tokens, seconds=2.2))
    prices = Prices(hours=Hours(machine=3600.0))
    found = measured_payback(before, after, trained, suite_operation, prices, dev=dev)
    assert found.payback is not None
    assert found.as_timed is not None
    assert (found.payback.before, found.payback.after) == pytest.approx((2000, 1000))
    assert (
        found.as_timed == measured_payback(before, after, trained, suite_operation, prices).payback
    )
    assert found.as_timed.before == pytest.approx(4000)


def test_seconds_that_dev_agrees_with_and_money_by_tokens_stay(suite_operation, trained) -> None:
    tokens = [(300, 1), (200, 1)]
    before, after = run_of(tokens, seconds=8.0), run_of(tokens, seconds=2.0)
    close = DevRuns(run_of(tokens, seconds=5.5), run_of(tokens, seconds=2.0))
    far = DevRuns(run_of(tokens, seconds=4.0), run_of(tokens, seconds=2.0))
    hours, by_tokens = Prices(hours=Hours(machine=3600.0)), Prices(models={LOCAL: Price(1.0, 0.0)})
    by_tokens = replace(by_tokens, hours=Hours(training=36.0))
    for prices, dev in ((hours, close), (by_tokens, far)):
        found = measured_payback(before, after, trained, suite_operation, prices, dev=dev)
        assert found == measured_payback(before, after, trained, suite_operation, prices)
        assert found.as_timed is None


def test_a_tuned_version_may_be_dearer_than_what_it_saves(suite_operation, trained) -> None:
    before, after = run_of([(300, 0)] * 3), run_of([(200, 0)] * 3)
    after = replace(after, candidate=replace(after.candidate, adapter="a"))
    same = Prices(models={LOCAL: Price(1.0, 0.0)}, hours=Hours(training=36.0))
    dearer = replace(same, tuned={LOCAL: Price(2.0, 0.0)})
    cheap = measured_payback(before, after, trained, suite_operation, same).payback
    dear = measured_payback(before, after, trained, suite_operation, dearer).payback
    assert cheap is not None
    assert dear is not None
    assert cheap.after == pytest.approx(0.2)
    assert dear.after == pytest.approx(0.4)
    assert dear.months is None


def measured(first: int, training: float, trained: TrainingRecord) -> CostStanding:
    """Calls that save little but for the first, which saves `first` tokens; 36 an hour."""
    before = run_of([(first, 0), (60, 0), (60, 0), (60, 0)])
    prices = Prices(models={LOCAL: Price(10.0, 0.0)}, hours=Hours(training=36.0))
    record = replace(trained, seconds=training)
    operation = OperationSpec(calls_per_month=1000)
    return measured_payback(before, run_of([(50, 0)] * 4), record, operation, prices)


def test_the_route_is_open_only_where_the_lower_bound_pays_too(trained) -> None:
    operation = OperationSpec(calls_per_month=1000)
    sure, unsure = measured(60, 100.0, trained), measured(4000, 100.0, trained)
    for standing, met in ((sure, True), (unsure, False)):
        assert standing.payback is not None
        assert standing.payback.months is not None
        assert standing.payback.months <= 12
        assert cost_route(standing, operation) == CostRoute(0.05, met)
    assert unsure.payback is not None
    assert unsure.payback.months_worst is None


def test_there_is_no_route_for_what_goes_stale_or_is_not_known(trained) -> None:
    known = measured(60, 100.0, trained)
    often = OperationSpec(calls_per_month=1000, facts_change="often")
    assert cost_route(known, often) is None
    assert cost_route(known, replace(often, retrain_months=3.0)) is not None
    assert cost_route(CostStanding(missing=("a price",)), OperationSpec()) is None
