"""Whether the adapter's weights are those of this base, finite, and none of its modules idle."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from pathlib import Path

from evals.errors import ModelError
from evals.models.adapter_files import WEIGHTS, largest_values
from evals.models.adapters import check_adapter
from tuning.records import Proof

_PART = re.compile(r"\.(lora_(?:embedding_)?[AB])(?:\.|$)")
_SHOWN = 3


def weights_proof(folder: Path, base_weights_hash: str, template_hash: str) -> Proof:
    """Every tensor finite, and every module changed: a product B·A is zero where B or A is."""
    name = "weights are finite and not zero"
    try:
        identity = check_adapter(folder, base_weights_hash, template_hash)
    except ModelError as error:
        return Proof(name, False, error.message)
    largest = largest_values(folder / WEIGHTS)
    modules = {_module(tensor) for tensor in largest}
    unfinite = {_module(tensor) for tensor, size in largest.items() if not math.isfinite(size)}
    idle = modules - _changing(largest) - unfinite
    faults = [*_told("not finite", unfinite), *_told("zero", idle)]
    count = f"{len(modules)} modules, each finite and not zero"
    return Proof(name, not faults, "; ".join(faults) or f"safetensors, adapter {identity}; {count}")


def _module(tensor: str) -> str:
    """The module that a tensor belongs to: its name up to the adapter's own part."""
    part = _PART.search(tensor)
    return tensor[: part.start()] if part else tensor.rpartition(".")[0] or tensor


def _changing(largest: dict[str, float]) -> set[str]:
    """Modules that do something: both factors of LoRA not zero, or any tensor of another kind."""
    zero = {t for t, size in largest.items() if size == 0.0}
    halved = {_module(tensor) for tensor in zero if _PART.search(tensor)}
    return {_module(tensor) for tensor in largest.keys() - zero} - halved


def _told(what: str, modules: Iterable[str]) -> list[str]:
    ordered = sorted(module.removeprefix("base_model.model.") for module in modules)
    if not ordered:
        return []
    more = f" and {len(ordered) - _SHOWN} more" if len(ordered) > _SHOWN else ""
    return [f"{what} in {len(ordered)} modules: {', '.join(ordered[:_SHOWN])}{more}"]
