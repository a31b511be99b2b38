from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from evals.models import open_model
from evals.models.local import LocalModel
from tests.tiny_model import make_tiny_adapter, make_tiny_model


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)  # nothing tiny gains from two, and the machine may be busy
    return make_tiny_model(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture(scope="session")
def adapter_folder(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_adapter(tiny_folder, tmp_path_factory.mktemp("tiny") / "adapter")


@pytest.fixture
def tiny(tiny_folder: Path) -> LocalModel:
    model = open_model(f"hf:{tiny_folder}", precision="float32")
    assert isinstance(model, LocalModel)
    return model


@pytest.fixture(scope="session")
def embedded() -> LocalModel:
    """The real 135M model, in float32."""
    torch.set_num_threads(os.cpu_count() or 1)
    model = open_model("smollm2-135m", precision="float32")
    assert isinstance(model, LocalModel)
    return model
