from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from evals.errors import ModelError, RecordError
from evals.models import open_model
from tests.tiny_model import make_tiny_model
from tuning.records import TrainingRecord
from tuning.training.adapters import is_finished, read_manifest
from tuning.training.base import BaseModel
from tuning.training.quiet import quietly

Finished = tuple[TrainingRecord, Path]


@pytest.fixture
def copy(finished: Finished, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished[0].adapter_path, tmp_path / "adapters" / "one"))


def test_the_manifest_states_what_was_trained_from_what(finished: Finished) -> None:
    record, _ = finished
    manifest = read_manifest(Path(record.adapter_path))
    assert manifest.fingerprint == record.adapter
    assert manifest.base_weights_hash == record.base_fingerprint
    assert manifest.template_hash == record.template_hash
    assert manifest.data_fingerprint == record.data_fingerprint
    assert manifest.settings == record.settings


def test_an_unfinished_folder_has_nothing_to_read(copy: Path) -> None:
    (copy / "adapter.json").unlink()
    assert not is_finished(copy)
    with pytest.raises(RecordError, match="no finished adapter"):
        read_manifest(copy)


def test_one_changed_byte_of_the_weights_is_noticed(copy: Path, tiny_base: BaseModel) -> None:
    file = copy / "adapter_model.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    assert not is_finished(copy)
    with pytest.raises(RecordError, match="not the file that the manifest describes"):
        read_manifest(copy)
    with pytest.raises(ModelError, match="not those that its manifest describes"):
        open_model(tiny_base.name, precision="float32").use_adapter(str(copy))


def test_changed_settings_of_the_weights_are_noticed(copy: Path) -> None:
    file = copy / "adapter_config.json"
    config = json.loads(file.read_text())
    file.write_text(json.dumps(config | {"lora_alpha": 999}))
    assert not is_finished(copy)


@pytest.mark.parametrize("text", ["{", "[]", '{"format": 1}', '{"fingerprint": 3}'])
def test_a_damaged_manifest_is_one_clear_error(copy: Path, text: str) -> None:
    (copy / "adapter.json").write_text(text)
    assert not is_finished(copy)
    with pytest.raises(RecordError):
        read_manifest(copy)


def test_a_manifest_of_another_format_is_refused(copy: Path) -> None:
    file = copy / "adapter.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"format": 2}))
    with pytest.raises(RecordError, match="expected format 1, got 2"):
        read_manifest(copy)


def test_another_base_refuses_the_adapter(copy: Path, tmp_path: Path) -> None:
    with quietly():
        other = make_tiny_model(tmp_path / "other", seed=1)
    with pytest.raises(ModelError, match="trained on another base model"):
        open_model(f"hf:{other}", precision="float32").use_adapter(str(copy))


def test_the_adapter_fits_its_base_in_either_precision(copy: Path, tiny_base: BaseModel) -> None:
    for precision in ("float32", "bfloat16"):
        model = open_model(tiny_base.name, precision=precision)  # type: ignore[arg-type]
        model.use_adapter(str(copy))
        assert model.adapter
