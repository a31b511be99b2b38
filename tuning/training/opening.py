"""The base's own weights, loaded afresh to be trained on."""

from __future__ import annotations

from typing import Any

from tuning.training.base import BaseModel
from tuning.training.settings import Precision, TrainSettings
from tuning.training.stages import TaskType


def open_weights(base: BaseModel, settings: TrainSettings, task_type: TaskType) -> Any:
    """The base model in the settings' precision and attention, on its device.

    For SEQ_CLS it has a head with one score in place of the vocabulary's; the head is new, and
    drawn from the settings' seed.
    """
    from transformers import set_seed

    from evals.models.loading import load_folder

    if task_type == "CAUSAL_LM":
        model = load_folder(base.folder, settings.precision).model
        model.set_attn_implementation(settings.attention)
        return model
    import torch
    from transformers import AutoModelForSequenceClassification

    set_seed(settings.seed)
    model = AutoModelForSequenceClassification.from_pretrained(
        base.folder,
        num_labels=1,
        dtype=getattr(torch, settings.precision),
        attn_implementation=settings.attention,
        local_files_only=True,
        trust_remote_code=False,
        use_safetensors=True,
    )
    model.config.pad_token_id = base.tokenizer.pad_token_id
    return model.to("cuda" if torch.cuda.is_available() else "cpu")


def precision_of(model: Any) -> Precision:
    """In what the model's own weights are held, whatever it computes in."""
    import torch

    held = next(model.parameters()).dtype
    return "bfloat16" if held == torch.bfloat16 else "float32"
