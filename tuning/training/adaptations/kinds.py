"""PEFT's configurations of the kinds of adapter that tunegate offers, by their names.

Each was trained, killed and resumed, published, attached, detached and merged in this project's
tests before it was put here; docs/methods.md has the list, and the papers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tuning.training.adaptations.principal import PRINCIPAL
from tuning.training.settings import TrainSettings
from tuning.training.stages import TaskType

_VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "rslora": {"use_rslora": True},
    "dora": {"use_dora": True},
    "gaussian": {"init_lora_weights": "gaussian"},
    "orthogonal": {"init_lora_weights": "orthogonal"},
    "mica": {"init_lora_weights": "mica"},
}
_EVERYWHERE = {"target_modules": "all-linear"}


def _lora(settings: TrainSettings) -> Any:
    from peft import LoraConfig

    halves = 2 if settings.variant in PRINCIPAL else 1  # the same scale: alpha over rank
    return LoraConfig(
        r=halves * settings.rank,
        lora_alpha=halves * settings.alpha,
        lora_dropout=settings.dropout,
        **_EVERYWHERE,
        **_VARIANTS.get(settings.variant, {}),
    )


def _ia3(_: TrainSettings) -> Any:
    from peft import IA3Config

    return IA3Config()  # on keys, values and the feed-forward, by PEFT's list of architectures


def _vera(settings: TrainSettings) -> Any:
    from peft import VeraConfig

    return VeraConfig(
        r=settings.rank,
        vera_dropout=settings.dropout,
        projection_prng_key=settings.seed,
        **_EVERYWHERE,
    )


def _loha(settings: TrainSettings) -> Any:
    from peft import LoHaConfig

    return LoHaConfig(r=settings.rank, alpha=settings.alpha, **_EVERYWHERE)


def _lokr(settings: TrainSettings) -> Any:
    from peft import LoKrConfig

    return LoKrConfig(r=settings.rank, alpha=settings.alpha, **_EVERYWHERE)


def _oft(settings: TrainSettings) -> Any:
    from peft import OFTConfig

    return OFTConfig(module_dropout=settings.dropout, **_EVERYWHERE)


def _miss(settings: TrainSettings) -> Any:
    from peft import MissConfig

    return MissConfig(r=settings.rank, miss_dropout=settings.dropout, **_EVERYWHERE)


def _shira(settings: TrainSettings) -> Any:
    from peft import ShiraConfig

    return ShiraConfig(r=settings.rank, random_seed=settings.seed, **_EVERYWHERE)


CONFIGS: Mapping[str, Callable[[TrainSettings], Any]] = {
    "lora": _lora,
    "qlora": _lora,
    "ia3": _ia3,
    "vera": _vera,
    "loha": _loha,
    "lokr": _lokr,
    "oft": _oft,
    "miss": _miss,
    "shira": _shira,
}


def peft_config(settings: TrainSettings, task_type: TaskType) -> Any:
    """PEFT's configuration of what the settings name."""
    config = CONFIGS[settings.weights](settings)
    config.task_type = task_type
    return config
