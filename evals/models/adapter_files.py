"""An adapter's files, taken for hostile: looked at before any library opens them.

Checked without torch: that the files are plain files of the folder, that the configuration
is an object which names no code and leaves the base as it is, and that the weights' header is
sound. With the values (`check_values`) comes torch.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from evals.errors import ModelError
from evals.text import visible

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
MANIFEST = "adapter.json"

MAX_CONFIG_BYTES = 1 << 20
MAX_HEADER_BYTES = 16 << 20
"""A header takes about 120 bytes for each tensor; safetensors itself allows 100 MB."""

_PICKLED = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.ckpt")
_SHOWN = 3
# What PEFT imports by a name that a configuration states, and what would change the base's own
# weights or layers, so that "adapter off" were no longer the base.
_CODE = ("megatron_config", "auto_map", "custom_modules", "trust_remote_code")
_REBUILDS = ("layer_replication", "loftq_config")
_REWRITING = ("pissa", "olora", "corda", "loftq", "lora_ga")
_LIBRARIES = ("transformers", "peft", "torch")


def check_files(folder: Path) -> None:
    """Raise ModelError unless configuration and weights are plain files of this folder.

    A link may lead to the `blobs` folder of the hub's cache that the folder stands in, and
    nowhere else outside.
    """
    if not folder.is_dir():
        raise ModelError("there is no such adapter folder", path=folder)
    if not (folder / WEIGHTS).is_file():
        pickled = sorted(path for pattern in _PICKLED for path in folder.glob(pattern))
        if pickled:
            raise ModelError(
                "the adapter's weights are pickled, and a pickle can run code",
                path=pickled[0],
                hint="save the adapter as safetensors",
            )
        raise ModelError(f"the adapter folder has no {WEIGHTS}", path=folder)
    if not (folder / CONFIG).is_file():
        raise ModelError(f"the adapter folder has no {CONFIG}", path=folder)
    if (folder / MANIFEST).exists() and not (folder / MANIFEST).is_file():
        raise ModelError("is no plain file", path=folder / MANIFEST)
    inside = folder.resolve()
    cache = inside.parent.parent / "blobs"
    for path in (folder / CONFIG, folder / WEIGHTS, folder / MANIFEST):
        target = path.resolve()
        if path.is_symlink() and inside not in target.parents and target.parent != cache:
            raise ModelError(
                "is a link that leads out of the adapter's folder",
                path=path,
                hint="copy the file itself into the folder",
            )


def read_object(path: Path) -> dict[str, Any]:
    """A small JSON object. Raises ModelError for anything else."""
    try:
        with path.open("rb") as file:
            text = file.read(MAX_CONFIG_BYTES + 1)
        value = json.loads(text) if len(text) <= MAX_CONFIG_BYTES else None
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"cannot be read as JSON: {error}", path=path) from error
    if len(text) > MAX_CONFIG_BYTES:
        raise ModelError(f"is larger than {MAX_CONFIG_BYTES:,} bytes", path=path)
    if not isinstance(value, dict):
        raise ModelError("expected an object", path=path)
    return value


def check_config(config: Mapping[str, Any], path: Path) -> None:
    """Refuse what would import code, or change the base's own weights or layers."""
    for key in _CODE:
        if config.get(key):
            raise ModelError(
                "the adapter's configuration names code to load, which is never run",
                path=path,
                key=key,
            )
    mapping = config.get("auto_mapping") or {}
    library = mapping.get("parent_library") if isinstance(mapping, dict) else mapping
    if library and str(library).partition(".")[0] not in _LIBRARIES:
        raise ModelError(
            f"the adapter's configuration names code to load, {library!r}, which is never run",
            path=path,
            key="auto_mapping.parent_library",
        )
    if config.get("bias", "none") != "none":
        raise ModelError(
            "the adapter replaces biases of the base model itself",
            path=path,
            key="bias",
            hint="train it with bias: none",
        )
    for key in _REBUILDS:
        if config.get(key):
            raise ModelError("the adapter rebuilds the base model itself", path=path, key=key)
    start = config.get("init_lora_weights", True)
    if isinstance(start, str) and start.startswith(_REWRITING):
        raise ModelError(
            f"the adapter belongs to a base whose weights {start!r} has rewritten",
            path=path,
            key="init_lora_weights",
            hint="save it converted to plain LoRA, as PEFT can with "
            "path_initial_model_for_weight_conversion",
        )


def read_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Shapes by tensor name, from the header alone. Raises ModelError for one that is no header."""
    try:
        header = json.loads(_header(path))
        return {
            str(name): tuple(int(edge) for edge in entry["shape"])
            for name, entry in header.items()
            if name != "__metadata__"
        }
    except ModelError:
        raise
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ModelError(
            f"the adapter's weights cannot be read: {type(error).__name__} in their header",
            path=path,
        ) from error


def _header(path: Path) -> bytes:
    """The JSON that a safetensors file begins with, after its length in 8 bytes."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > size - 8:
            raise ModelError("the adapter's weights are cut off, or no safetensors", path=path)
        if length > MAX_HEADER_BYTES:
            raise ModelError(
                f"the header of the adapter's weights is larger than {MAX_HEADER_BYTES:,} bytes",
                path=path,
            )
        return file.read(length)


def largest_values(path: Path) -> dict[str, float]:
    """The largest magnitude in each tensor, NaN where one is no number. Raises ModelError."""
    from safetensors import SafetensorError, safe_open

    read_shapes(path)
    try:
        with safe_open(path, framework="pt") as file:
            return {name: _largest(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise ModelError(f"the adapter's weights cannot be read: {error}", path=path) from error


def _largest(tensor: Any) -> float:
    return float(tensor.float().abs().max()) if tensor.numel() else 0.0


def check_values(path: Path) -> None:
    """Every weight finite, and not every product B·A zero (an untrained LoRA has B = 0)."""
    sizes = largest_values(path)
    for name, size in sizes.items():
        if not math.isfinite(size):
            raise ModelError("the adapter's weights are not finite", path=path, key=name)
    if not any(size for name, size in sizes.items() if "lora_A" not in name):
        raise ModelError(
            "the adapter changes nothing: all its weights are zero",
            path=path,
            hint="it was saved before any training step",
        )


def refuse_other_tensors(path: Path, expected: Mapping[str, tuple[int, ...]]) -> None:
    """Raise ModelError unless a file holds exactly the tensors that its configuration makes.

    PEFT leaves a missing one at its start without a word, and copies one of another name into
    the base where the base has it.
    """
    found = read_shapes(path)
    missing, other = expected.keys() - found.keys(), found.keys() - expected.keys()
    if missing or other:
        lacks = f"lacks {len(missing)}: {_named(missing)}" if missing else ""
        has = f"has {len(other)} that belong to no part of it: {_named(other)}" if other else ""
        raise ModelError(
            "the adapter does not fit the model: of the tensors that its configuration makes here "
            f"it {' and '.join(filter(None, (lacks, has)))}",
            path=path,
            hint="open the model it was trained on; if that is this one, the files do not belong "
            "together",
        )
    for name, shape in expected.items():
        if found[name] != shape:
            raise ModelError(
                f"the adapter does not fit the model: its shape is {list(found[name])}, expected "
                f"{list(shape)}",
                path=path,
                key=name,
            )


def _named(names: Iterable[str]) -> str:
    ordered = sorted(names)
    more = f" and {len(ordered) - _SHOWN} more" if len(ordered) > _SHOWN else ""
    return ", ".join(visible(name, 120) for name in ordered[:_SHOWN]) + more
