"""Full fine-tuning: every weight of the model changes, and the adapter is the whole model.

Weights, gradients and AdamW's two moments are float32, whatever precision the model computes
in: 16 bytes a parameter. In bfloat16 a step of 1e-5 is less than the distance of two numbers,
and would be rounded away.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from evals.atomic import write_atomically
from evals.errors import InfrastructureError, TrainingError
from evals.models.adapter_files import CONFIG, read_shapes
from evals.models.adapter_kinds import WHOLE
from evals.models.whole_weights import SwappedWeights
from tuning.training.base import BaseModel
from tuning.training.memory import free_bytes
from tuning.training.settings import TrainSettings
from tuning.training.stages import TaskType

BYTES_A_PARAMETER = 16


class FullWeights:
    """The adaptation in which all weights are trained. One is for one base."""

    def __init__(self) -> None:
        self._folder: Path | None = None

    def open(self, base: BaseModel, settings: TrainSettings, task_type: TaskType) -> Any:
        """The base's own weights in float32, all to be trained.

        Raises InfrastructureError where memory cannot hold them, TrainingError for a model that
        scores (a reward model): that is trained as an adapter.
        """
        from tuning.training.opening import open_weights

        if task_type != "CAUSAL_LM":
            raise TrainingError("a model that scores is trained as an adapter", key="tune.weights")
        refuse_too_large(base.folder, free_bytes())
        self._folder = base.folder
        model = open_weights(base, replace(settings, precision="float32"), task_type)
        return model.requires_grad_(True)

    def state(self, model: Any) -> dict[str, Any]:
        """Every parameter, tied ones once."""
        return {name: parameter.detach() for name, parameter in model.named_parameters()}

    def put(self, model: Any, tensors: Mapping[str, Any]) -> None:
        """Copy the kept tensors into the parameters."""
        import torch

        with torch.no_grad():
            for name, parameter in model.named_parameters():
                parameter.copy_(tensors[name])

    def published(self, tensors: Mapping[str, Any]) -> dict[str, Any]:
        """The tensors as they are."""
        return dict(tensors)

    def describe(self, model: Any, folder: Path, base: str) -> None:
        """Write an `adapter_config.json` that PEFT does not take for one of its own."""
        stated = {
            "peft_type": WHOLE,
            "base_model_name_or_path": base,
            "architecture": type(model).__name__,
        }
        write_atomically(folder / CONFIG, json.dumps(stated, indent=2, sort_keys=True) + "\n")

    def judged(self, model: Any, base: BaseModel, settings: TrainSettings) -> Any:  # noqa: ARG002
        """The model itself, without the bfloat16 that the trainer wrapped it in to compute."""
        from accelerate.utils import extract_model_from_parallel

        return extract_model_from_parallel(model, keep_fp32_wrapper=False)

    @contextlib.contextmanager
    def off(self, model: Any) -> Iterator[Any]:
        """The base's own weights in the model, read anew, within the block."""
        from evals.models.loading import load_folder

        assert self._folder is not None, "opened before"
        base = load_folder(self._folder, "float32").model
        swapped = SwappedWeights(model, {n: p.data for n, p in base.named_parameters()})
        try:
            yield model
        finally:
            swapped.undo()


def refuse_too_large(folder: Path, free: int) -> None:
    """Raise InfrastructureError where the base's training state is more than `free` bytes."""
    shapes = [
        shape for path in folder.glob("*.safetensors") for shape in read_shapes(path).values()
    ]
    count = sum(map(math.prod, shapes))
    needed = count * BYTES_A_PARAMETER
    if needed > free:
        raise InfrastructureError(
            f"full fine-tuning of {count / 1e6:,.0f} million parameters needs at least "
            f"{needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free",
            hint="train an adapter (tune.weights: lora), or use a machine with more memory",
        )
