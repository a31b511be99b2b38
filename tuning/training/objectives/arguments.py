"""What every trainer is told alike: precision, steps, looks, checkpoints, and silence."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

from tuning.training.settings import TrainSettings


class Steps(NamedTuple):
    """Optimiser steps in all, and how many lie between two looks at the held-out part."""

    total: int
    between: int


def plan_steps(rows: int, settings: TrainSettings) -> Steps:
    """Optimiser steps for the settings' epochs, and the interval between looks."""
    total = max(1, math.ceil(math.ceil(rows / settings.batch) * settings.epochs))
    return Steps(total, max(1, math.ceil(total / settings.evaluations)))


def shared_arguments(
    settings: TrainSettings, steps: Steps, scratch: Path, evaluate: bool
) -> dict[str, Any]:
    """Keywords of any `transformers.TrainingArguments`: nothing is told to anybody."""
    return {
        "output_dir": str(scratch),
        "max_steps": steps.total,
        "per_device_train_batch_size": settings.micro_batch,
        "per_device_eval_batch_size": settings.micro_batch,
        "gradient_accumulation_steps": settings.batch // settings.micro_batch,
        "learning_rate": settings.learning_rate,
        "lr_scheduler_type": "cosine",
        "warmup_steps": max(1, round(settings.warmup * steps.total)),
        "weight_decay": settings.weight_decay,
        "max_grad_norm": settings.max_grad_norm,
        "optim": "adamw_torch",
        "bf16": settings.precision == "bfloat16",
        "gradient_checkpointing": False,
        "eval_strategy": "steps" if evaluate else "no",
        "eval_steps": steps.between,
        "save_strategy": "steps",
        "save_steps": steps.between,
        "save_total_limit": 2,
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "prediction_loss_only": True,
        "report_to": [],
        "disable_tqdm": True,
        "log_level": "error",
        "dataloader_pin_memory": False,
        "remove_unused_columns": False,
        "seed": settings.seed,
        "data_seed": settings.seed,
    }
