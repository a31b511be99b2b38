"""Supervised fine-tuning: the answers of examples, learnt as completions of their prompts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from evals.errors import TrainingError
from evals.fingerprint import fingerprint
from evals.models.planning import common_prefix
from tuning.data.dataset import (
    EncodedExample,
    Example,
    data_fingerprint,
    encode_examples,
)
from tuning.records import LossPoint, Proof
from tuning.training.stages import Course, Measured, Opened, TaskType


class Encoded(NamedTuple):
    """What a training reads: the suite's examples, general ones, and those kept back."""

    train: tuple[EncodedExample, ...]
    replayed: tuple[EncodedExample, ...]
    held_out: tuple[EncodedExample, ...]

    @property
    def prefix(self) -> tuple[int, ...]:
        """Token ids that every example of the suite begins with."""
        prompts = [example.prompt_ids for example in (*self.train, *self.held_out)]
        return tuple(prompts[0][: common_prefix(prompts)])


@dataclass(frozen=True)
class CompletionObjective:
    """Examples, of which a part is held out, and general ones beside them (`replayed`)."""

    examples: tuple[Example, ...]
    replayed: tuple[Example, ...] = ()

    @property
    def task_type(self) -> TaskType:
        """The model writes."""
        return "CAUSAL_LM"

    def fingerprint(self) -> str:
        """Identity of the examples and of those replayed."""
        rows = [data_fingerprint(self.examples), data_fingerprint(self.replayed)]
        return fingerprint("sft@1", rows)

    def open(self, course: Course) -> Opened:
        """TRL's SFTTrainer, with the loss on completions alone.

        Raises TrainingError where there is nothing to train on.
        """
        from tuning.training.objectives.arguments import plan_steps
        from tuning.training.objectives.completion_trainer import largest_batch, make_trainer

        settings = course.settings
        parts = settings.parts_of(self.examples)
        if not parts.train:
            raise TrainingError("there is nothing to train on", hint="add train cases to the suite")
        tokenizer = course.base.tokenizer
        rows = (parts.train, self.replayed, parts.held_out)
        data = Encoded(*(encode_examples(tokenizer, examples) for examples in rows))
        train = (*data.train, *data.replayed)
        trainer = make_trainer(
            course.model,
            tokenizer,
            train,
            data.held_out,
            prefix=data.prefix,
            settings=settings,
            steps=plan_steps(len(train), settings),
            scratch=course.scratch,
            callbacks=course.callbacks,
        )
        largest = largest_batch((*train, *data.held_out), settings.micro_batch)
        return Opened(trainer, len(data.train), len(data.held_out), largest)

    def learnt(self, curve: Sequence[LossPoint]) -> Proof:
        """Whether the loss is finite and fell."""
        from tuning.training.proofs import loss_proof

        return loss_proof(curve)

    def measured(self, _log: Sequence[Mapping[str, Any]], /) -> Measured:
        """Nothing beside the losses."""
        return {}
