"""TRL's DPOTrainer over token ids of the evals' own encoding, deterministic and silent.

Importing this module loads torch, transformers and trl: `PreferenceObjective` does so late.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from datasets import Dataset
from trl import DPOConfig, DPOTrainer

from evals.errors import TrainingError
from evals.suite.preference_settings import DpoSettings
from tuning.data.pairs import EncodedPair
from tuning.training.objectives.arguments import Steps, shared_arguments
from tuning.training.objectives.every_trainer import PairTrainer
from tuning.training.settings import TrainSettings


class PreferenceTrainer(PairTrainer, DPOTrainer):  # type: ignore[misc]  # trl is untyped; it is extended so
    """DPOTrainer whose rows are token ids already, and whose reference is computed beforehand.

    The reference is the model as it is given: log-probabilities of both answers of every pair
    are taken from it once, before the first step. `trained_tokens` counts the tokens seen in
    training, those of the prompt once for each answer.
    """

    def __init__(self, *args: Any, seed: int, held_out_groups: int, **kwargs: Any) -> None:
        self.order_seed = seed
        self.held_out_groups = held_out_groups
        super().__init__(*args, **kwargs)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """As of every trainer of pairs; of a look also over how many groups of them."""
        if not self.model.training and self.eval_dataset is not None:
            logs["eval_groups"] = self.held_out_groups
        super().log(logs, start_time)

    def _prepare_dataset(self, dataset: Any, *_: Any, **__: Any) -> Any:
        """As it is: TRL would encode with its own rules, and truncate."""
        return dataset

    def _precompute_ref_logps(self, dataset: Any, name: str, batch_size: int) -> Any:
        """As TRL's, without files in a cache and without a bar."""
        del name
        chosen: list[float] = []
        rejected: list[float] = []
        for start in range(0, len(dataset), batch_size):
            rows = [dataset[i] for i in range(start, min(start + batch_size, len(dataset)))]
            batch = self._prepare_inputs(self.data_collator(rows))
            good, bad = self.compute_ref_log_probs(self.model, batch)
            chosen += good.float().cpu().tolist()
            rejected += bad.float().cpu().tolist()
        with_chosen = dataset.add_column("ref_chosen_logps", chosen)
        return with_chosen.add_column("ref_rejected_logps", rejected)

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        rows = self.train_dataset if train_dataset is None else train_dataset
        columns = (rows["prompt_ids"], rows["chosen_ids"], rows["rejected_ids"])
        sizes = [(False, len(p) + max(len(c), len(r))) for p, c, r in zip(*columns, strict=True)]
        return self.by_size(sizes)


def make_trainer(
    model: Any,
    tokenizer: Any,
    train: Sequence[EncodedPair],
    held_out: Sequence[EncodedPair],
    *,
    settings: TrainSettings,
    own: DpoSettings,
    steps: Steps,
    scratch: Path,
    callbacks: Sequence[Any],
    held_out_groups: int,
) -> PreferenceTrainer:
    """A trainer over encoded pairs, checkpointing under `scratch`."""
    losses, weights = losses_of(own)
    return PreferenceTrainer(
        model=model,
        args=DPOConfig(
            **shared_arguments(settings, steps, scratch, bool(held_out)),
            beta=own.beta,
            loss_type=losses,
            loss_weights=weights,
            label_smoothing=own.label_smoothing,
            precompute_ref_log_probs=True,
            max_length=None,
            disable_dropout=True,
        ),
        train_dataset=table_of(train),
        eval_dataset=table_of(sorted(held_out, key=lambda e: e.longest)) if held_out else None,
        processing_class=tokenizer,
        callbacks=list(callbacks),
        seed=settings.seed,
        held_out_groups=held_out_groups,
    )


def losses_of(own: DpoSettings) -> tuple[list[str], list[float]]:
    """TRL's names of the losses, and their weights.

    Raises TrainingError for label smoothing with a loss that has none.
    """
    loss = own.loss
    if own.label_smoothing > 0:
        if loss not in ("sigmoid", "robust"):
            raise TrainingError(
                f"the loss {loss} has no label smoothing",
                key="tune.dpo.label_smoothing",
                hint="use the loss robust",
            )
        loss = "robust"  # TRL's sigmoid takes none; both are the same without
    if own.sft_weight > 0:
        return [loss, "sft"], [1.0, own.sft_weight]
    return [loss], [1.0]


def table_of(pairs: Sequence[EncodedPair]) -> Any:
    """Pairs as TRL's collator takes them."""
    return Dataset.from_dict(
        {
            "prompt_ids": [list(pair.prompt_ids) for pair in pairs],
            "chosen_ids": [list(pair.chosen_ids) for pair in pairs],
            "rejected_ids": [list(pair.rejected_ids) for pair in pairs],
        }
    )
