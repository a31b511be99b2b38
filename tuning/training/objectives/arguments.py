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
    """Keywords of any `transformers.TrainingArguments` of a trainer that passes over rows."""
    return {
        **common_arguments(settings, scratch, steps.between),
        "max_steps": steps.total,
        "per_device_train_batch_size": settings.micro_batch,
        "per_device_eval_batch_size": settings.micro_batch,
        "gradient_accumulation_steps": settings.batch // settings.micro_batch,
        "lr_scheduler_type": "cosine",
        "warmup_steps": max(1, round(settings.warmup * steps.total)),
        "eval_strategy": "steps" if evaluate else "no",
        "eval_steps": steps.between,
        "prediction_loss_only": True,
    }


def common_arguments(settings: TrainSettings, scratch: Path, save_steps: int) -> dict[str, Any]:
    """What also those that write their own rows are told: nothing is told to anybody."""
    import torch

    return {
        "output_dir": str(scratch),
        "learning_rate": settings.learning_rate,
        "weight_decay": settings.weight_decay,
        "max_grad_norm": settings.max_grad_norm,
        "optim": "adamw_torch",
        "bf16": settings.precision == "bfloat16",
        # Bfloat16 on a CPU is refused unless it is said that a CPU is meant.
        "use_cpu": not torch.cuda.is_available(),
        "gradient_checkpointing": False,
        "save_strategy": "steps",
        "save_steps": save_steps,
        "save_total_limit": 2,
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "report_to": [],
        "disable_tqdm": True,
        "log_level": "error",
        "dataloader_pin_memory": False,
        "remove_unused_columns": False,
        "seed": settings.seed,
        "data_seed": settings.seed,
    }
