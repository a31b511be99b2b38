"""Adapters of PEFT: a few weights beside the base's, which stay as they are."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, cast

from tuning.training.adaptations.kinds import peft_config
from tuning.training.adaptations.principal import PRINCIPAL, balanced, begin_from_base
from tuning.training.base import BaseModel
from tuning.training.settings import TrainSettings
from tuning.training.stages import TaskType


class PeftWeights:
    """The adaptation for every adapter that PEFT makes, keeps and loads by itself."""

    def __init__(self, variant: str = "plain") -> None:
        self.variant = variant

    def open(self, base: BaseModel, settings: TrainSettings, task_type: TaskType) -> Any:
        """The base with a new adapter, drawn from the settings' seed."""
        from peft import get_peft_model
        from transformers import set_seed

        from tuning.training.opening import open_weights

        model = open_weights(base, settings, task_type)
        set_seed(settings.seed)
        wrapped = get_peft_model(model, peft_config(settings, task_type))
        if settings.variant in PRINCIPAL:
            begin_from_base(wrapped, settings)
        return wrapped

    def state(self, model: Any) -> dict[str, Any]:
        """The adapter's own tensors, under the names that PEFT writes."""
        from peft import get_peft_model_state_dict

        return dict(get_peft_model_state_dict(model, save_embedding_layers=False))

    def put(self, model: Any, tensors: Mapping[str, Any]) -> None:
        """Put the adapter's tensors in place of those it has."""
        from peft import set_peft_model_state_dict

        set_peft_model_state_dict(model, dict(tensors))

    def published(self, tensors: Mapping[str, Any]) -> dict[str, Any]:
        """The tensors as they are; of a variant that begins from the base, factored anew."""
        return balanced(tensors) if self.variant in PRINCIPAL else dict(tensors)

    def describe(self, model: Any, folder: Path, base: str) -> None:
        """Write PEFT's own `adapter_config.json`."""
        config = model.peft_config["default"]
        config.base_model_name_or_path = base
        config.inference_mode = True
        config.save_pretrained(str(folder))

    def judged(self, model: Any, base: BaseModel, settings: TrainSettings) -> Any:  # noqa: ARG002
        """The model itself."""
        return model

    def off(self, model: Any) -> AbstractContextManager[Any]:
        """The base's own outputs, through PEFT's switch."""
        return cast("AbstractContextManager[Any]", model.disable_adapter())
