"""A whole job in which cost opens the gate and ships, and jobs in which it must not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import tuning.trainer
from evals.spending.prices import Prices
from evals.spending.records import Hours
from reports import render_html, render_markdown
from tests.tunegate.scenes import pretended_training
from tests.tuning.cost.scene import (
    BY_HOURS,
    BY_TOKENS,
    SAVED,
    TOKEN,
    Disturber,
    Ticking,
    job,
    operation,
    tuned_dearer,
    write_scene,
)
from tuning.cost.payback import pays
from tuning.records import JobRecord
from tuning.stored import decide_stored, load_job


@pytest.fixture(autouse=True)
def training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning.trainer, "tune_suite", pretended_training("tuned"))


def test_cost_opens_the_gate_and_ships_what_is_cheaper_and_not_worse(tmp_path: Path) -> None:
    write_scene(tmp_path, operation())
    record = job(tmp_path, BY_TOKENS).run()
    assert record.decision is not None
    assert record.decision.verdict == "fine_tune"
    assert record.decision.rules[1].status == "applies"
    assert record.decision.sentence.startswith("Fine-tune to cut cost: at 10,000 calls a month")
    expected = record.decision.cost.payback  # type: ignore[union-attr]
    assert expected is not None
    assert expected.is_estimate
    assert expected.before_label == "spec"
    told = record.decision.would_train
    assert told is not None
    assert told.seconds == pytest.approx(expected.training)  # a second costs 1
    assert 0 < told.seconds < told.most == pytest.approx(expected.training_worst)
    assert expected.before - expected.after == pytest.approx(1000 * SAVED * TOKEN, rel=0.1)

    assert record.shipping is not None
    assert record.shipping.verdict == "ship_adapter"
    assert "cheaper" in record.shipping.sentence
    paid = record.shipping.cost.payback  # type: ignore[union-attr]
    assert paid is not None
    assert not paid.is_estimate
    assert paid.before - paid.after == pytest.approx(1000 * SAVED * TOKEN)
    assert paid.training == pytest.approx(1.5)  # seconds, at 1 each
    assert paid.months == pytest.approx(1.5 / (10_000 * SAVED * TOKEN))

    stored = load_job(job(tmp_path, BY_TOKENS).ledger, "tickets", "scripted:m")
    assert stored is not None
    for text in (render_html(stored), render_markdown(stored)):
        assert "As measured, at 10,000 calls a month a tuned model breaks even after" in text


def verdicts(folder: Path, prices: Prices) -> tuple[str, str, JobRecord]:
    record = job(folder, prices).run()
    assert record.decision is not None
    shipped = record.shipping.verdict if record.shipping else ""
    return record.decision.rules[1].status, shipped, record


@pytest.mark.parametrize(
    ("said", "prices", "status", "evidence"),
    [
        (
            operation(calls_per_month=None),
            BY_TOKENS,
            "not_tested",
            "write operation: {calls_per_month: ...} into suite.yaml",
        ),
        (operation(), Prices(), "not_tested", "no price of a call of scripted:m is stated"),
        (operation(), Prices(), "not_tested", "write hours: {training: ...} into tunegate-prices"),
        (
            operation(person_hours=2),
            replace(BY_TOKENS, hours=Hours(training=1.0)),
            "not_tested",
            "no price of people's work is stated",
        ),
        (operation(calls_per_month=1), BY_TOKENS, "does_not_apply", "never pay"),
        (operation(calls_per_month=0), BY_TOKENS, "does_not_apply", "never pay"),
        (operation(person_hours=40), BY_TOKENS, "does_not_apply", "only 12 months are allowed"),
        (operation(retrain_months=0.01), BY_TOKENS, "does_not_apply", "never pay"),
        (operation(facts_change="often"), BY_TOKENS, "does_not_apply", "would go stale"),
        (operation(), tuned_dearer(BY_TOKENS, 3.0), "does_not_apply", "never pay"),
        (operation(facts_change="often", retrain_months=3), BY_TOKENS, "applies", "breaks even"),
    ],
)
def test_cost_opens_the_gate_only_where_all_is_stated_and_it_pays(
    tmp_path: Path, said: str, prices: Prices, status: str, evidence: str
) -> None:
    write_scene(tmp_path, said)
    found, _, record = verdicts(tmp_path, prices)
    assert found == status
    assert record.decision is not None
    assert evidence in record.decision.rules[1].evidence


def test_an_adapter_that_forgot_a_topic_does_not_ship_for_cost(tmp_path: Path) -> None:
    write_scene(tmp_path, operation(), adapter=["billing"])
    status, shipped, record = verdicts(tmp_path, BY_TOKENS)
    assert (status, shipped) == ("applies", "reject_adapter")
    assert record.shipping is not None
    assert any("worse by more than 20 points" in reason for reason in record.shipping.reasons)


def test_an_adapter_that_does_not_pay_as_measured_is_judged_by_quality_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = pretended_training("tuned")

    def train(*arguments: object, **options: object) -> object:
        return replace(slow(*arguments, **options), seconds=1e6)  # type: ignore[arg-type]

    monkeypatch.setattr(tuning.trainer, "tune_suite", train)
    write_scene(tmp_path, operation())
    status, shipped, record = verdicts(tmp_path, BY_TOKENS)
    assert (status, shipped) == ("applies", "reject_adapter")
    assert record.shipping is not None
    assert any("does not break even in the time" in reason for reason in record.shipping.reasons)


def test_by_the_hour_the_same_batches_of_a_model_cost_the_same_and_save_nothing(
    tmp_path: Path,
) -> None:
    write_scene(tmp_path, operation())
    status, _, record = verdicts(tmp_path, BY_HOURS)  # every batch takes a second of the clock
    assert status == "does_not_apply"
    assert record.decision is not None
    assert record.decision.trials[0].cost is not None
    # 60 cases in 8 batches of a second each, at 1 a second
    assert record.decision.trials[0].cost.thousand == pytest.approx(1000 * 8 / 60)
    assert record.decision.trials[0].cost.by == "hours"


@pytest.mark.parametrize("seeds", [1, 2])
def test_a_sealed_run_that_the_machine_slowed_down_ships_nothing_for_cost(
    tmp_path: Path, seeds: int
) -> None:
    write_scene(tmp_path, operation(max_loss=0.3))
    clock = Ticking()
    whole = job(tmp_path, BY_HOURS, clock)
    suite = replace(whole.suite, tune=replace(whole.suite.tune, seeds=seeds))
    whole = replace(whole, suite=suite, narrator=Disturber(clock, "sealed split: spec"))
    record = whole.run(override="to see")
    assert record.shipping is not None
    cost = record.shipping.cost
    assert cost is not None
    assert cost.as_timed is not None
    assert pays(cost.as_timed), "by the seconds as they were, which nothing but the clock made"
    assert cost.payback is not None
    assert cost.payback.months is None
    assert record.shipping.verdict == "reject_adapter"

    stored = load_job(whole.ledger, "tickets", "scripted:m")
    assert stored is not None
    for page in (render_html(stored), render_markdown(stored)):
        assert "rule on cost took the faster runs: by those tuning does not pay" in page
        assert "by the sealed seconds as they were it pays" in page
        assert "As measured in the faster runs, at 10,000 calls a month a tuned model never" in page


def test_what_training_took_before_is_taken_for_what_it_will_take(tmp_path: Path) -> None:
    write_scene(tmp_path, operation())
    done = job(tmp_path, BY_TOKENS)
    done.run()
    decision = decide_stored(done.suite, done.ledger, "scripted:m", prices=BY_TOKENS)
    assert decision.cost is not None
    assert decision.cost.payback is not None
    assert decision.cost.payback.training == pytest.approx(1.5)
    assert "as an earlier training of this suite took" in decision.cost.payback.basis[1]


def test_without_prices_a_job_stores_what_calls_took_and_guesses_nothing(tmp_path: Path) -> None:
    write_scene(tmp_path, operation())
    record = job(tmp_path, Prices()).run()
    assert record.decision is not None
    assert all(trial.cost and trial.cost.thousand is None for trial in record.decision.trials)
    assert record.decision.cost is not None
    assert record.decision.cost.payback is None
    assert len(record.decision.cost.missing) == 2
