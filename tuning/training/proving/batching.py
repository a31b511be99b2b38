"""Whether what the tuned model says to one request hangs on who shares the batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evals.models.generation import Decoder
from evals.models.planning import common_prefix
from evals.records import Decoding
from tuning.data.dataset import EncodedExample
from tuning.records import Proof
from tuning.training.proving.answers import Answers, answer_room, compare, largest_difference

BATCH_BOUND = 5e-3
"""Largest difference of a logit in float32, alone against in a batch."""


def ask_alone(decoder: Decoder, canaries: Sequence[EncodedExample]) -> Answers:
    """Each canary in a batch of its own: logits of the first token, greedy answers, no stops."""
    room = max(map(answer_room, canaries))  # the same for all: one bound ends all answers
    asked = [_ask(decoder, [canary], 0, room) for canary in canaries]
    return Answers([logits[0] for logits, _ in asked], [answers[0] for _, answers in asked])


def batch_proof(
    decoder: Decoder,
    canaries: Sequence[EncodedExample],
    alone: Answers,
    gaps: Sequence[Sequence[float]],
) -> Proof:
    """Ask all canaries at once, after the tokens that they share, as evaluations do.

    `decoder` is an evaluation's over the tuned model in float32; `gaps` are `greedy_gaps` of
    the answers `alone`. Compared are the logits of the first token, and the greedy answers.
    """
    shared = common_prefix([canary.prompt_ids for canary in canaries])
    logits, greedy = _ask(decoder, canaries, shared, max(map(answer_room, canaries)))
    largest = largest_difference(alone, Answers(list(logits), greedy))
    same = compare(alone.greedy, greedy, largest, BATCH_BOUND, gaps)
    return Proof(
        "answers alone as in a batch",
        same.holds,
        f"{len(canaries)} at once, {shared} tokens shared, float32: {same.said}",
    )


def _ask(
    decoder: Decoder, canaries: Sequence[EncodedExample], shared: int, room: int
) -> tuple[Any, list[list[int]]]:
    """Logits [rows, vocabulary] of the first token, and the greedy answers without their stop."""
    passes, prompts = decoder.model, [canary.prompt_ids for canary in canaries]
    passes.forget_prefixes()
    prefix = passes.prefix(prompts[0][:shared], "")
    logits, _ = passes.first([prompt[shared:] for prompt in prompts], shared, prefix, 1)
    rows = decoder.run(prompts, shared, Decoding(max_tokens=room), "")
    return logits, [row.ids for row in rows]
