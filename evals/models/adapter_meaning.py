"""Which settings of `adapter_config.json` give an adapter's weights their meaning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evals.models.adapter_kinds import LORA

_PLAIN = ("r", "lora_alpha", "use_rslora", "target_modules")
# What makes of the same tensors another function. They stand in a fingerprint only where they
# are set, so that plain LoRA keeps the fingerprints that it has always had.
_OTHERWISE = (
    "alora_invocation_tokens",
    "alpha_pattern",
    "arrow_config",
    "exclude_modules",
    "fan_in_fan_out",
    "layers_pattern",
    "layers_to_transform",
    "lora_bias",
    "modules_to_save",
    "monteclora_config",
    "rank_pattern",
    "target_parameters",
    "trainable_token_indices",
    "use_bdlora",
    "use_dora",
    "use_qalora",
)
# What says where an adapter comes from and how it was trained, and nothing of what it does.
_ORIGIN = (
    "auto_mapping",
    "base_model_name_or_path",
    "inference_mode",
    "peft_version",
    "revision",
    "task_type",
)


def meaning_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that tell adapters with the same tensors apart.

    Of LoRA those that were always told, and the others where they are set; of other kinds all
    but the origin.
    """
    if config.get("peft_type", LORA) == LORA:
        plain = {key: config.get(key) for key in _PLAIN}
        meaning = plain | {key: config[key] for key in _OTHERWISE if config.get(key)}
    else:
        meaning = {key: value for key, value in config.items() if key not in _ORIGIN}
    # PEFT writes sets: any order
    return {
        key: sorted(value) if isinstance(value, list) and _texts(value) else value
        for key, value in meaning.items()
    }


def _texts(value: list[Any]) -> bool:
    return all(isinstance(item, str) for item in value)
