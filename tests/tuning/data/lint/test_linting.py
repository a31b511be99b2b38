from __future__ import annotations

from pathlib import Path

import pytest

from evals.errors import TrainingError
from evals.records import Case, Finding
from evals.suite import load_suite
from evals.suite.spec import Suite
from tests.sample_suite import write_suite
from tuning.data.dataset import build_examples, encode_examples
from tuning.data.lint import Accepts, Lengths, lint_examples, refuse_errors
from tuning.training.base import BaseModel

TUNE = "tune: {method: lora, prompt: terse, min_examples: 20}\n"


def lint(
    suite: Suite,
    base: BaseModel,
    lengths: Lengths = Lengths(512),  # noqa: B008 - frozen
    accepts: Accepts | None = None,
) -> dict[str, Finding]:
    examples = build_examples(suite, "terse")
    encoded = encode_examples(base.tokenizer, examples)
    findings = lint_examples(suite, "terse", examples, encoded, lengths, accepts=accepts)
    return {finding.code: finding for finding in findings}


def spoiled(tmp_path: Path, case_id: str, **values: object) -> Suite:
    def change(row: dict[str, object]) -> dict[str, object]:
        return row | values if row["id"] == case_id else row

    return load_suite(write_suite(tmp_path / "s", extra=TUNE, change=change))


def text_of(tmp_path: Path, case_id: str) -> str:
    suite = load_suite(write_suite(tmp_path / "plain", extra=TUNE))
    return next(str(case.input["text"]) for case in suite.cases if case.id == case_id)


def test_sound_data_yield_only_notes(tmp_path: Path, tiny_base: BaseModel) -> None:
    findings = lint(load_suite(write_suite(tmp_path / "s", extra=TUNE)), tiny_base)
    assert set(findings) - {"not_looked_for"} == {"lengths"}
    assert "nothing truncated" in findings["lengths"].message
    refuse_errors(findings.values())


@pytest.mark.parametrize("split", ["dev", "test"])
def test_a_leak_is_refused_naming_both_rows_however_it_is_spelled(
    tmp_path: Path, tiny_base: BaseModel, split: str
) -> None:
    leaked = f"  {text_of(tmp_path, f'{split}-0004').upper()}! "
    findings = lint(spoiled(tmp_path, "train-0007", input={"text": leaked}), tiny_base)
    with pytest.raises(TrainingError) as caught:
        refuse_errors(findings.values())
    assert "train-0007" in str(caught.value)
    assert f"{split} case {split}-0004" in str(caught.value)
    assert "train.jsonl:8" in str(caught.value)


def test_a_leak_that_only_the_rendered_prompt_shows_is_refused(
    tmp_path: Path, tiny_base: BaseModel
) -> None:
    same = {"text": text_of(tmp_path, "dev-0004"), "unused": "another field"}
    assert "leak" in lint(spoiled(tmp_path, "train-0007", input=same), tiny_base)


def test_the_same_prompt_with_different_answers_is_refused(
    tmp_path: Path, tiny_base: BaseModel
) -> None:
    same = {"text": text_of(tmp_path, "train-0001")}
    found = lint(spoiled(tmp_path, "train-0003", input=same), tiny_base)["contradiction"]
    assert found.level == "error"
    assert "train-0001" in found.message
    assert "train-0003" in found.message


def test_the_same_prompt_with_the_same_answer_is_a_warning(
    tmp_path: Path, tiny_base: BaseModel
) -> None:
    same = {"text": text_of(tmp_path, "train-0000")}
    found = lint(spoiled(tmp_path, "train-0003", input=same), tiny_base)["duplicate"]
    assert found.level == "warning"
    assert "train-0003" in found.message


def test_a_blank_answer_is_refused(tmp_path: Path, tiny_base: BaseModel) -> None:
    findings = lint(spoiled(tmp_path, "train-0003", answer="  "), tiny_base)
    assert findings["empty_answer"].level == "error"


def test_an_example_that_is_too_long_is_refused_or_left_out_but_never_cut(
    tmp_path: Path, tiny_base: BaseModel
) -> None:
    suite = spoiled(tmp_path, "train-0003", input={"text": "very long " * 200})
    refused = lint(suite, tiny_base)["too_long"]
    assert refused.level == "error"
    assert "train-0003" in refused.message
    allowed = lint(suite, tiny_base, Lengths(512, leave_out_longer=True))["left_out"]
    assert allowed.level == "warning"
    assert allowed.message.startswith("1 example")


def test_too_few_different_examples_are_refused(tmp_path: Path, tiny_base: BaseModel) -> None:
    suite = load_suite(
        write_suite(tmp_path / "s", extra=TUNE, sizes={"train": 19, "dev": 20, "test": 20})
    )
    assert "19" in lint(suite, tiny_base)["too_few"].message


def test_an_answer_that_the_own_scorer_rejects_is_refused(
    tmp_path: Path, tiny_base: BaseModel
) -> None:
    def accepts(case: Case, answer: str) -> bool:
        return case.id != "train-0005"

    suite = load_suite(write_suite(tmp_path / "s", extra=TUNE))
    found = lint(suite, tiny_base, accepts=accepts)["rejected_answer"]
    assert found.level == "error"
    assert "train-0005" in found.message


def test_one_answer_for_nearly_everything_is_a_warning(
    tmp_path: Path, tiny_base: BaseModel
) -> None:
    suite = load_suite(
        write_suite(tmp_path / "s", extra=TUNE, change=lambda row: row | {"expected": "login"})
    )
    assert "100%" in lint(suite, tiny_base)["imbalance"].message
