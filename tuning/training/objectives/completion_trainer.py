"""TRL's SFTTrainer, made deterministic, silent and quick for short completions.

Importing this module loads torch, transformers and trl: `CompletionObjective` does so late.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from datasets import Dataset
from trl import SFTConfig, SFTTrainer

from tuning.data.dataset import EncodedExample
from tuning.training.forward import (
    IGNORED,
    causal_of,
    fast_path_is_exact,
    plain_summed_loss,
    shared_columns,
    summed_loss,
)
from tuning.training.objectives.arguments import Steps, shared_arguments
from tuning.training.objectives.every_trainer import EveryTrainer
from tuning.training.recomputing import Batch, recomputes
from tuning.training.settings import TrainSettings


class CompletionTrainer(EveryTrainer, SFTTrainer):  # type: ignore[misc]  # trl is untyped; it is extended so
    """SFTTrainer whose loss is taken on completions only, through `tuning.training.forward`.

    `prefix` is what the task's examples begin with, as token ids; batches that begin so pass
    it through the model once. `trained_tokens` counts the completion and prompt tokens seen
    in training, shared ones once for every row.
    """

    def __init__(self, *args: Any, prefix: Sequence[int], seed: int, **kwargs: Any) -> None:
        self.prefix = list(prefix)
        self.order_seed = seed
        self.exact: dict[bool, bool] = {}
        super().__init__(*args, **kwargs)
        held_in_float32(self.model)

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """Mean loss per completion token of the whole step (of this batch when evaluating)."""
        causal = causal_of(self.accelerator.unwrap_model(model))
        shared = shared_columns(inputs, len(self.prefix))
        # What is made a second time keeps no keys and values that rows could share.
        prefix = shared if shared == len(self.prefix) and not recomputes(causal) else 0
        if bool(prefix) not in self.exact:
            small = {name: tensor[:2] for name, tensor in inputs.items()}
            self.exact[bool(prefix)] = fast_path_is_exact(causal, small, prefix)
        if self.exact[bool(prefix)]:
            total = summed_loss(causal, inputs, prefix)
        else:
            total = plain_summed_loss(causal, inputs)
        count = num_items_in_batch
        if count is None:
            count = (inputs["labels"][:, 1:] != IGNORED).sum()
        loss = total / count
        self.refuse_infinite(loss)
        self.count_tokens(model, inputs)
        return (loss, None) if return_outputs else loss

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        rows = self.train_dataset if train_dataset is None else train_dataset
        sizes = [(ids[: len(self.prefix)] != self.prefix, len(ids)) for ids in rows["input_ids"]]
        return self.by_size(sizes)


def make_trainer(
    model: Any,
    tokenizer: Any,
    train: Sequence[EncodedExample],
    held_out: Sequence[EncodedExample],
    *,
    prefix: Sequence[int],
    settings: TrainSettings,
    steps: Steps,
    scratch: Path,
    callbacks: Sequence[Any],
) -> CompletionTrainer:
    """A trainer over encoded examples, checkpointing under `scratch`."""
    return CompletionTrainer(
        model=model,
        args=_arguments(settings, steps, scratch, bool(held_out)),
        train_dataset=_table(train),
        eval_dataset=_table(sorted(held_out, key=lambda e: e.tokens)) if held_out else None,
        processing_class=tokenizer,
        callbacks=list(callbacks),
        prefix=prefix,
        seed=settings.seed,
    )


def largest_batch(examples: Sequence[EncodedExample], rows: int) -> Batch:
    """The most that is in memory at once: `rows` of the longest, with the longest answers."""
    answers = max(len(one.completion_ids) for one in examples)
    return Batch(rows, max(one.tokens for one in examples), rows * answers)


def held_in_float32(model: Any) -> None:
    """Undo TRL's rounding of an adapter over a quantised base to bfloat16.

    A checkpoint is loaded back in float32: a resumed training would go on otherwise than one
    that was never interrupted.
    """
    if getattr(model, "is_loaded_in_4bit", False):
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.data = parameter.data.float()


def _table(examples: Sequence[EncodedExample]) -> Any:
    return Dataset.from_dict(
        {
            "input_ids": [[*e.prompt_ids, *e.completion_ids] for e in examples],
            "labels": [[IGNORED] * len(e.prompt_ids) + [*e.completion_ids] for e in examples],
        }
    )


def _arguments(settings: TrainSettings, steps: Steps, scratch: Path, evaluate: bool) -> Any:
    return SFTConfig(
        **shared_arguments(settings, steps, scratch, evaluate),
        dataset_kwargs={"skip_prepare_dataset": True},
        max_length=None,
        pad_to_multiple_of=None,
    )
