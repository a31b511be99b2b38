from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from evals.errors import ModelError, TrainingError
from evals.suite import load_suite
from tests.sample_suite import PROMPTS, write_suite
from tests.tuning.data.test_files import chat_row
from tuning.learning.sampling import Part
from tuning.training.base import BaseModel, open_base
from tuning.training.tune import training_set, tune_suite, tuning_prompt

TUNE = "tune: {method: lora, prompt: terse, min_examples: 20, epochs: 0.5, rank: 2}\n"


def test_a_suite_is_tuned_from_its_files_to_a_proven_adapter(
    tmp_path: Path, tiny_base: BaseModel
) -> None:
    suite = load_suite(write_suite(tmp_path / "s", extra=TUNE))
    record = tune_suite(suite, tiny_base.name, tmp_path / "adapters")
    assert (record.prompt, record.method) == ("terse", "lora")
    assert record.examples + record.held_out == 30
    assert record.settings["rank"] == 2
    codes = [finding.code for finding in record.findings if finding.code != "not_looked_for"]
    assert codes == ["lengths"]
    assert record.sources == {"suite": 30}
    assert "⟦billing<|im_end|>⟧" in record.preview
    assert tune_suite(suite, tiny_base.name, tmp_path / "adapters") == record


def test_an_adapter_is_trained_on_the_suites_files_too_and_is_another_for_it(
    tmp_path: Path, tiny_base: BaseModel
) -> None:
    root = tmp_path / "adapters"
    folder = write_suite(tmp_path / "s", extra=TUNE.replace("}", ", data: [x.jsonl]}"))
    adapters = []
    for answer in ("login", "billing", "login"):
        (folder / "x.jsonl").write_text(chat_row("brand new words", answer))
        record = tune_suite(load_suite(folder), tiny_base.name, root)
        assert record.examples + record.held_out == 31
        assert record.sources == {"suite": 30, "file x.jsonl": 1}
        adapters.append(record.adapter_path)
    assert adapters[0] == adapters[2] != adapters[1]


def test_a_part_is_trained_as_if_there_were_no_more_and_the_whole_is_what_tune_makes(
    tmp_path: Path, tiny_base: BaseModel
) -> None:
    suite = load_suite(write_suite(tmp_path / "s", extra=TUNE))
    root = tmp_path / "adapters"
    half = tune_suite(suite, tiny_base.name, root, part=Part(Fraction(1, 2), 0))
    assert half.examples + half.held_out == 15
    whole = tune_suite(suite, tiny_base.name, root)
    assert tune_suite(suite, tiny_base.name, root, part=Part(Fraction(1), 0)) == whole
    assert half.adapter != whole.adapter
    folders = [path for path in root.iterdir() if path.is_dir()]
    assert len(folders) == 2
    other = tune_suite(suite, tiny_base.name, root, part=Part(Fraction(1, 2), 1))
    assert other.settings["seed"] == 1
    assert other.data_fingerprint != half.data_fingerprint


def test_refused_data_never_reach_the_trainer(tmp_path: Path, tiny_base: BaseModel) -> None:
    suite = load_suite(write_suite(tmp_path / "s", extra=TUNE, sizes={"train": 5, "dev": 9}))
    with pytest.raises(TrainingError, match="5 different examples"):
        tune_suite(suite, tiny_base.name, tmp_path / "adapters")
    assert not (tmp_path / "adapters").exists()


def test_longer_examples_are_left_out_with_a_count_only_where_that_is_allowed(
    tmp_path: Path, tiny_base: BaseModel
) -> None:
    def lengthen(row: dict[str, object]) -> dict[str, object]:
        return row | {"input": {"text": "word " * 900}} if row["id"] == "train-0002" else row

    suite = load_suite(write_suite(tmp_path / "s", extra=TUNE, change=lengthen))
    with pytest.raises(TrainingError, match="longer than 512 tokens: train-0002"):
        tune_suite(suite, tiny_base.name, tmp_path / "adapters")
    extra = TUNE.replace("}", ", too_long: leave_out}")
    suite = load_suite(write_suite(tmp_path / "t", extra=extra, change=lengthen))
    data = training_set(suite, tiny_base)
    assert "train-0002" not in {example.case_id for example in data.examples}
    assert len(data.examples) == len(data.encoded) == 29
    assert data.left_out == ("train-0002",)


def test_without_a_stated_prompt_the_shortest_is_trained_with(tmp_path: Path) -> None:
    suite = load_suite(write_suite(tmp_path / "s", extra=""))
    assert tuning_prompt(suite) == min(PROMPTS, key=lambda name: len(PROMPTS[name]))


def test_a_scripted_model_cannot_be_trained() -> None:
    with pytest.raises(ModelError, match="cannot be trained"):
        open_base("scripted:answers.json")


@pytest.mark.real_model
def test_the_embedded_model_learns_a_form_it_does_not_know(tmp_path: Path) -> None:
    def coded(row: dict[str, object]) -> dict[str, object]:
        return row | {"answer": f"TEAM[{row['expected']}]"}

    extra = "tune: {prompt: terse, min_examples: 20, epochs: 4, learning_rate: 0.002}\n"
    sizes = {"train": 48, "dev": 9, "test": 9}
    suite = load_suite(write_suite(tmp_path / "s", extra=extra, sizes=sizes, change=coded))
    record = tune_suite(suite, "smollm2-135m", tmp_path / "adapters")
    assert [proof for proof in record.proofs if not proof.passed] == []
    losses = [point.loss for point in record.curve if point.loss is not None]
    assert losses[-1] < losses[0] / 4
