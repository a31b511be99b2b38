"""Trained weights on disk: the best so far while training, and the published ones after."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from tuning.training.adapters import WEIGHTS
from tuning.training.checkpoints import Checkpoint, seal, unseal
from tuning.training.stages import Adaptation

_BEST = "best"


def keep_best(adaptation: Adaptation, model: Any, scratch: Path, step: int) -> None:
    """Save the weights aside, mark them whole, and only then drop the former best."""
    from safetensors.torch import save_file

    folder = scratch / f"{_BEST}-{step}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    state = adaptation.state(model)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
    seal(folder, step, {})
    for former in scratch.glob(f"{_BEST}-*"):
        if former != folder:
            shutil.rmtree(former)


def best_weights(scratch: Path) -> Checkpoint | None:
    """The newest best weights that are whole, or None."""
    kept = [found for path in scratch.glob(f"{_BEST}-*") if (found := unseal(path))]
    return max(kept, key=lambda found: found.step, default=None)


def load_weights(adaptation: Adaptation, model: Any, weights: Path) -> None:
    """Put saved weights into an opened model."""
    from safetensors.torch import load_file

    adaptation.put(model, load_file(weights))


def publish(adaptation: Adaptation, model: Any, weights: Path, folder: Path, base: str) -> None:
    """Put the adapter's files into its folder, naming the base by name and not by path."""
    from safetensors.torch import load_file, save_file

    adaptation.describe(model, folder, base)
    tensors = adaptation.published(load_file(weights))
    save_file(tensors, folder / (WEIGHTS + ".new"), metadata={"format": "pt"})
    (folder / (WEIGHTS + ".new")).replace(folder / WEIGHTS)
