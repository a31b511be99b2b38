"""What a model says to the canaries, and how far two models may differ and be the same.

Rounding alone changes logits a little, and where two tokens are nearly as likely it may change
a greedy answer. So two models are the same here if their logits lie within a bound on the same
tokens, and their greedy answers are identical but for a first difference at a near tie.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch

from evals.records import Message
from tuning.data.dataset import EncodedExample, Parts, encode_examples

# Beyond the example's own length: an answer may be longer than the one it was taught.
_EXTRA_TOKENS = 32

_ASKED = 4


class Canary(NamedTuple):
    """An example to ask about: its messages, and its token ids as training encoded them."""

    messages: tuple[Message, ...]
    encoded: EncodedExample


def canaries_of(parts: Parts, tokenizer: Any) -> list[Canary]:
    """The first few held-out examples, else of those learnt from, to ask about in proofs."""
    asked = (parts.held_out or parts.train)[:_ASKED]
    encoded = encode_examples(tokenizer, asked)
    return [Canary(e.messages, ids) for e, ids in zip(asked, encoded, strict=True)]


class Answers(NamedTuple):
    """A model on the canaries: logits over each whole example, and its greedy answers."""

    logits: list[Any]
    greedy: list[list[int]]


class Sameness(NamedTuple):
    """How two models compare: the largest difference of a logit, and their greedy answers.

    `ties` of the answers differ, but first where the two likeliest tokens are closer than the
    bound allows to tell apart; `others` differ otherwise.
    """

    largest: float
    identical: int
    ties: int
    others: int
    bound: float

    @property
    def holds(self) -> bool:
        """Whether they are the same model within the bound."""
        return self.others == 0 and self.largest <= self.bound

    @property
    def said(self) -> str:
        """The numbers in words."""
        count = self.identical + self.ties + self.others
        tied = f", {self.ties} more but for a near tie" if self.ties else ""
        return (
            f"largest difference of a logit {self.largest:.2g} (at most {self.bound:.2g}); "
            f"{self.identical} of {count} greedy answers identical{tied}"
        )


def ask(model: Any, canaries: Sequence[EncodedExample], stops: frozenset[int]) -> Answers:
    """Logits and greedy answers of a transformers model (with PEFT's layers or without)."""
    device = next(model.parameters()).device
    logits, greedy = [], []
    with torch.no_grad():
        for example in canaries:
            ids = torch.tensor([[*example.prompt_ids, *example.completion_ids]], device=device)
            logits.append(model(input_ids=ids, use_cache=False).logits[0].float().cpu())
            prompt = ids[:, : len(example.prompt_ids)]
            answer = model.generate(
                input_ids=prompt,
                attention_mask=torch.ones_like(prompt),
                max_new_tokens=answer_room(example),
                do_sample=False,
                eos_token_id=sorted(stops),
                pad_token_id=min(stops),
            )
            greedy.append(answer[0, len(example.prompt_ids) :].tolist())
    return Answers(logits, greedy)


def answer_room(example: EncodedExample) -> int:
    """How many tokens an answer to a canary may have."""
    return len(example.completion_ids) + _EXTRA_TOKENS


def largest_difference(one: Answers, other: Answers) -> float:
    """The largest distance of two logits; NaN where one is no number."""
    pairs = zip(one.logits, other.logits, strict=True)
    found = [float((a - b).abs().max()) for a, b in pairs]
    return math.nan if any(map(math.isnan, found)) else max(found, default=0.0)


def compare(
    first: Sequence[Sequence[int]],
    second: Sequence[Sequence[int]],
    largest: float,
    bound: float,
    gaps: Sequence[Sequence[float]],
) -> Sameness:
    """Hold greedy answers of two models beside each other.

    `gaps[n][i]` is by how much the first model's likeliest token at place i of its answer n
    beats the next; a difference there of at most twice the bound is a near tie.
    """
    identical = ties = 0
    for one, two, gap in zip(first, second, gaps, strict=True):
        place = _first_difference(one, two)
        if place is None:
            identical += 1
        elif place < len(gap) and gap[place] <= 2 * bound:
            ties += 1
    return Sameness(largest, identical, ties, len(first) - identical - ties, bound)


def greedy_gaps(
    model: Any, canaries: Sequence[EncodedExample], answers: Sequence[Sequence[int]]
) -> list[list[float]]:
    """By how much the likeliest token leads at each place of each answer, and one beyond."""
    device = next(model.parameters()).device
    gaps = []
    with torch.no_grad():
        for example, answer in zip(canaries, answers, strict=True):
            ids = torch.tensor([[*example.prompt_ids, *answer]], device=device)
            logits = model(input_ids=ids, use_cache=False).logits[0].float()
            top = logits[len(example.prompt_ids) - 1 :].topk(2, -1).values
            gaps.append((top[:, 0] - top[:, 1]).tolist())
    return gaps


def _first_difference(one: Sequence[int], other: Sequence[int]) -> int | None:
    if list(one) == list(other):
        return None
    pairs = enumerate(zip(one, other, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(one), len(other)))
