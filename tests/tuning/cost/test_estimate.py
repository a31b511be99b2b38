"""What tuning would cost, told before anything is trained: from runs, labelled, and never short."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from evals.approach import Technique
from evals.records import Run
from evals.spending.prices import Prices
from evals.spending.records import Hours, Machine
from evals.suite import Suite
from tests.tuning.cost.scene import BY_TOKENS, MODEL, TOKEN, job, load, operation, write_scene
from tuning.cost.before import expected_payback
from tuning.cost.missing import missing_of
from tuning.data.dataset import clean_examples
from tuning.records import Payback

TIMED = Prices("EUR", hours=Hours(machine=3600.0, training=36.0))


@pytest.fixture
def stored(tmp_path: Path) -> tuple[Suite, dict[str, Run]]:
    """The suite and its dev runs by label."""
    write_scene(tmp_path, operation())
    work = job(tmp_path, BY_TOKENS)
    work.run(tune=False)
    runs = [work.ledger.run(header.id) for header in work.ledger.runs("tickets", "dev")]
    return load(tmp_path), {run.candidate.label: run for run in runs}


def expected(stored: tuple[Suite, dict[str, Run]], prices: Prices, *left_out: str) -> Payback:
    suite, runs = stored
    kept = [run for label, run in runs.items() if label not in left_out]
    found = expected_payback(suite, kept, runs["spec"], prices)
    assert found.payback is not None, found.missing
    return found.payback


def test_the_tuning_prompt_is_taken_as_it_was_measured(stored) -> None:
    found = expected(stored, BY_TOKENS)
    outputs = [result.output for result in stored[1]["terse"].results]
    mean = sum(output.prompt_tokens for output in outputs) / len(outputs)
    assert found.after == pytest.approx(1000 * TOKEN * round(mean))
    assert "'terse' was measured without demonstrations" in found.basis[0]


def test_a_prompt_that_was_never_run_is_rendered_and_held_to_be_longer(stored) -> None:
    measured, rendered = expected(stored, BY_TOKENS), expected(stored, BY_TOKENS, "terse")
    assert "rendered and never run" in rendered.basis[0]
    assert rendered.after == pytest.approx(measured.after, rel=0.15)
    assert rendered.after_worst > rendered.after


def test_votes_and_reasoning_are_not_taken_for_what_a_tuned_call_will_take(stored) -> None:
    suite, runs = stored
    how = Technique(reasoning=True, votes=5, temperature=0.7)
    swollen = []
    for run in runs.values():
        results = [
            replace(
                result,
                output=replace(
                    result.output,
                    prompt_tokens=10 * result.output.prompt_tokens,
                    completion_tokens=500 * result.output.completion_tokens,
                    full="thoughts",
                    ballots=("a",) * 5,
                ),
            )
            for result in run.results
        ]
        candidate = replace(run.candidate, technique=how)
        swollen.append(replace(run, candidate=candidate, results=tuple(results)))
    for left_out in ((), ("terse",)):
        kept = [run for label, run in runs.items() if label not in left_out]
        plain = expected_payback(suite, kept, runs["spec"], BY_TOKENS).payback
        both = expected_payback(suite, [*kept, *swollen], runs["spec"], BY_TOKENS).payback
        assert plain is not None
        assert both is not None
        assert (both.after, both.after_worst) == (plain.after, plain.after_worst)


def test_a_time_that_was_never_measured_is_asked_for_and_not_guessed(stored) -> None:
    suite, runs = stored
    others = [run for label, run in runs.items() if label != "terse"]
    found = expected_payback(suite, others, runs["spec"], TIMED)
    assert found.payback is None
    assert "tunegate eval tickets --prompt terse" in found.missing[0]


def test_by_the_hour_a_tuned_call_is_held_to_be_a_quarter_slower(stored) -> None:
    found = expected(stored, TIMED)
    assert found.after_worst >= 1.25 * found.after


def test_training_is_reckoned_from_the_slowest_run(stored) -> None:
    suite, runs = stored
    found = expected(stored, TIMED)
    speeds = [
        sum(r.output.prompt_tokens + r.output.completion_tokens for r in run.results) / run.seconds
        for run in runs.values()
    ]
    assert clean_examples(suite) == 30
    assert "passes over the data: 1" in found.basis[1]
    # 30 examples (5 percent of general ones beside them round to 2 at most), one pass, about 10
    # tokens each, twice as long as answering takes, at 36 an hour
    tokens = 30 * 10
    assert found.training == pytest.approx(2 * tokens / min(speeds) * 36 / 3600, rel=0.3)
    assert found.training_worst == pytest.approx(2 * found.training)


def test_several_trainings_cost_as_many_times_as_much(stored) -> None:
    suite, runs = stored
    thrice = replace(suite, tune=replace(suite.tune, seeds=3))
    once, found = expected(stored, TIMED), expected((thrice, runs), TIMED)
    assert found.training == pytest.approx(3 * once.training)
    assert found.training_worst == pytest.approx(3 * once.training_worst)
    assert any("3 times" in text for text in found.basis)


def test_runs_of_another_harness_that_measured_nothing_are_not_free(stored) -> None:
    suite, runs = stored
    unmeasured = [
        replace(
            run,
            seconds=0.0,
            results=tuple(
                replace(r, output=replace(r.output, prompt_tokens=0, completion_tokens=0))
                for r in run.results
            ),
        )
        for run in runs.values()
    ]
    for prices in (BY_TOKENS, TIMED):
        found = expected_payback(suite, unmeasured, unmeasured[1], prices)
        assert found.payback is None
        assert "without tokens or without seconds" in found.missing[0]


def test_the_unfavourable_end_is_never_the_better_one(stored) -> None:
    for prices in (BY_TOKENS, TIMED, replace(BY_TOKENS, tuned={MODEL: Machine(1.0)})):
        found = expected(stored, prices)
        assert found.after_worst >= found.after
        assert found.training_worst >= found.training


def test_a_hosted_model_is_not_trained_here() -> None:
    from evals.suite.spec import OperationSpec

    missing = missing_of(OperationSpec(calls_per_month=1), "openai:m", BY_TOKENS)
    assert len(missing) == 1
    assert "weights are not at hand" in missing[0]
