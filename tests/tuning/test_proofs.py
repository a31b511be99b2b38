from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from evals.models.loading import load_folder
from tests.tuning.conftest import tickets
from tuning.base import BaseModel
from tuning.dataset import EncodedExample, encode_examples
from tuning.proofs import loss_proof, prove
from tuning.quiet import quietly
from tuning.records import LossPoint, Proof, TrainingRecord

LOG = [{"step": n, "epoch": n / 9, "loss": 5.0 - n / 2} for n in range(1, 9)]


@pytest.fixture
def quiet() -> Iterator[None]:
    with quietly():
        yield


@pytest.fixture
def adapter(finished: tuple[TrainingRecord, Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished[0].adapter_path, tmp_path / "adapter"))


def in_memory(base: BaseModel, adapter: Path) -> Any:
    from peft import PeftModel

    return PeftModel.from_pretrained(load_folder(base.folder, "float32").model, str(adapter))


def failed(
    model: Any, folder: Path, base: BaseModel, canaries: tuple[EncodedExample, ...] | None = None
) -> dict[str, Proof]:
    examples = canaries or encode_examples(base.tokenizer, tickets(3))
    proofs = prove(model, folder, base, "float32", canaries=examples, log=LOG)
    return {proof.name: proof for proof in proofs if not proof.passed}


def change(adapter: Path, what: str, value: float) -> None:
    file = adapter / "adapter_model.safetensors"
    tensors = load_file(file)
    for name, tensor in tensors.items():
        if what in name:
            tensors[name] = torch.full_like(tensor, value)
    save_file(tensors, file, metadata={"format": "pt"})


@pytest.mark.usefixtures("quiet")
def test_a_sound_adapter_passes(adapter: Path, tiny_base: BaseModel) -> None:
    assert failed(in_memory(tiny_base, adapter), adapter, tiny_base) == {}


@pytest.mark.usefixtures("quiet")
def test_an_adapter_that_changes_nothing_fails(adapter: Path, tiny_base: BaseModel) -> None:
    change(adapter, "lora_B", 0.0)
    found = failed(in_memory(tiny_base, adapter), adapter, tiny_base)
    assert "changes nothing" in found["weights are finite and not zero"].evidence
    assert "largest change 0 " in found["changes the logits"].evidence


@pytest.mark.usefixtures("quiet")
def test_weights_on_disk_that_are_not_those_in_memory_fail(
    adapter: Path, tiny_base: BaseModel
) -> None:
    model = in_memory(tiny_base, adapter)
    change(adapter, "layers.0.mlp.down_proj.lora_B", 0.5)
    assert "reloads to the same outputs" in failed(model, adapter, tiny_base)


@pytest.mark.usefixtures("quiet")
def test_weights_that_are_not_numbers_fail(adapter: Path, tiny_base: BaseModel) -> None:
    change(adapter, "layers.0.mlp.down_proj.lora_B", math.nan)
    found = failed(in_memory(tiny_base, adapter), adapter, tiny_base)
    assert "not finite" in found["weights are finite and not zero"].evidence
    assert "changes the logits" in found
    assert "reloads to the same outputs" in found


@pytest.mark.usefixtures("quiet")
def test_a_completion_that_does_not_stop_fails(adapter: Path, tiny_base: BaseModel) -> None:
    cut = tuple(
        item._replace(completion_ids=item.completion_ids[:-1])
        for item in encode_examples(tiny_base.tokenizer, tickets(3))
    )
    found = failed(in_memory(tiny_base, adapter), adapter, tiny_base, cut)
    assert "0 of 3 examples end in" in found["trains the stop token"].evidence


@pytest.mark.parametrize(
    ("losses", "passed"),
    [
        ([4.0, 3.0, 2.0, 1.0], True),
        ([4.0, 1.0], True),
        ([1.0, 2.0, 3.0, 4.0], False),
        ([4.0, math.nan, 1.0], False),
        ([4.0], False),
        ([], False),
    ],
)
def test_the_loss_must_be_finite_and_fall(losses: list[float], passed: bool) -> None:
    curve = [LossPoint(n + 1, n / 4, loss) for n, loss in enumerate(losses)]
    assert loss_proof(curve).passed == passed


def test_a_held_out_loss_that_is_not_finite_fails() -> None:
    curve = [LossPoint(1, 0.5, 3.0), LossPoint(2, 1.0, 1.0), LossPoint(2, 1.0, None, math.inf)]
    assert not loss_proof(curve).passed
