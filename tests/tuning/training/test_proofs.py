from __future__ import annotations

import copy
import math
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from evals.models.loading import load_folder
from tests.tuning.conftest import tickets
from tuning.data.dataset import EncodedExample, encode_examples
from tuning.records import LossPoint, Proof, TrainingRecord
from tuning.training.adaptations.through_peft import PeftWeights
from tuning.training.base import BaseModel
from tuning.training.proofs import Answers, Canary, loss_proof, prove, stop_proof
from tuning.training.quiet import quietly

LEARNT = loss_proof([LossPoint(n, n / 9, 5.0 - n / 2) for n in range(1, 9)])


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


def canaries_of(base: BaseModel, tokenizer: Any = None) -> list[Canary]:
    examples = tickets(3)
    encoded = encode_examples(tokenizer or base.tokenizer, examples)
    return [Canary(e.messages, ids) for e, ids in zip(examples, encoded, strict=True)]


def failed(
    model: Any, folder: Path, base: BaseModel, canaries: list[Canary] | None = None
) -> dict[str, Proof]:
    asked = canaries or canaries_of(base)
    proofs = prove(
        model, folder, base, "float32", canaries=asked, adaptation=PeftWeights(), learnt=LEARNT
    )
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
    cut = [
        Canary(
            canary.messages,
            canary.encoded._replace(completion_ids=canary.encoded.completion_ids[:-1]),
        )
        for canary in canaries_of(tiny_base)
    ]
    found = failed(in_memory(tiny_base, adapter), adapter, tiny_base, cut)
    assert "0 of 3 examples end in" in found["trains the stop token"].evidence


STOP = 2


def told(*stop_logits: float, greedy_stops: int | None = None) -> Answers:
    """A model that gives the stop token these logits at the end of each answer, others 0."""
    rows = [torch.tensor([[0.0] * 4, [0.0, 0.0, logit, 0.0], [0.0] * 4]) for logit in stop_logits]
    stopping = len(rows) if greedy_stops is None else greedy_stops
    return Answers(rows, [[1, STOP]] * stopping + [[1, 1]] * (len(rows) - stopping))


@pytest.mark.parametrize(
    ("tuned", "passed"),
    [
        (told(9.0, 9.0, 9.0, 9.0), True),
        (told(9.0, 9.0, 9.0, -1.0), True),  # not the first choice, but likelier than before
        (told(9.0, 9.0, 9.0, -5.0), False),  # one of four unlearnt it
        (told(9.0, 9.0, 9.0, math.nan), False),
        (told(9.0, 9.0, 9.0, 9.0, greedy_stops=2), True),
        (told(9.0, 9.0, 9.0, 9.0, greedy_stops=1), False),
    ],
)
def test_every_right_answer_and_half_of_its_own_must_end(tuned: Answers, passed: bool) -> None:
    examples = [EncodedExample(str(n), (0,), (1, STOP)) for n in range(4)]
    plain = told(-2.0, -2.0, -2.0, -2.0)
    assert stop_proof(examples, plain, tuned, frozenset({STOP})).passed is passed


@pytest.mark.usefixtures("quiet")
def test_prompts_taught_in_another_template_than_the_evals_use_fail(
    adapter: Path, tiny_base: BaseModel
) -> None:
    other = copy.deepcopy(tiny_base.tokenizer)
    other.chat_template = other.chat_template.replace("assistant\n", "assistant: ")
    base = replace(tiny_base, tokenizer=other)  # its hash still says what the folder holds
    found = failed(in_memory(tiny_base, adapter), adapter, base, canaries_of(base))
    proof = found["same chat template as the evals"]
    assert proof.evidence.startswith("0 of 3 prompts have the same token ids")


@pytest.mark.usefixtures("quiet")
def test_one_prompt_of_other_token_ids_fails(adapter: Path, tiny_base: BaseModel) -> None:
    first, *rest = canaries_of(tiny_base)
    ids = first.encoded.prompt_ids
    changed = Canary(first.messages, first.encoded._replace(prompt_ids=(*ids[:-1], ids[0])))
    found = failed(in_memory(tiny_base, adapter), adapter, tiny_base, [changed, *rest])
    assert "2 of 3 prompts" in found["same chat template as the evals"].evidence


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
