"""TRL's RewardTrainer over token ids of the evals' own encoding, deterministic and silent.

Importing this module loads torch, transformers and trl: `RewardObjective` does so late.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from datasets import Dataset
from trl import RewardConfig, RewardTrainer
from trl.trainer.reward_trainer import DataCollatorForPreference

from tuning.data.pairs import EncodedPair
from tuning.training.objectives.arguments import Steps, shared_arguments
from tuning.training.objectives.every_trainer import PairTrainer
from tuning.training.settings import TrainSettings

CENTRED = 0.01
"""How strongly the scores of a pair are held around 0, so that they can be compared between
prompts: Eisenstein et al. 2023, arXiv 2312.09244, eq. 2; the value is that of TRL's guide."""


class PairwiseTrainer(PairTrainer, RewardTrainer):  # type: ignore[misc]  # trl is untyped; it is extended so
    """RewardTrainer in batches of like length. `trained_tokens` counts those of both answers.

    The score is read at the last token that is not `padding`: with the tokenizer's own, which
    for many models is the token that ends an answer, it would be read before that.
    """

    def __init__(self, *args: Any, seed: int, padding: int, **kwargs: Any) -> None:
        self.order_seed = seed
        self.padding = padding
        super().__init__(*args, **kwargs)

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """TRL's loss of a batch of pairs. Raises TrainingError for one that is not finite."""
        # The trainer puts the tokenizer's padding back when training begins.
        self.accelerator.unwrap_model(model).config.pad_token_id = self.padding
        return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        rows = self.train_dataset if train_dataset is None else train_dataset
        columns = (rows["chosen_ids"], rows["rejected_ids"])
        sizes = [(False, max(len(good), len(bad))) for good, bad in zip(*columns, strict=True)]
        return self.by_size(sizes)


def make_trainer(
    model: Any,
    tokenizer: Any,
    train: Sequence[EncodedPair],
    held_out: Sequence[EncodedPair],
    *,
    settings: TrainSettings,
    steps: Steps,
    scratch: Path,
    callbacks: Sequence[Any],
    padding: int,
) -> PairwiseTrainer:
    """A trainer over encoded pairs, padded with the token id `padding`."""
    return PairwiseTrainer(
        model=model,
        args=RewardConfig(
            **shared_arguments(settings, steps, scratch, bool(held_out)),
            max_length=None,
            center_rewards_coefficient=CENTRED,
            disable_dropout=True,
        ),
        data_collator=DataCollatorForPreference(pad_token_id=padding),
        train_dataset=_table(train),
        eval_dataset=_table(sorted(held_out, key=lambda e: e.longest)) if held_out else None,
        processing_class=tokenizer,
        callbacks=list(callbacks),
        seed=settings.seed,
        padding=padding,
    )


def _table(pairs: Sequence[EncodedPair]) -> Any:
    return Dataset.from_dict(
        {
            "chosen_ids": [[*pair.prompt_ids, *pair.chosen_ids] for pair in pairs],
            "rejected_ids": [[*pair.prompt_ids, *pair.rejected_ids] for pair in pairs],
        }
    )
