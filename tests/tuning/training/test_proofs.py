from __future__ import annotations

import copy
import math
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from evals.models.loading import load_folder
from evals.models.tokens import stop_ids
from tests.tuning.conftest import tickets
from tuning.data.dataset import EncodedExample, encode_examples
from tuning.records import LossPoint, Proof, TrainingRecord
from tuning.training.adaptations.through_peft import PeftWeights
from tuning.training.base import BaseModel
from tuning.training.proofs import (
    Answers,
    Canary,
    Fresh,
    load_fresh,
    loss_proof,
    outputs_proofs,
    prove,
    stop_proof,
)
from tuning.training.proving import templates
from tuning.training.proving.answers import compare
from tuning.training.proving.templates import template_proof
from tuning.training.proving.tensors import weights_proof
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


@pytest.mark.usefixtures("quiet")
def test_one_module_that_does_nothing_fails_and_is_named(
    adapter: Path, tiny_base: BaseModel
) -> None:
    change(adapter, "layers.1.self_attn.k_proj.lora_B", 0.0)
    proof = weights_proof(adapter, tiny_base.weights_hash, tiny_base.template_hash)
    assert not proof.passed
    assert "manifest" in proof.evidence  # first of all it is not what was signed
    (adapter / "adapter.json").unlink()
    proof = weights_proof(adapter, tiny_base.weights_hash, tiny_base.template_hash)
    assert proof.evidence == "zero in 1 modules: model.layers.1.self_attn.k_proj"
    change(adapter, "layers.1.self_attn.k_proj.lora_B", 1.0)
    assert weights_proof(adapter, tiny_base.weights_hash, tiny_base.template_hash).passed
    change(adapter, "layers.0.mlp.up_proj.lora_A", 0.0)  # B alone changes nothing
    proof = weights_proof(adapter, tiny_base.weights_hash, tiny_base.template_hash)
    assert proof.evidence == "zero in 1 modules: model.layers.0.mlp.up_proj"


@pytest.mark.usefixtures("quiet")
def test_a_template_that_differs_in_training_evaluation_or_export_fails(
    tiny_base: BaseModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    canaries, tokenizer = canaries_of(tiny_base), tiny_base.tokenizer
    assert template_proof(canaries, tokenizer, tiny_base.template_hash).passed
    other = template_proof(canaries, tokenizer, "0" * 16)  # the same tokens, by chance
    assert not other.passed
    assert other.evidence.startswith("3 of 3 prompts")
    assert "templates differ: training 0000000000000000" in other.evidence
    monkeypatch.setattr(templates, "exported_hash", lambda _: "none")
    lost = template_proof(canaries, tokenizer, tiny_base.template_hash)
    assert not lost.passed
    assert "export none" in lost.evidence


@pytest.mark.usefixtures("quiet")
def test_a_template_is_written_out_and_read_back_the_same(tiny_base: BaseModel) -> None:
    assert templates.exported_hash(tiny_base.tokenizer) == tiny_base.template_hash
    other = copy.deepcopy(tiny_base.tokenizer)
    other.chat_template = other.chat_template.replace("tiny", "small")
    assert templates.exported_hash(other) != tiny_base.template_hash


def outputs_of(
    adapter: Path, base: BaseModel, spoil: Callable[[Fresh], object] = lambda _: None
) -> tuple[Proof, Proof]:
    """What is proven of batches and of merging, of a fresh model that `spoil` may change."""
    fresh = load_fresh(adapter, base, "float32")
    spoil(fresh)
    examples = [canary.encoded for canary in canaries_of(base)]
    batched, merged = outputs_proofs(fresh, examples, stop_ids(base.tokenizer))
    return batched, merged


@pytest.mark.usefixtures("quiet")
def test_outputs_hang_on_no_batch_and_survive_merging(adapter: Path, tiny_base: BaseModel) -> None:
    batched, merged = outputs_of(adapter, tiny_base)
    assert (batched.passed, merged.passed) == (True, True)
    assert "3 at once" in batched.evidence
    assert "3 of 3 greedy answers identical" in merged.evidence


@pytest.mark.usefixtures("quiet")
def test_answers_of_other_lengths_that_run_on_are_still_the_same_in_a_batch(
    adapter: Path, tiny_base: BaseModel
) -> None:
    examples = [
        canary.encoded._replace(completion_ids=canary.encoded.completion_ids * (n + 1))
        for n, canary in enumerate(canaries_of(tiny_base))
    ]
    fresh = load_fresh(adapter, tiny_base, "float32")
    fresh.decoder.stops = frozenset()  # none ends by itself
    batched, _ = outputs_proofs(fresh, examples, stop_ids(tiny_base.tokenizer))
    assert batched.passed, batched.evidence


@pytest.mark.usefixtures("quiet")
def test_a_merge_that_loses_a_part_of_the_adapter_fails(
    adapter: Path, tiny_base: BaseModel
) -> None:
    def spoil(fresh: Fresh) -> None:
        merge = fresh.tuned.merge_and_unload

        def merge_less() -> Any:
            with torch.no_grad():
                fresh.tuned.get_parameter(
                    "base_model.model.model.layers.1.mlp.down_proj.lora_B.default.weight"
                ).zero_()
            return merge()

        fresh.tuned.merge_and_unload = merge_less

    batched, merged = outputs_of(adapter, tiny_base, spoil)
    assert (batched.passed, merged.passed) == (True, False)


@pytest.mark.usefixtures("quiet")
def test_answers_that_hang_on_the_batch_fail(adapter: Path, tiny_base: BaseModel) -> None:
    def spoil(fresh: Fresh) -> None:
        passes = fresh.decoder.model
        first = passes.first

        def leak(suffixes: Any, *rest: Any) -> Any:
            logits, sequences = first(suffixes, *rest)
            return logits + 0.1 * (len(suffixes) - 1), sequences  # more rows, other logits

        passes.first = leak  # type: ignore[method-assign]

    batched, merged = outputs_of(adapter, tiny_base, spoil)
    assert (batched.passed, merged.passed) == (False, True)


@pytest.mark.parametrize(
    ("second", "gap", "holds"),
    [
        ([5, 6, 7], 9.0, True),
        ([5, 9, 7], 9.0, False),
        ([5, 9, 7], 0.02, True),  # a near tie, at a bound of 0.01
        ([5, 9, 7], 0.021, False),
        ([5, 6], 9.0, False),  # stopped earlier
        ([5, 6, 7, 8], 9.0, False),
    ],
)
def test_greedy_answers_may_differ_first_at_a_near_tie_only(
    second: list[int], gap: float, holds: bool
) -> None:
    gaps = [[9.0, gap, 9.0, 9.0]]
    assert compare([[5, 6, 7]], [second], 0.001, 0.01, gaps).holds is holds


@pytest.mark.parametrize(("largest", "holds"), [(0.01, True), (0.011, False), (math.nan, False)])
def test_logits_lie_within_the_bound(largest: float, holds: bool) -> None:
    assert compare([[5]], [[5]], largest, 0.01, [[9.0]]).holds is holds
