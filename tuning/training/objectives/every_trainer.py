"""What every trainer here does, whichever of TRL's it extends: count, refuse, and tell nobody.

Importing this module loads torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from evals.errors import DivergedError
from tuning.training.objectives.size_order import Size, SizeSampler


class EveryTrainer:
    """Stands before TRL's class among the bases. `trained_tokens` counts those seen in training."""

    order_seed = 0
    rate_key = "tune.learning_rate"
    trained_tokens = 0

    def refuse_infinite(self, loss: Any) -> Any:
        """A loss as it is. Raises DivergedError for one that is not finite."""
        if not torch.isfinite(loss):
            trainer: Any = self
            raise DivergedError(
                f"the loss became {loss.item()} at step {trainer.state.global_step}",
                key=self.rate_key,
                hint=f"lower {self.rate_key}, which is {trainer.args.learning_rate:g}; nothing was "
                "kept as an adapter",
            )
        return loss

    def count_tokens(self, model: Any, inputs: dict[str, Any]) -> None:
        """Count the tokens of a batch, padding apart, if it is one that is learnt from."""
        if model.training:
            self.trained_tokens += int(inputs["attention_mask"].sum())

    def by_size(self, sizes: Sequence[Size]) -> SizeSampler:
        """The order in which rows of these sizes are learnt."""
        args: Any = self.args  # type: ignore[attr-defined]  # of TRL's class
        return SizeSampler(
            sizes, args.train_batch_size * args.gradient_accumulation_steps, self.order_seed
        )

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: an adapter's manifest says what it is."""

    def _send_telemetry(self) -> None:
        """Nothing: training tells nobody."""


class PairTrainer(EveryTrainer):
    """Of those that learn from pairs, with TRL's own loss."""

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """TRL's loss of a batch of pairs. Raises DivergedError for one that is not finite."""
        trl: Any = super()
        found = trl.compute_loss(model, inputs, return_outputs, num_items_in_batch)
        self.refuse_infinite(found[0] if return_outputs else found)
        self.count_tokens(model, inputs)
        return found

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """As TRL's; of a look also over how many pairs, and means over its pairs."""
        trainer: Any = self
        if not trainer.model.training and trainer.eval_dataset is not None:
            pairs = len(trainer.eval_dataset)
            logs["eval_pairs"] = pairs
            over_rows(trainer._metrics["eval"], pairs, trainer.args.eval_batch_size)
        trl: Any = super()
        trl.log(logs, start_time)


def over_rows(metrics: dict[str, list[float]], rows: int, batch: int) -> None:
    """Turn means of batches into the mean of all rows: the last batch may be a smaller one."""
    sizes = [min(batch, rows - start) for start in range(0, rows, batch)]
    for name, values in metrics.items():
        if len(values) == len(sizes):
            total = sum(value * size for value, size in zip(values, sizes, strict=True))
            metrics[name] = [total / rows]
