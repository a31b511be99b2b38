"""Answers of a model that is being trained, written as an evaluation would have them written.

The same decoder, encoding, stop tokens and stop strings as in `evals.models.local`; each answer
draws from a generator of its own, so neither its neighbours nor a resume change it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from evals.errors import TrainingError
from evals.fingerprint import fingerprint
from evals.models.backend import borrowed_passes
from evals.models.generation import Decoder, Row
from evals.models.loading import Loaded
from evals.models.local import configured_stops
from evals.models.planning import shared_prefix
from evals.models.tokens import stop_ids
from evals.records import Decoding, Output
from tuning.training.base import BaseModel
from tuning.training.forward import causal_of
from tuning.training.settings import Precision

_ROWS = 128  # written together, at most


class Rollout(NamedTuple):
    """One answer: its token ids, with the one that ended it, and as a scorer sees it."""

    ids: list[int]
    output: Output


class Rollouts:
    """Writes answers with a model in training, whose attention and mode are put back."""

    def __init__(self, base: BaseModel, precision: Precision) -> None:
        self.base = base
        self.precision = precision

    def __call__(
        self,
        model: Any,
        prompts: Sequence[Sequence[int]],
        decoding: Decoding,
        seeds: Sequence[int] | None = None,
    ) -> list[Rollout]:
        """An answer to each prompt (token ids). Raises TrainingError for broken logits."""
        causal, training = causal_of(model), model.training
        loaded = Loaded(
            causal, self.base.tokenizer, self.precision, str(causal.device), self.base.weights_hash
        )
        model.eval()
        try:
            with borrowed_passes(loaded) as passes:
                stops = stop_ids(self.base.tokenizer) | configured_stops(causal)
                decoder = Decoder(passes, self.base.tokenizer, stops)
                rows = [
                    row
                    for start in range(0, len(prompts), _ROWS)
                    for row in _written(
                        decoder,
                        prompts[start : start + _ROWS],
                        decoding,
                        seeds[start : start + _ROWS] if seeds else None,
                    )
                ]
                passes.forget_prefixes()
        finally:
            model.train(training)
        return [_rollout(row) for row in rows]


def answer_seed(seed: int, step: int, number: int) -> int:
    """The seed of one answer: of the training, the step, and its place in the step."""
    return int(fingerprint("rollout@1", seed, step, number), 16)


def _written(
    decoder: Decoder,
    prompts: Sequence[Sequence[int]],
    decoding: Decoding,
    seeds: Sequence[int] | None,
) -> list[Row]:
    # The adapter has no name yet, and its prefixes are forgotten after the block.
    return decoder.run(prompts, shared_prefix(prompts), decoding, "", seeds=seeds)


def _rollout(row: Row) -> Rollout:
    if row.error:
        raise TrainingError(row.error, hint="lower the learning rate; nothing was kept")
    ended = [] if row.ended_by is None else [row.ended_by]
    ids = [*row.ids, *ended]
    return Rollout(ids, Output(row.text, row.finish or "stop", len(row.prompt), len(ids)))
