"""A score of answers, learnt from pairs: the chosen one is to score higher (Bradley and Terry)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evals.errors import TrainingError
from evals.fingerprint import fingerprint
from tuning.data.pairs import Pair, PairParts, hold_out_pairs, pairs_fingerprint
from tuning.records import LossPoint, Proof
from tuning.training.loss_curve import best_step, loss_curve
from tuning.training.objectives.preferences import encoded_whole, largest_of_pairs
from tuning.training.settings import TrainSettings
from tuning.training.stages import Course, Measured, Opened, TaskType


@dataclass(frozen=True)
class RewardObjective:
    """Pairs, of which a part is held out, and with it those of the groups in `apart`."""

    pairs: tuple[Pair, ...]
    apart: frozenset[str] = frozenset()

    @property
    def task_type(self) -> TaskType:
        """The model scores answers."""
        return "SEQ_CLS"

    def fingerprint(self) -> str:
        """Identity of the pairs."""
        apart = [sorted(self.apart)] if self.apart else []
        return fingerprint("reward@1", pairs_fingerprint(self.pairs), *apart)

    def parts(self, settings: TrainSettings) -> PairParts:
        """What is learnt from, and what accuracy is told on; a group is never split."""
        share, limit = settings.held_out_share, settings.held_out_limit
        kept = {pair.group for pair in hold_out_pairs(self.pairs, share=share, limit=limit)[1]}
        kept |= self.apart
        return PairParts(
            tuple(pair for pair in self.pairs if pair.group not in kept),
            tuple(pair for pair in self.pairs if pair.group in kept),
        )

    def open(self, course: Course) -> Opened:
        """TRL's RewardTrainer. Raises TrainingError without pairs, and for one too long."""
        from tuning.training.objectives.arguments import plan_steps
        from tuning.training.objectives.reward_trainer import make_trainer

        settings = course.settings
        parts = self.parts(settings)
        if not parts.train:
            raise TrainingError("there are no pairs to learn from", key="tune.pairs")
        train, held_out = (encoded_whole(course, some) for some in parts)
        trainer = make_trainer(
            course.model,
            course.base.tokenizer,
            train,
            held_out,
            settings=settings,
            steps=plan_steps(len(train), settings),
            scratch=course.scratch,
            callbacks=course.callbacks,
            padding=padding_id(course.base.tokenizer),
        )
        largest = largest_of_pairs((*train, *held_out), settings.micro_batch)
        return Opened(trainer, len(train), len(held_out), largest._replace(logits=0))

    def learnt(self, curve: Sequence[LossPoint]) -> Proof:
        """Whether the loss is finite and fell."""
        from tuning.training.proofs import loss_proof

        return loss_proof(curve, unit="a pair")

    def measured(self, log: Sequence[Mapping[str, Any]], /) -> Measured:
        """Accuracy and margin on held-out pairs at the best step."""
        step = best_step(loss_curve(log))
        look = next((e for e in log if "eval_loss" in e and e.get("step") == step), {})
        keys = {"reward_accuracy": "eval_accuracy", "reward_margin": "eval_margin"}
        return {name: float(look[key]) for name, key in keys.items() if key in look}


def padding_id(tokenizer: Any) -> int:
    """A token to pad with that ends no answer, so that the score is read where an answer ends."""
    from evals.models.tokens import stop_ids

    stops = stop_ids(tokenizer)
    others = sorted(set(tokenizer.all_special_ids) - stops)
    own = tokenizer.pad_token_id
    if own is not None and own not in stops:
        return int(own)
    if others:
        return int(others[0])
    raise TrainingError("the tokenizer has no token to pad with that does not end an answer")
