from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from evals.errors import ModelError
from evals.models import open_model
from evals.models.loading import quiet_transformers
from evals.models.local import LocalModel
from evals.records import Decoding, Message, Output, Request
from evals.suite import load_suite
from tests.sample_suite import write_suite
from tests.tiny_model import make_tiny_adapter, make_tiny_model
from tests.tunegate.scenes import pretended_training
from tuning.training.adapters import write_manifest

REQUESTS = [
    Request((Message("user", f"route the {word} dog"),), choices)
    for word in ("quick", "lazy", "brown")
    for choices in ((), ("billing", "login"))
]


def answers(model: LocalModel) -> list[Output]:
    outputs: dict[int, Output] = {}
    for batch in model.plan(REQUESTS, Decoding(max_tokens=10)):
        outputs.update(zip(batch.indices, model.run(batch), strict=True))
    return [
        Output(outputs[n].text, outputs[n].finish_reason, logprobs=outputs[n].logprobs)
        for n in sorted(outputs)
    ]


@pytest.fixture
def copy(adapter_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(adapter_folder, tmp_path / "adapter"))


def sign(folder: Path, weights_hash: str, template_hash: str) -> None:
    """Write the manifest as training does, of a training on that base and template."""
    suite = load_suite(write_suite(folder.parent / "suite"))
    record = pretended_training(str(folder))(suite, "hf:tiny", folder.parent)
    write_manifest(
        folder, replace(record, base_fingerprint=weights_hash, template_hash=template_hash)
    )


def test_an_adapter_changes_the_answers_and_off_is_exactly_the_base(
    tiny: LocalModel, adapter_folder: Path
) -> None:
    base = answers(tiny)
    tiny.use_adapter(str(adapter_folder))
    tuned = answers(tiny)
    assert tuned != base
    tiny.use_adapter(None)
    assert (answers(tiny), tiny.adapter) == (base, "")
    tiny.use_adapter(str(adapter_folder))
    assert answers(tiny) == tuned


def test_an_adapter_gives_what_peft_gives(
    tiny: LocalModel, tiny_folder: Path, adapter_folder: Path
) -> None:
    from peft import PeftModel

    from tests.evals.models.reference import greedy, load_plain

    tiny.use_adapter(str(adapter_folder))
    with quiet_transformers():
        reference = PeftModel.from_pretrained(load_plain(tiny_folder), str(adapter_folder)).eval()
    for request, output in zip(REQUESTS, answers(tiny), strict=True):
        if not request.choices:
            expected = greedy(reference, tiny.encode(request), 10, sorted(tiny.stops))
            assert output.text == tiny.tokenizer.decode(expected)


def test_one_adapter_replaces_another(
    tiny: LocalModel, tiny_folder: Path, adapter_folder: Path, tmp_path: Path
) -> None:
    other = make_tiny_adapter(tiny_folder, tmp_path / "other", seed=5)
    tiny.use_adapter(str(adapter_folder))
    first, first_id = answers(tiny), tiny.adapter
    tiny.use_adapter(str(other))
    assert answers(tiny) != first
    assert tiny.adapter != first_id
    tiny.use_adapter(str(adapter_folder))
    assert (answers(tiny), tiny.adapter) == (first, first_id)


def test_open_model_takes_an_adapter(tiny_folder: Path, adapter_folder: Path) -> None:
    model = open_model(f"hf:{tiny_folder}", precision="float32", adapter=str(adapter_folder))
    assert model.adapter


def test_a_missing_adapter_folder_is_refused(tiny: LocalModel, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such adapter folder"):
        tiny.use_adapter(str(tmp_path / "nowhere"))


def test_pickled_weights_are_refused(tiny: LocalModel, copy: Path) -> None:
    (copy / "adapter_model.safetensors").rename(copy / "adapter_model.bin")
    with pytest.raises(ModelError, match="pickle can run code"):
        tiny.use_adapter(str(copy))


def test_another_bases_adapter_is_refused(tiny: LocalModel, copy: Path, tmp_path: Path) -> None:
    other = open_model(f"hf:{make_tiny_model(tmp_path / 'other', seed=9)}", precision="float32")
    assert isinstance(other, LocalModel)
    sign(copy, tiny.loaded.weights_hash, tiny.template_hash)
    tiny.use_adapter(str(copy))
    with pytest.raises(ModelError, match="another base model"):
        other.use_adapter(str(copy))


def test_another_templates_adapter_is_refused(tiny: LocalModel, copy: Path) -> None:
    sign(copy, tiny.loaded.weights_hash, "0" * 16)
    with pytest.raises(ModelError, match="another chat template"):
        tiny.use_adapter(str(copy))


@pytest.mark.parametrize(("value", "message"), [(0.0, "changes nothing"), (float("nan"), "finite")])
def test_weights_that_are_zero_or_not_finite_are_refused(
    tiny: LocalModel, copy: Path, value: float, message: str
) -> None:
    path = copy / "adapter_model.safetensors"
    weights = load_file(path)
    save_file(
        {k: (w * 0 + value if "lora_B" in k else w).contiguous() for k, w in weights.items()}, path
    )
    with pytest.raises(ModelError, match=message):
        tiny.use_adapter(str(copy))
    assert tiny.adapter == ""


def test_an_adapter_of_another_shape_is_refused(
    tiny: LocalModel, copy: Path, adapter_folder: Path
) -> None:
    path = copy / "adapter_model.safetensors"
    save_file({k: w[:, :-1].contiguous() for k, w in load_file(path).items()}, path)
    base = answers(tiny)
    with pytest.raises(ModelError, match="does not fit"):
        tiny.use_adapter(str(copy))
    assert answers(tiny) == base
    tiny.use_adapter(str(adapter_folder))
    assert answers(tiny) != base


def test_damaged_weights_and_other_kinds_of_adapter_are_refused(
    tiny: LocalModel, copy: Path
) -> None:
    config = json.loads((copy / "adapter_config.json").read_text())
    (copy / "adapter_config.json").write_text(json.dumps({**config, "peft_type": "PREFIX_TUNING"}))
    with pytest.raises(ModelError, match="expected a LORA adapter"):
        tiny.use_adapter(str(copy))
    (copy / "adapter_config.json").write_text(json.dumps(config))
    (copy / "adapter_model.safetensors").write_bytes(b"\x08\x00\x00\x00\x00\x00\x00\x00{}      ")
    with pytest.raises(ModelError):
        tiny.use_adapter(str(copy))
