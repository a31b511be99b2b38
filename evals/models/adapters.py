"""LoRA adapters on disk: looked at before they are loaded, and refused for a reason.

A tunegate adapter is a PEFT folder (`adapter_config.json`, `adapter_model.safetensors`)
with an `adapter.json` beside them, of which three keys are read here (training writes more):

    {"fingerprint": "…", "base_weights_hash": "…", "template_hash": "…"}

`base_weights_hash` is `Loaded.weights_hash` of the model it was trained on (precision
does not matter), `template_hash` that of its chat template. A PEFT folder without
`adapter.json` is accepted for any base that its shapes fit.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from evals.errors import ModelError
from evals.fingerprint import file_sha256, fingerprint
from evals.models.adapter_files import (
    CONFIG,
    MANIFEST,
    WEIGHTS,
    check_config,
    check_files,
    check_values,
    read_object,
    refuse_other_tensors,
)
from evals.models.loading import quiet_transformers

ADAPTER_MANIFEST = MANIFEST


def adapter_fingerprint(folder: Path) -> str:
    """Identity of an adapter: hash of its weights and of the settings that give them meaning."""
    config = read_object(folder / CONFIG)
    meaning = {key: config.get(key) for key in ("r", "lora_alpha", "use_rslora", "target_modules")}
    if isinstance(meaning["target_modules"], list):  # PEFT writes a set: any order
        meaning["target_modules"] = sorted(meaning["target_modules"])
    return fingerprint("adapter@1", file_sha256(folder / WEIGHTS), meaning)


def check_adapter(folder: Path, base_weights_hash: str, template_hash: str) -> str:
    """Refuse an adapter that must not be used; returns its fingerprint.

    Raises ModelError: no such folder, pickled weights, not LoRA, trained on another base
    or template, weights all zero or not finite.
    """
    check_files(folder)
    config = read_object(folder / CONFIG)
    check_config(config, folder / CONFIG)
    kind = config.get("peft_type")
    if kind != "LORA":
        raise ModelError(
            f"expected a LORA adapter, this one is {kind!r}",
            path=folder / CONFIG,
            key="peft_type",
        )
    manifest: dict[str, Any] = {}
    if (folder / ADAPTER_MANIFEST).exists():
        manifest = read_object(folder / ADAPTER_MANIFEST)
        _same(folder, manifest, "base_weights_hash", base_weights_hash, "another base model")
        _same(folder, manifest, "template_hash", template_hash, "another chat template")
    check_values(folder / WEIGHTS)
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

    def attach(self, folder: Path, precision: str) -> Any:
        """Put the layers in, and return PEFT's model of both.

        Raises ModelError, with the base restored, where they do not fit.
        """
        import torch
        from safetensors import SafetensorError

        device = self.model.device
        try:
            with quiet_transformers():
                tuned = self._put_in(folder)
        except ModelError:
            self.detach()
            raise
        except (OSError, ValueError, RuntimeError, LookupError, AttributeError, TypeError) as error:
            self.detach()
            raise _unfit(folder, error) from error
        except (ImportError, SafetensorError) as error:  # one of PEFT's optional libraries
            self.detach()
            raise _unfit(folder, error) from error
        return tuned.to(device, getattr(torch, precision)).eval().requires_grad_(False)

    def _put_in(self, folder: Path) -> Any:
        """The layers that the configuration asks for, and then the weights: all and no others.

        They are made without memory first: what a configuration asks for may not fit in any.
        """
        from peft import PeftConfig, PeftModel, get_peft_model_state_dict, set_peft_model_state_dict
        from safetensors.torch import load_file

        config = PeftConfig.from_pretrained(str(folder))
        config.inference_mode = True
        tuned = PeftModel(self.model, config, autocast_adapter_dtype=False, low_cpu_mem_usage=True)
        made = get_peft_model_state_dict(tuned, save_embedding_layers=False)
        shapes = {name: tuple(tensor.shape) for name, tensor in made.items()}
        refuse_other_tensors(folder / WEIGHTS, shapes)
        weights = load_file(folder / WEIGHTS, device=str(self.model.device))
        set_peft_model_state_dict(tuned, weights, low_cpu_mem_usage=True)
        return tuned

    def detach(self) -> None:
        """Put the base's own modules back where PEFT replaced them."""
        for path, module in self._base.items():
            if path and self.model.get_submodule(path) is not module:
                parent, _, name = path.rpartition(".")
                setattr(self._base[parent], name, module)
        if hasattr(self.model, "peft_config"):
            del self.model.peft_config


def _unfit(folder: Path, error: BaseException) -> ModelError:
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    return ModelError(f"the adapter does not fit the model: {reason}", path=folder)


def _same(folder: Path, manifest: dict[str, Any], key: str, actual: str, what: str) -> None:
    stated = manifest.get(key)
    if stated is not None and stated != actual:
        raise ModelError(
            f"the adapter was trained on {what} ({stated}; this one is {actual})",
            path=folder / ADAPTER_MANIFEST,
            key=key,
            hint="open the model it was trained on, or train again",
        )
