"""LoRA adapters on disk: looked at before they are loaded, and refused for a reason.

A tunegate adapter is a PEFT folder (`adapter_config.json`, `adapter_model.safetensors`)
with an `adapter.json` beside them, of which three keys are read here (training writes more):

    {"fingerprint": "…", "base_weights_hash": "…", "template_hash": "…"}

`base_weights_hash` is `Loaded.weights_hash` of the model it was trained on (precision
does not matter), `template_hash` that of its chat template. A PEFT folder without
`adapter.json` is accepted for any base that its shapes fit.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from evals.errors import ModelError
from evals.fingerprint import file_sha256, fingerprint
from evals.models.loading import quiet_transformers

ADAPTER_MANIFEST = "adapter.json"
_CONFIG, _WEIGHTS = "adapter_config.json", "adapter_model.safetensors"


def adapter_fingerprint(folder: Path) -> str:
    """Identity of an adapter: hash of its weights and of the settings that give them meaning."""
    config = _read_object(folder / _CONFIG)
    meaning = {key: config.get(key) for key in ("r", "lora_alpha", "use_rslora", "target_modules")}
    if isinstance(meaning["target_modules"], list):  # PEFT writes a set: any order
        meaning["target_modules"] = sorted(meaning["target_modules"])
    return fingerprint("adapter@1", file_sha256(folder / _WEIGHTS), meaning)


def check_adapter(folder: Path, base_weights_hash: str, template_hash: str) -> str:
    """Refuse an adapter that must not be used; returns its fingerprint.

    Raises ModelError: no such folder, pickled weights, not LoRA, trained on another base
    or template, weights all zero or not finite.
    """
    if not folder.is_dir():
        raise ModelError("there is no such adapter folder", path=folder)
    if not (folder / _WEIGHTS).is_file():
        pickled = sorted([*folder.glob("*.bin"), *folder.glob("*.pt"), *folder.glob("*.pth")])
        if pickled:
            raise ModelError(
                "the adapter's weights are pickled, and a pickle can run code",
                path=pickled[0],
                hint="save the adapter as safetensors",
            )
        raise ModelError(f"the adapter folder has no {_WEIGHTS}", path=folder)
    kind = _read_object(folder / _CONFIG).get("peft_type")
    if kind != "LORA":
        raise ModelError(
            f"expected a LORA adapter, this one is {kind!r}",
            path=folder / _CONFIG,
            key="peft_type",
        )
    manifest: dict[str, Any] = {}
    if (folder / ADAPTER_MANIFEST).exists():
        manifest = _read_object(folder / ADAPTER_MANIFEST)
        _same(folder, manifest, "base_weights_hash", base_weights_hash, "another base model")
        _same(folder, manifest, "template_hash", template_hash, "another chat template")
    _check_weights(folder / _WEIGHTS)
    identity = adapter_fingerprint(folder)
    if manifest.get("fingerprint", identity) != identity:
        raise ModelError(
            "the adapter's files are not those that its manifest describes",
            path=folder / ADAPTER_MANIFEST,
            key="fingerprint",
            hint="delete the folder and train again",
        )
    return identity


class AttachedAdapter:
    """An adapter's layers in a model, put around the base's own, which stay as they are."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self._base = dict(model.named_modules())

    def attach(self, folder: Path, precision: str) -> None:
        """Put the layers in. Raises ModelError, with the base restored, where they do not fit."""
        import torch
        from peft import PeftModel
        from safetensors import SafetensorError

        device = self.model.device
        try:
            with quiet_transformers():
                tuned = PeftModel.from_pretrained(
                    self.model, str(folder), autocast_adapter_dtype=False, use_safetensors=True
                )
        except (OSError, ValueError, RuntimeError, KeyError, TypeError, SafetensorError) as error:
            self.detach()
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise ModelError(
                f"the adapter does not fit the model: {reason}", path=folder
            ) from error
        tuned.to(device, getattr(torch, precision)).eval().requires_grad_(False)

    def detach(self) -> None:
        """Put the base's own modules back where PEFT replaced them."""
        for path, module in self._base.items():
            if path and self.model.get_submodule(path) is not module:
                parent, _, name = path.rpartition(".")
                setattr(self._base[parent], name, module)
        if hasattr(self.model, "peft_config"):
            del self.model.peft_config


def _same(folder: Path, manifest: dict[str, Any], key: str, actual: str, what: str) -> None:
    stated = manifest.get(key)
    if stated is not None and stated != actual:
        raise ModelError(
            f"the adapter was trained on {what} ({stated}; this one is {actual})",
            path=folder / ADAPTER_MANIFEST,
            key=key,
            hint="open the model it was trained on, or train again",
        )


def _read_object(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"cannot be read: {error}", path=path) from error
    if not isinstance(value, dict):
        raise ModelError("expected an object", path=path)
    return value


def _check_weights(path: Path) -> None:
    """Every weight finite, and not every product B·A zero (an untrained LoRA has B = 0)."""
    from safetensors import SafetensorError, safe_open

    largest = 0.0
    try:
        with safe_open(path, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118 - not a mapping
                size = float(file.get_tensor(name).float().abs().max())
                if not math.isfinite(size):
                    raise ModelError("the adapter's weights are not finite", path=path, key=name)
                if "lora_A" not in name:
                    largest = max(largest, size)
    except (SafetensorError, OSError, ValueError) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(f"the adapter's weights cannot be read: {error}", path=path) from error
    if largest == 0.0:
        raise ModelError(
            "the adapter changes nothing: all its weights are zero",
            path=path,
            hint="it was saved before any training step",
        )
