"""Loading a model folder with transformers: safetensors only, no remote code.

The trainer opens its base model through the same function.
"""

from __future__ import annotations

import contextlib
import json
import logging as python_logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

from evals.errors import InfrastructureError, ModelError
from evals.fingerprint import file_sha256, fingerprint
from evals.models.embedded import manifest_sha256

ChosenPrecision = Literal["float32", "bfloat16"]


class Loaded(NamedTuple):
    """A transformers model in eval mode, its tokenizer, and what it was made from."""

    model: Any
    tokenizer: Any
    precision: ChosenPrecision
    device: str
    weights_hash: str


def choose_device() -> str:
    """`cuda` where there is one, else `cpu`."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def choose_precision(wanted: str, device: str) -> ChosenPrecision:
    """Resolve "auto": bfloat16 where the hardware is faster in it, else float32."""
    import torch

    if wanted in ("float32", "bfloat16"):
        return "float32" if wanted == "float32" else "bfloat16"
    if wanted != "auto":
        raise ModelError(f"unknown precision {wanted!r}", hint="auto, float32 or bfloat16")
    if device == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    return "bfloat16" if _cpu_is_fast_in_bfloat16() else "float32"


def _cpu_is_fast_in_bfloat16() -> bool:
    """Whether the CPU multiplies bfloat16 matrices faster than float32: it has AMX tiles.

    The AVX-512 bfloat16 instructions alone are not enough: measured on such a CPU, torch
    multiplied bfloat16 matrices at 81 and float32 ones at 149 GFLOP/s per core.
    """
    import torch

    return bool(getattr(torch.cpu, "_is_amx_tile_supported", lambda: False)())


def load_folder(folder: Path, precision: str = "auto", device: str | None = None) -> Loaded:
    """Load weights and tokenizer of a model folder.

    Raises ModelError where the folder is no causal model with a chat template, and
    InfrastructureError where memory does not suffice.
    """
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM, AutoTokenizer

    refuse_remote_code(folder)
    place = device or choose_device()
    chosen = choose_precision(precision, place)
    options = {"local_files_only": True, "trust_remote_code": False}
    try:
        with quiet_transformers():
            tokenizer = AutoTokenizer.from_pretrained(folder, **options)
            model = AutoModelForCausalLM.from_pretrained(
                folder, dtype=getattr(torch, chosen), use_safetensors=True, **options
            )
    except MemoryError as error:
        raise InfrastructureError(f"not enough memory to load {folder}") from error
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelError(f"the model cannot be loaded: {reason}", path=folder) from error
    if not getattr(tokenizer, "chat_template", None):
        raise ModelError("the model's tokenizer has no chat template", path=folder)
    model.to(place).eval().requires_grad_(False)
    return Loaded(model, tokenizer, chosen, place, weights_hash(folder))


def weights_hash(folder: Path) -> str:
    """Identity of config and weights: their SHA-256, from the manifest where there is one."""
    names = sorted(path.name for path in folder.glob("*.safetensors"))
    hashes = [manifest_sha256(folder, name) or file_sha256(folder / name) for name in names]
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    volatile = ("transformers_version", "_name_or_path", "dtype", "torch_dtype")
    return fingerprint("weights@1", hashes, {k: v for k, v in config.items() if k not in volatile})


def refuse_remote_code(folder: Path) -> None:
    """Raise ModelError where the folder has no config, or one that needs code of its own."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"cannot be read: {error}", path=folder / "config.json") from error
    if not isinstance(config, dict):
        raise ModelError("expected an object", path=folder / "config.json")
    if "auto_map" in config and "model_type" not in config:
        raise ModelError(
            "the model needs its own code, which is never run",
            path=folder / "config.json",
            key="auto_map",
        )


@contextlib.contextmanager
def quiet_transformers() -> Iterator[None]:
    """Silence transformers' and PEFT's bars and remarks while loading; errors still raise.

    The remarks are about each other's deprecated names: nothing a user can act on.
    """
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    bitsandbytes = python_logging.getLogger("bitsandbytes")  # PEFT imports it where it is there
    level_of_bitsandbytes = bitsandbytes.level
    bitsandbytes.setLevel(python_logging.ERROR)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            yield
    finally:
        logging.set_verbosity(level)
        bitsandbytes.setLevel(level_of_bitsandbytes)
        if bars:
            logging.enable_progress_bar()
