"""Adapter weights on disk: the best so far while training, and the published ones after."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from tuning.training.adapters import WEIGHTS
from tuning.training.checkpoints import Checkpoint, seal, unseal

_BEST = "best"


def keep_best(model: Any, scratch: Path, step: int) -> None:
    """Save the adapter's weights aside, mark them whole, and only then drop the former best."""
    from peft import get_peft_model_state_dict
    from safetensors.torch import save_file

    folder = scratch / f"{_BEST}-{step}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    state = get_peft_model_state_dict(model, save_embedding_layers=False)
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


def load_weights(model: Any, folder: Path) -> None:
    """Put saved weights into a PEFT model."""
    from peft import set_peft_model_state_dict
    from safetensors.torch import load_file

    set_peft_model_state_dict(model, load_file(folder / WEIGHTS))


def publish(model: Any, weights: Path, folder: Path, base: str) -> None:
    """Put the adapter's files into its folder, naming the base by name and not by path."""
    config = model.peft_config["default"]
    config.base_model_name_or_path = base
    config.inference_mode = True
    config.save_pretrained(str(folder))
    shutil.copyfile(weights, folder / (WEIGHTS + ".new"))
    (folder / (WEIGHTS + ".new")).replace(folder / WEIGHTS)
