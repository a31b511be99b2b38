"""What does not fit in memory is made twice; what is learnt stays the same."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("torch")

import torch
from safetensors.torch import load_file
from transformers import modeling_utils

from evals.suite.policy_settings import GrpoSettings
from tests.tuning.conftest import preferring, tickets, tiny_settings
from tests.tuning.training.rewarded import rewarded_task
from tuning.records import TrainingRecord
from tuning.training import fitting, memory
from tuning.training.adaptations import adaptation_of
from tuning.training.base import BaseModel
from tuning.training.objectives import completion_trainer
from tuning.training.quiet import quietly
from tuning.training.recomputing import Batch, kept_bytes, recompute_if_needed, recomputes
from tuning.training.task import Task
from tuning.training.train import train_adapter

SMOLLM2 = SimpleNamespace(
    hidden_size=576,
    intermediate_size=1536,
    num_attention_heads=9,
    num_hidden_layers=30,
    vocab_size=49152,
)


def sft(base: BaseModel) -> Task:
    return Task("tickets", "terse", base, tickets(40), tiny_settings())


def rewards(base: BaseModel) -> Task:
    own = GrpoSettings(reward="short", sft_epochs=2.0, steps=4, prompts=2, generations=4)
    return rewarded_task(base, own)


def tensors(record: TrainingRecord) -> dict[str, Any]:
    return dict(load_file(Path(record.adapter_path) / "adapter_model.safetensors"))


@pytest.mark.parametrize("make", [sft, lambda base: preferring(sft(base)), rewards])
def test_what_is_made_twice_is_learnt_as_what_is_kept(
    monkeypatch: pytest.MonkeyPatch, tiny_base: BaseModel, tmp_path: Path, make: Any
) -> None:
    torch.set_num_threads(1)
    # What is made twice shares no prefix among rows, which is another rounding.
    monkeypatch.setattr(completion_trainer, "shared_columns", lambda *_: 0)
    kept = train_adapter(make(tiny_base), tmp_path / "kept")
    made: list[Any] = []
    original = modeling_utils.checkpoint

    def counted(*args: Any, **kwargs: Any) -> Any:
        made.append(args)
        return original(*args, **kwargs)

    monkeypatch.setattr(modeling_utils, "checkpoint", counted)
    monkeypatch.setattr(fitting, "free_bytes", lambda: 1000)
    twice = train_adapter(make(tiny_base), tmp_path / "twice")
    assert made
    assert (kept.recomputed, twice.recomputed) == (False, True)
    assert Path(twice.adapter_path).name == Path(kept.adapter_path).name  # no part of identity
    first, second = map(tensors, (kept, twice))
    for name, tensor in first.items():
        assert torch.equal(tensor, second[name]), name
    assert [proof for proof in twice.proofs if not proof.passed] == []


def test_gradients_are_the_same_to_the_last_bit(tiny_base: BaseModel) -> None:
    torch.set_num_threads(1)
    task = sft(tiny_base)
    with quietly():
        model = adaptation_of(task.settings).open(tiny_base, task.settings, "CAUSAL_LM").train()
    ids = torch.arange(3, 35).reshape(2, 16)
    found = []
    for free in (10**12, 1000):
        torch.manual_seed(0)
        made_twice = recompute_if_needed(model, Batch(2, 16, 32), width=4, free=free)
        assert made_twice == recomputes(model.get_base_model()) == (free == 1000)
        model.zero_grad()
        model(input_ids=ids, labels=ids, use_cache=False).loss.backward()
        found.append({n: p.grad.clone() for n, p in model.named_parameters() if p.requires_grad})
    kept, twice = found
    assert any(gradient.abs().sum() > 0 for gradient in kept.values())
    for name, gradient in kept.items():
        assert torch.equal(gradient, twice[name]), name


@pytest.mark.parametrize(
    ("batch", "attention", "held_mb"),
    [
        (Batch(8, 128, 128), "eager", 3070),
        (Batch(8, 256, 128), "eager", 6120),
        (Batch(4, 512, 64), "eager", 6460),
        (Batch(4, 512, 1600), "eager", 7580),
        (Batch(4, 512, 64), "sdpa", 4910),
        (Batch(1, 2048, 16), "eager", 9900),
    ],
)
def test_what_is_kept_is_near_what_the_embedded_model_was_seen_to_hold(
    batch: Batch, attention: str, held_mb: float
) -> None:
    kept = kept_bytes(SMOLLM2, batch, attention=attention, width=4) / 1e6
    assert 0.9 < kept / held_mb < 1.3


def test_a_model_that_does_not_tell_its_sizes_is_left_as_it_is() -> None:
    model = SimpleNamespace(config=SimpleNamespace(get_text_config=SimpleNamespace))
    assert not recompute_if_needed(model, Batch(8, 100, 100), width=4, free=0)


def test_a_container_has_no_more_than_its_control_groups_leave(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    group = tmp_path / "groups" / "above" / "own"
    group.mkdir(parents=True)
    (tmp_path / "cgroup").write_text("4:memory:/x\n0::/above/own\n")
    (group / "memory.max").write_text("max\n")
    above = group.parent
    (above / "memory.max").write_text("9000\n")
    (above / "memory.current").write_text("5000\n")
    (above / "memory.stat").write_text("anon 3000\ninactive_file 1500\nactive_file 500\n")
    monkeypatch.setattr(memory, "_OWN", tmp_path)
    monkeypatch.setattr(memory, "_GROUPS", tmp_path / "groups")
    if torch.cuda.is_available():
        pytest.skip("the device's memory counts there")
    assert memory.free_bytes() == 5500
