"""The table of methods: what each row trains, and what the page says of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.methods.__main__ import known_results, missing_rows
from benchmarks.methods.measuring import (
    RESULTS,
    SUITES,
    Places,
    Result,
    Shift,
    contradictions,
    measure,
    stored_result,
    suite_of,
)
from benchmarks.methods.page import page
from benchmarks.methods.rows import FIRST, QUERIES, ROWS, SHORT, SIZES, Size
from evals.codec import encode
from evals.suite import load_suite
from evals.suite.tune_methods import METHODS, misfit_of
from evals.suite.tune_weights import WEIGHTS
from tests.tunegate.scenes import pretended_training
from tuning.records import Interval, Proof, TrainingRecord
from tuning.training.adapters import write_manifest

SIZE = Size(examples=40, epochs=2.0, dev=12, guard=12)


def trained() -> TrainingRecord:
    suite = load_suite(SUITES / QUERIES)
    record = pretended_training("a")(suite, "smollm2-135m", Path())
    return replace(record, settings={"learning_rate": 2e-3})


def result(name: str, **changes: object) -> Result:
    up = Shift(Interval(0.1, 0.05, 0.2), Interval(0.4, 0.3, 0.5), Interval(0.3, 0.2, 0.4))
    training = trained()
    size = tuple(SIZES[ROWS[name].suite])
    found = Result(name, size, training=training, score=up, guard=up)
    return replace(found, **changes)  # type: ignore[arg-type]


def test_every_method_and_every_kind_of_weights_has_a_row() -> None:
    methods = {row.tune.get("method", "lora") for row in ROWS.values()}
    assert methods == set(METHODS)
    weights = {row.tune.get("weights") or row.tune.get("method", "lora") for row in ROWS.values()}
    assert set(WEIGHTS) <= weights
    assert {row.tune.get("variant", "plain") for row in ROWS.values()} == set(
        WEIGHTS["lora"].variants
    )
    assert next(iter(ROWS)) == FIRST


@pytest.mark.parametrize("name", list(ROWS))
def test_each_row_is_a_lawful_training_of_the_shipped_suite(name: str) -> None:
    suite = suite_of(ROWS[name], SIZE)
    assert misfit_of(suite.tune) is None
    assert len(suite.split("train")) == 40 + 4 * ROWS[name].contradicting
    assert len(suite.split("dev")) >= SIZES[ROWS[name].suite].dev
    assert (
        len(load_suite(SUITES / ROWS[name].suite).split("train"))
        >= SIZES[ROWS[name].suite].examples
    )
    own = suite.tune.own
    assert [type(one) for one in own] == ([type(ROWS[name].own)] if ROWS[name].own else [])
    for one in own:
        reward, held_out = getattr(one, "reward", ""), getattr(one, "held_out", "")
        assert {reward, held_out} - {""} <= set(suite.metrics)


def test_a_row_begins_from_one_of_its_own_suite() -> None:
    for row in ROWS.values():
        assert not row.begins or ROWS[row.begins].suite == row.suite


def test_a_tenth_of_the_examples_says_something_else_the_second_time() -> None:
    cases = suite_of(ROWS[FIRST], SIZE).split("train")
    wrong = contradictions(cases)
    assert len(wrong) == 4
    by_input = {str(case.input): case for case in cases}
    for case in wrong:
        right = by_input[str(case.input)]
        assert case.id == f"{right.id}-wrong"
        assert case.expected != right.expected


def test_the_page_has_what_was_measured_and_names_what_was_not() -> None:
    failed = Proof("no reward hacking", False, "the reward rose, the score fell")
    cheated = "grpo, a reward that can be cheated"
    training = replace(trained(), proofs=(failed,))
    up = result(cheated).score
    known = {
        FIRST: result(FIRST),
        cheated: result(cheated, training=training, reward=up),
        "qlora": Result("qlora", tuple(SIZES[QUERIES]), error="bitsandbytes is not installed"),
    }
    text = page(known)
    assert "| lora | 0.100" in text
    assert "+0.300" in text
    assert "**refused**" in text
    assert "no reward hacking" in text
    assert "- qlora: bitsandbytes is not installed" in text
    assert f"not asked for: {SHORT}; full; dpo" in text
    assert f"| {cheated}†" in text


def test_a_refusal_is_stored_as_a_result_of_its_size(tmp_path: Path) -> None:
    places = Places(tmp_path / "results", tmp_path / "ledger")
    measure(ROWS[FIRST], places, SIZE)
    found = stored_result(places.results, ROWS[FIRST], SIZE)
    assert found is not None
    assert "40 different examples, and the suite wants at least 100" in found.error
    assert stored_result(places.results, ROWS[FIRST], SIZE._replace(dev=13)) is None


def test_where_an_adapter_is_gone_it_is_trained_again_for_those_that_begin_from_it(
    tmp_path: Path,
) -> None:
    places = Places(tmp_path / "results", tmp_path / "ledger")
    places.results.mkdir()
    stored = result(FIRST, training=replace(trained(), adapter_path="adapters/a"))
    (places.results / f"{FIRST}.json").write_text(encode(stored))
    child = next(row for row in ROWS.values() if row.begins == FIRST)
    assert missing_rows([FIRST, "full"], places) == [ROWS["full"]]
    assert missing_rows([FIRST, child.name], places) == [ROWS[FIRST], child]
    adapter = places.ledger / "adapters" / "a"
    adapter.mkdir(parents=True)
    (adapter / "adapter_model.safetensors").write_bytes(b"weights")
    (adapter / "adapter_config.json").write_text("{}")
    write_manifest(adapter, trained())
    assert missing_rows([FIRST, child.name], places) == [child]


def test_the_page_in_the_docs_is_that_of_the_stored_results() -> None:
    found = known_results(RESULTS)
    docs = RESULTS.parents[2] / "docs" / "methods_measured.md"
    assert page(found) == docs.read_text(encoding="utf-8")
    for one in found.values():
        assert one.training is None or not Path(one.training.adapter_path).is_absolute()
