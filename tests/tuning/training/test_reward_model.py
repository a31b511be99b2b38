from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from evals.errors import ModelError, RecordError, TrainingError
from evals.models.tokens import encode_completion
from tests.tuning.conftest import preferences, tiny_settings
from tests.tuning.killed import die_in
from tests.tuning.training.reward_at import made
from tuning.training.base import BaseModel
from tuning.training.objectives.reward import padding_id
from tuning.training.reward_model import (
    RECORD,
    RewardModelRecord,
    describe,
    load_reward_model,
    read_reward_model,
    reward_settings,
    train_reward_model,
)


@pytest.fixture(scope="module")
def trained(tiny_base: BaseModel, tmp_path_factory: pytest.TempPathFactory) -> RewardModelRecord:
    torch.set_num_threads(1)
    return made(tiny_base, tmp_path_factory.mktemp("reward"))


def test_it_tells_held_out_pairs_apart_and_says_how_surely(trained: RewardModelRecord) -> None:
    assert (trained.pairs, trained.held_out) == (36, 4)
    assert trained.accuracy is not None
    assert trained.accuracy.estimate == 1.0
    assert 0.3 < trained.accuracy.low < 0.7
    assert trained.margin is not None
    assert trained.margin > 0
    assert trained.learnt.passed
    assert trained.made_by == "40 by rule"
    assert describe(trained)["reward_accuracy_low"] == trained.accuracy.low


def test_what_is_loaded_scores_preferred_answers_higher_one_by_one_or_together(
    trained: RewardModelRecord, tiny_base: BaseModel
) -> None:
    score = load_reward_model(Path(trained.folder), tiny_base)
    asked = [(pair.messages, text) for pair in preferences(9) for text in (pair.chosen, "billing")]
    together = score(asked)
    assert all(a > b for a, b in zip(together[::2], together[1::2], strict=True))
    alone = [score([one])[0] for one in asked]
    assert together == pytest.approx(alone, abs=1e-4)
    assert score([]) == []


def test_the_score_is_read_at_the_token_that_ends_the_answer(
    trained: RewardModelRecord, tiny_base: BaseModel
) -> None:
    """The tiny model pads with the very token that ends a turn, as many models do."""
    tokenizer = tiny_base.tokenizer
    found = encode_completion(tokenizer, preferences(1)[0].messages, "login")
    assert tokenizer.pad_token_id == found.completion_ids[-1]
    assert padding_id(tokenizer) not in found.completion_ids
    assert padding_id(tokenizer) not in found.prompt_ids


def test_the_same_is_found_again_and_other_pairs_are_another_model(
    trained: RewardModelRecord, tiny_base: BaseModel
) -> None:
    root = Path(trained.folder).parent
    told: list[int] = []
    settings = reward_settings(tiny_settings(), learning_rate=2e-2, epochs=2.0)
    again = train_reward_model(
        tiny_base, preferences(40), settings, root, lambda step, total, loss: told.append(step)
    )
    assert (again, told) == (trained, [])
    other = train_reward_model(tiny_base, preferences(12), settings, root)
    assert other.folder != trained.folder


@pytest.mark.parametrize(("moment", "number"), [("step", 7), ("publishing", 1)])
def test_a_reward_model_killed_in_training_ends_as_if_it_had_not_been(
    tiny_base: BaseModel,
    tmp_path: Path,
    trained: RewardModelRecord,
    moment: str,
    number: int,
) -> None:
    die_in("tests.tuning.training.reward_at", tiny_base.folder, tmp_path, moment, number)
    record = made(tiny_base, tmp_path)
    expected = tensors(trained)
    for name, tensor in tensors(record).items():
        assert torch.equal(tensor, expected[name]), name
    assert (record.curve, record.accuracy) == (trained.curve, trained.accuracy)


def tensors(record: RewardModelRecord) -> dict[str, Any]:
    return dict(load_file(Path(record.folder) / "adapter_model.safetensors"))


def test_one_that_is_not_whole_or_of_another_base_is_refused(
    trained: RewardModelRecord, tiny_base: BaseModel, tmp_path: Path
) -> None:
    with pytest.raises(RecordError, match="no finished reward model"):
        load_reward_model(tmp_path)
    with pytest.raises(ModelError, match="another base model"):
        load_reward_model(Path(trained.folder), replace(tiny_base, weights_hash="another"))
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in (RECORD, "adapter_config.json", "adapter_model.safetensors"):
        (copy / name).write_bytes((Path(trained.folder) / name).read_bytes())
    assert read_reward_model(copy).identity == trained.identity
    (copy / "adapter_model.safetensors").write_bytes(b"other")
    with pytest.raises(ModelError, match="not the file that was trained"):
        load_reward_model(copy, tiny_base)


def test_without_pairs_nothing_is_trained(tiny_base: BaseModel, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no pairs to learn from"):
        train_reward_model(tiny_base, (), reward_settings(tiny_settings()), tmp_path)
