from __future__ import annotations

import random
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from evals.models.loading import load_folder
from evals.models.planning import common_prefix
from tests.tuning.conftest import tickets
from tuning.data.dataset import EncodedExample, encode_examples
from tuning.training.base import BaseModel
from tuning.training.forward import IGNORED, fast_path_is_exact, plain_summed_loss, summed_loss
from tuning.training.objectives.completion_trainer import _table
from tuning.training.objectives.size_order import SizeSampler, size_batched_order
from tuning.training.quiet import quietly


@pytest.fixture(scope="module")
def model(tiny_base: BaseModel) -> Any:
    from peft import LoraConfig, get_peft_model

    with quietly():
        base = load_folder(tiny_base.folder, "float32").model
        peft = get_peft_model(base, LoraConfig(r=4, target_modules="all-linear"))
    generator = torch.Generator().manual_seed(0)
    for name, parameter in peft.named_parameters():
        if "lora_B" in name:
            parameter.data.normal_(std=0.1, generator=generator)
    return peft.get_base_model()


@pytest.fixture(scope="module")
def encoded(tiny_base: BaseModel) -> tuple[EncodedExample, ...]:
    return encode_examples(tiny_base.tokenizer, tickets(9))


def batch_of(examples: tuple[EncodedExample, ...]) -> dict[str, Any]:
    rows = _table(examples)
    width = max(e.tokens for e in examples)

    def padded(name: str, fill: int) -> Any:
        return torch.tensor([row + [fill] * (width - len(row)) for row in rows[name]])

    mask = torch.tensor([[1] * e.tokens + [0] * (width - e.tokens) for e in examples])
    return {
        "input_ids": padded("input_ids", 2),
        "labels": padded("labels", IGNORED),
        "attention_mask": mask,
    }


def gradients(model: Any, loss: Any) -> dict[str, Any]:
    model.zero_grad()
    loss.backward()
    return {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}


def test_labels_are_exactly_the_completion_with_its_stop_token(
    encoded: tuple[EncodedExample, ...], tiny_base: BaseModel
) -> None:
    for row, example in zip(_table(encoded), encoded, strict=True):
        trained = [label for label in row["labels"] if label != IGNORED]
        assert tuple(trained) == example.completion_ids
        assert trained[-1] == tiny_base.tokenizer.eos_token_id
        assert row["labels"][: len(example.prompt_ids)] == [IGNORED] * len(example.prompt_ids)
        assert tuple(row["input_ids"]) == example.prompt_ids + example.completion_ids


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("shared", [True, False])
def test_the_quick_loss_and_its_gradients_are_those_of_the_models_own_forward(
    model: Any, encoded: tuple[EncodedExample, ...], attention: str, shared: bool
) -> None:
    model.set_attn_implementation(attention)
    batch = batch_of(encoded)
    prefix = common_prefix([e.prompt_ids for e in encoded]) if shared else 0
    assert bool(prefix) == shared
    own, quick = plain_summed_loss(model, batch), summed_loss(model, batch, prefix)
    torch.testing.assert_close(quick, own, rtol=1e-5, atol=1e-4)
    expected, found = gradients(model, own), gradients(model, quick)
    assert expected.keys() == found.keys()
    assert expected
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-3, atol=1e-4)


def test_a_wrong_shortcut_is_noticed(model: Any, encoded: tuple[EncodedExample, ...]) -> None:
    batch = batch_of(encoded)
    prefix = common_prefix([e.prompt_ids for e in encoded])
    assert fast_path_is_exact(model, batch, prefix)
    assert not fast_path_is_exact(model, batch, prefix + 3)  # those tokens differ between rows


@given(
    lengths=st.lists(st.integers(1, 200), max_size=120),
    batch=st.integers(1, 16),
    seed=st.text(max_size=3),
)
def test_every_example_comes_once_an_epoch(lengths: list[int], batch: int, seed: str) -> None:
    order = size_batched_order([(False, n) for n in lengths], batch, seed)
    assert sorted(order) == list(range(len(lengths)))


def test_batches_hold_like_lengths_and_differ_between_epochs() -> None:
    generator = random.Random(0)
    lengths = [generator.randint(10, 300) for _ in range(512)]
    sampler = SizeSampler([(False, n) for n in lengths], 16, seed=0)
    first = list(sampler)
    padding = sum(
        max(lengths[i] for i in rows) - lengths[j]
        for rows in (first[n : n + 16] for n in range(0, 512, 16))
        for j in rows
    )
    assert padding / sum(lengths) < 0.15  # in random order it is about 0.8
    assert list(sampler) == first
    sampler.set_epoch(1)
    assert list(sampler) != first
