"""Scaling an adapter: exact for every kind that has a factor, proven, found again, or refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from evals.errors import ModelError, TrainingError
from evals.models import open_model
from evals.models.adapters import AttachedAdapter
from evals.models.loading import load_folder
from evals.models.local import LocalModel
from tests.tuning.conftest import MakeTask, tickets
from tuning.data.dataset import encode_examples
from tuning.forgetting.scaling import scale_adapter
from tuning.records import TrainingRecord
from tuning.training.adapters import WEIGHTS, is_finished
from tuning.training.base import BaseModel
from tuning.training.proofs import Canary
from tuning.training.quiet import quietly
from tuning.training.train import train_adapter

SCALABLE: list[dict[str, Any]] = [
    {},
    {"variant": "rslora"},
    {"variant": "pissa"},
    {"variant": "mica"},
    {"weights": "vera", "learning_rate": 0.1},
    {"weights": "loha"},
    {"weights": "lokr"},
    {"weights": "miss"},
    {"weights": "shira"},
]
UNSCALABLE = [
    ({"variant": "dora"}, "DoRA cannot be scaled: it scales each weight's direction"),
    ({"weights": "ia3", "learning_rate": 1.0}, "IA3 cannot be scaled: it multiplies activations"),
    ({"weights": "full", "learning_rate": 1e-2}, "FULL cannot be scaled: it replaces the base"),
]


def name_of(changes: Any) -> str:
    return str(changes.get("variant", changes.get("weights", "plain")))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scaling")


@pytest.fixture(scope="module")
def canaries(tiny_base: BaseModel) -> list[Canary]:
    asked = tickets(4)
    encoded = encode_examples(tiny_base.tokenizer, asked)
    return [Canary(e.messages, ids) for e, ids in zip(asked, encoded, strict=True)]


@pytest.fixture(scope="module")
def trained(make_task: MakeTask, root: Path) -> Any:
    found: dict[str, TrainingRecord] = {}

    def train(changes: dict[str, Any]) -> TrainingRecord:
        key = json.dumps(changes)
        if key not in found:
            found[key] = train_adapter(make_task(dropout=0.0, **changes), root)
        return found[key]

    return train


def deltas(base: BaseModel, folder: str | Path) -> dict[str, Any]:
    """What an adapter adds to each weight of the base, once it is merged into it."""
    with quietly():
        before = load_folder(base.folder, "float32").model
        weights = {name: tensor.clone() for name, tensor in before.state_dict().items()}
        merged = AttachedAdapter(before).attach(Path(folder), "float32").merge_and_unload()
    return {name: tensor - weights[name] for name, tensor in merged.state_dict().items()}


@pytest.mark.parametrize("changes", SCALABLE, ids=name_of)
def test_every_change_of_a_weight_is_scaled_exactly(
    changes: dict[str, Any],
    trained: Any,
    tiny_base: BaseModel,
    canaries: list[Canary],
    root: Path,
) -> None:
    parent = trained(changes)
    scaled = scale_adapter(parent, 0.5, tiny_base, canaries, root)
    whole, half = deltas(tiny_base, parent.adapter_path), deltas(tiny_base, scaled.adapter_path)
    assert any(bool(delta.any()) for delta in whole.values())
    for name, delta in whole.items():
        assert torch.allclose(half[name], 0.5 * delta, atol=1e-5), name


def test_a_scaled_adapter_is_one_of_its_own_and_names_its_parent(
    trained: Any, tiny_base: BaseModel, canaries: list[Canary], root: Path
) -> None:
    parent = trained({})
    scaled = scale_adapter(parent, 0.5, tiny_base, canaries, root)
    assert scaled.parent == parent.adapter != scaled.adapter
    assert (scaled.settings["scale"], scaled.data_fingerprint) == (0.5, parent.data_fingerprint)
    assert is_finished(Path(scaled.adapter_path))
    names = [proof.name for proof in scaled.proofs]
    assert "is the adapter it was made of, scaled" in names
    assert set(names) >= {proof.name for proof in parent.proofs} - {"the loss is finite and fell"}
    model = open_model(tiny_base.name, precision="float32")
    assert isinstance(model, LocalModel)
    model.use_adapter(scaled.adapter_path)
    assert model.adapter == scaled.adapter


def test_asked_again_it_is_found_and_a_killed_one_is_made_whole(
    trained: Any, tiny_base: BaseModel, canaries: list[Canary], root: Path
) -> None:
    parent = trained({})
    scaled = scale_adapter(parent, 0.25, tiny_base, canaries, root)
    folder = Path(scaled.adapter_path)
    weights = (folder / WEIGHTS).read_bytes()
    written = (folder / WEIGHTS).stat().st_mtime_ns
    assert scale_adapter(parent, 0.25, tiny_base, canaries, root) == scaled
    assert (folder / WEIGHTS).stat().st_mtime_ns == written
    (folder / "adapter.json").unlink()  # as if it were killed before the last step
    (folder / WEIGHTS).write_bytes(weights[:100])
    assert scale_adapter(parent, 0.25, tiny_base, canaries, root) == scaled
    assert (folder / WEIGHTS).read_bytes() == weights


@pytest.mark.parametrize(("changes", "said"), UNSCALABLE, ids=["dora", "ia3", "full"])
def test_what_has_no_factor_is_refused_by_name(
    changes: dict[str, Any],
    said: str,
    trained: Any,
    tiny_base: BaseModel,
    canaries: list[Canary],
    root: Path,
) -> None:
    with pytest.raises(TrainingError, match=said):
        scale_adapter(trained(changes), 0.5, tiny_base, canaries, root)


@pytest.mark.parametrize("scale", [0.0, 1.0, -0.5, float("nan"), 11.0])
def test_a_scale_that_is_none_is_refused(
    scale: float, trained: Any, tiny_base: BaseModel, canaries: list[Canary], root: Path
) -> None:
    with pytest.raises(TrainingError, match="expected a scale above 0"):
        scale_adapter(trained({}), scale, tiny_base, canaries, root)


def test_a_scaled_adapter_and_an_unproven_one_are_no_parents(
    trained: Any, tiny_base: BaseModel, canaries: list[Canary], root: Path
) -> None:
    parent = trained({})
    scaled = scale_adapter(parent, 0.5, tiny_base, canaries, root)
    with pytest.raises(TrainingError, match="is scaled itself"):
        scale_adapter(scaled, 0.5, tiny_base, canaries, root)
    broken = replace(parent, proofs=(replace(parent.proofs[0], passed=False),))
    with pytest.raises(TrainingError, match="failed a proof"):
        scale_adapter(broken, 0.5, tiny_base, canaries, root)


def test_a_tensor_of_no_product_and_a_changed_folder_are_refused(
    trained: Any, tiny_base: BaseModel, canaries: list[Canary], tmp_path: Path
) -> None:
    import shutil

    parent = trained({})
    copy = tmp_path / "copy"
    shutil.copytree(parent.adapter_path, copy)
    other = replace(parent, adapter_path=str(copy))
    tensors = load_file(copy / WEIGHTS)
    save_file({**tensors, "base_model.model.lm_head.weight": torch.ones(2)}, copy / WEIGHTS)
    with pytest.raises(TrainingError, match=r"lm_head\.weight is no factor of a product"):
        scale_adapter(other, 0.5, tiny_base, canaries, tmp_path)
    save_file({name: 2 * tensor for name, tensor in tensors.items()}, copy / WEIGHTS)
    with pytest.raises(ModelError):
        scale_adapter(other, 0.5, tiny_base, canaries, tmp_path)
