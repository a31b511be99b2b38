"""How an adapter is trained: every number that matters, with defaults that work untouched."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from evals.errors import TrainingError
from evals.fingerprint import LATER
from evals.suite.spec import TuneSpec
from evals.suite.tune_methods import own_of, weights_of
from evals.suite.tune_weights import SHAPING, WEIGHTS
from tuning.data.dataset import Example, Parts, hold_out
from tuning.training.rates import alpha_for, rank_for, rate_for

Precision = Literal["float32", "bfloat16"]


@dataclass(frozen=True)
class TrainSettings:
    """Settings of one training. All of them are part of an adapter's identity.

    `method`, `weights` and `variant` are names of `evals.suite.tune_methods`; `own` are the
    method's own settings, a frozen dataclass, None where it has none.
    `batch` counts examples per optimiser step, `micro_batch` those in memory at once. Small
    batches suit LoRA: one pass over 1,500 examples of `query_assistant` at this rate ended at
    a dev score of 0.52 with 8 a step; a rate of 1e-3 at 0.40, of 5e-4 at 0.24.
    `evaluations` is how often the held-out part is looked at in all; training stops after
    `patience` looks without a better loss. `max_tokens` bounds an example, prompt and answer.
    """

    rank: int = 16
    alpha: int = 32
    dropout: float = 0.0
    learning_rate: float = 2e-3
    warmup: float = 0.06
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    epochs: float = 3.0
    batch: int = 8
    micro_batch: int = 8
    held_out_share: float = 0.1
    held_out_limit: int = 48
    evaluations: int = 6
    patience: int = 3
    max_tokens: int = 2048
    precision: Precision = "float32"
    attention: Literal["eager", "sdpa"] = "eager"
    seed: int = 0
    method: str = field(default="lora", metadata=LATER)
    weights: str = field(default="lora", metadata=LATER)
    variant: str = field(default="plain", metadata=LATER)
    own: Any = field(default=None, metadata=LATER)

    def __post_init__(self) -> None:
        positive = ("rank", "alpha", "learning_rate", "epochs", "batch", "micro_batch")
        for name in (*positive, "evaluations", "patience", "max_tokens"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise TrainingError(f"expected a number above 0, got {value}", key=f"tune.{name}")
        if not 0 <= self.held_out_share < 1 or not 0 <= self.dropout < 1:
            raise TrainingError("held_out_share and dropout lie in [0, 1)", key="tune")
        if self.batch % self.micro_batch:
            raise TrainingError(
                f"micro_batch {self.micro_batch} does not divide batch {self.batch}", key="tune"
            )

    def parts_of(self, examples: Sequence[Example]) -> Parts:
        """What is learnt from, and what is held out to see when training should stop."""
        return hold_out(examples, share=self.held_out_share, limit=self.held_out_limit)

    def as_dict(self) -> dict[str, float | int | str | bool]:
        """All settings by name, for a record; the method's own as `method.name`.

        Settings of an adapter stand there only where the weights have them.
        """
        form = WEIGHTS.get(self.weights)
        idle = {"own", *SHAPING} - set(form.takes if form else SHAPING)
        shared = {one.name: getattr(self, one.name) for one in fields(self) if one.name not in idle}
        if self.own is None:
            return shared
        own = {f"{self.method}.{one.name}": getattr(self.own, one.name) for one in fields(self.own)}
        return shared | own


def settings_for(
    tune: TuneSpec,
    examples: int,
    *,
    longest: int,
    context: int,
    precision: Precision | None = None,
) -> TrainSettings:
    """Defaults for this much data, under what the suite states.

    `examples` counts those that may be trained on, `longest` is the longest in tokens,
    `context` the model's limit. Raises TrainingError for a value that makes no sense.
    """
    defaults = TrainSettings()
    weights, variant = weights_of(tune), tune.variant or defaults.variant
    rank = tune.rank or rank_for(weights)
    return TrainSettings(
        rank=rank,
        alpha=tune.alpha or alpha_for(variant, rank),
        dropout=defaults.dropout if tune.dropout is None else tune.dropout,
        learning_rate=tune.learning_rate or rate_for(weights, variant),
        epochs=tune.epochs or epochs_for(examples),
        batch=defaults.batch,
        micro_batch=micro_batch_for(defaults.batch, longest),
        max_tokens=min(defaults.max_tokens, context),
        precision=precision or training_precision(),
        seed=tune.seed,
        method=tune.method,
        weights=weights,
        variant=variant,
        own=own_of(tune),
    )


def epochs_for(examples: int) -> float:
    """Passes over the data: about 1,600 examples seen, from 8 passes of few to 1 of many."""
    return float(max(1, min(8, round(1600 / max(examples, 1)))))


def micro_batch_for(batch: int, longest: int, budget: int = 4096) -> int:
    """The largest divisor of `batch` whose examples, `longest` tokens each, fit the budget."""
    fitting = max(1, budget // max(longest, 1))
    return max(n for n in range(1, batch + 1) if batch % n == 0 and n <= fitting)


def training_precision() -> Precision:
    """bfloat16 on CUDA and on CPUs with matrix tiles for it, else float32.

    AVX512-BF16 alone does not pay when training: measured on one core, products of the
    135M model's shapes ran at 58 GFLOP/s in bfloat16 and at 85 in float32.
    """
    import torch

    if torch.cuda.is_available():
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    tiles = getattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    return "bfloat16" if tiles() else "float32"
