"""Which stored runs of other models count: those that ask what the leader's run asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evals.ledger import Ledger
from evals.records import Candidate, CaseResult, Decoding, Output, Run, Score
from evals.spending.prices import Prices
from evals.suite import Suite, load_suite
from tests.sample_suite import write_suite
from tests.tuning.gate.test_deciding import judge, search
from tuning.gate.evidence import Soundness, StrongerModel
from tuning.stronger.found import awaits_others, compared_models, find_stronger

EXTRA = 'target: 0.9\ncompare_models: ["openai:a", "scripted:small", "openai:b"]\n'
LEADER = Candidate("scripted:small", "f0", "spec", "p", "static", 2, 0, "d")


def made(candidate: Candidate, run_id: str, when: int = 0, **changes: Any) -> Run:
    results = tuple(
        CaseResult(f"c{n}", f"f{n}", "q", Output("x", "stop"), {"accuracy": Score(1.0)})
        for n in range(4)
    )
    run = Run(
        run_id, "tickets", "s", "scoring", "dev", "accuracy", candidate, results, 1.0, f"{when:04}"
    )
    return replace(run, **changes)


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    return load_suite(write_suite(tmp_path / "tickets", extra=EXTRA))


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger")


def large(**changes: Any) -> Candidate:
    return replace(LEADER, model="openai:a", model_fingerprint="a1", **changes)


def test_the_model_judged_is_left_out_and_the_order_is_the_suites(
    suite: Suite, ledger: Ledger
) -> None:
    assert compared_models(suite, "scripted:small") == ("openai:a", "openai:b")
    found = find_stronger(suite, ledger, made(LEADER, "leader"), Prices())
    assert [(one.label, one.arm) for one in found] == [("openai:a", None), ("openai:b", None)]


@pytest.mark.parametrize(
    "run",
    [
        made(large(prompt_fingerprint="other"), "x"),
        made(large(demonstrations="nearest"), "x"),
        made(large(k=4), "x"),
        made(large(seed=1), "x"),
        made(large(demonstrations_fingerprint="other"), "x"),
        made(large(adapter="tuned"), "x"),
        made(large(decoding=Decoding(seed=1)), "x"),
        made(large(), "x", scoring_fingerprint="other"),
        made(large(), "x", split="test"),
        made(large(), "x", results=made(large(), "x").results[:3]),
        made(
            large(),
            "x",
            results=tuple(replace(r, case_fingerprint="new") for r in made(large(), "x").results),
        ),
    ],
    ids=lambda run: run.id,
)
def test_a_run_that_asks_anything_else_does_not_count(
    run: Run, suite: Suite, ledger: Ledger
) -> None:
    ledger.store_run(run, ())
    first, _ = find_stronger(suite, ledger, made(LEADER, "leader"), Prices())
    assert (first.arm, first.left_out) == (None, 0)
    ledger.store_run(made(large(), "same"), ())
    first, _ = find_stronger(suite, ledger, made(LEADER, "leader"), Prices())
    assert first.arm is not None
    assert first.arm.run_id == "same"


def test_of_other_weights_the_newest_counts_unless_they_are_known(
    suite: Suite, ledger: Ledger
) -> None:
    ledger.store_run(made(large(), "old", 1), ())
    ledger.store_run(made(replace(large(), model_fingerprint="a2"), "new", 2), ())
    leader = made(LEADER, "leader")
    first, _ = find_stronger(suite, ledger, leader, Prices())
    assert first.arm is not None
    assert (first.arm.run_id, first.left_out) == ("new", 1)
    first, _ = find_stronger(suite, ledger, leader, Prices(), {"openai:a": "a1"})
    assert first.arm is not None
    assert (first.arm.run_id, first.left_out) == ("old", 1)


def test_other_models_are_awaited_only_where_they_can_change_the_verdict() -> None:
    unrun = (StrongerModel("large", None),)
    flat, target = search(0, 0, 250, 60), 0.9
    waiting = judge(flat, target=target, stronger_models=unrun)
    assert awaits_others(waiting)
    assert awaits_others(judge(flat, target=target, stronger_models=unrun, clean_examples=0))
    suffices = judge(search(0, 0, 250, 240), target=target, stronger_models=unrun)
    faulty = judge(
        flat, target=target, stronger_models=unrun, soundness=Soundness(self_test_passed=False)
    )
    assert suffices.plateau
    assert faulty.plateau
    for decided in (
        suffices,
        faulty,
        judge(flat, stronger_models=unrun),
        judge(flat, target=target),
        judge(search(45, 15, 200, 40), target=target, stronger_models=unrun),
    ):
        assert not awaits_others(decided)
