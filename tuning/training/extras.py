"""Whether training's optional packages are there; looked up without importing them."""

from __future__ import annotations

import importlib.util

from evals.errors import MissingExtraError

_TUNE_MODULES = ("torch", "transformers", "safetensors", "peft", "datasets", "accelerate", "trl")


def require_tune_extra() -> None:
    """Raise MissingExtraError, naming what to install, unless all of `[tune]` is there."""
    missing = [name for name in _TUNE_MODULES if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            f"fine-tuning needs {', '.join(missing)}: pip install 'tunegate[tune]'"
        )
