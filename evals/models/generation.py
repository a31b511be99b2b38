"""Batched decoding: greedy or sampled, row by row independent of who shares the batch."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from evals.fingerprint import fingerprint
from evals.models.constrained import Constraint, Matcher
from evals.models.packing import PackedModel
from evals.records import Decoding, FinishReason

_ROOM = 64  # tokens of room that a row starts with; it grows by half when they are used
_LEAVE_SHARE = 8  # rows leave once an eighth has finished: dropping rows copies the rest


@dataclass
class Row:
    """One sequence being decoded. `ids` are the tokens generated, the stop token left out.

    `stopped` says that the model ended it with a token, which is `ended_by`; `cut` that a stop
    string did.
    """

    prompt: Sequence[int]
    ids: list[int] = field(default_factory=list)
    text: str = ""
    finish: FinishReason | None = None
    error: str | None = None
    stopped: bool = False
    cut: bool = False
    rng: random.Random = field(default_factory=random.Random)
    matcher: Matcher | None = None
    ended_by: int | None = None


class Decoder:
    """Decodes batches with one model, tokenizer and set of stop tokens."""

    def __init__(self, model: PackedModel, tokenizer: Any, stops: frozenset[int]) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.stops = stops

    def run(
        self,
        prompts: Sequence[Sequence[int]],
        prefix_tokens: int,
        decoding: Decoding,
        adapter: str,
        constraint: Constraint | None = None,
        *,
        seeds: Sequence[int] | None = None,
    ) -> list[Row]:
        """Continue every prompt; all share their first `prefix_tokens` tokens.

        `seeds` are those of the rows, in place of the one in `decoding`: the same prompt may then
        stand in several rows, each with an answer of its own.
        """
        chosen = seeds or [decoding.seed] * len(prompts)
        rows = [
            Row(prompt, rng=_generator(prompt, decoding, seed))
            for prompt, seed in zip(prompts, chosen, strict=True)
        ]
        for row in rows if constraint else ():
            row.matcher = constraint.matcher() if constraint else None
        prefix = self.model.prefix(prompts[0][:prefix_tokens], adapter)
        suffixes = [prompt[prefix_tokens:] for prompt in prompts]
        room = min(_ROOM, decoding.max_tokens)
        logits, sequences = self.model.first(suffixes, prefix_tokens, prefix, room)
        alive = rows
        while True:
            self._take(alive, logits, decoding, constraint)
            running = [n for n, row in enumerate(alive) if row.finish is None]
            if not running:
                return [self._finished(row) for row in rows]
            if (len(alive) - len(running)) * _LEAVE_SHARE >= len(alive):
                sequences.keep(torch.tensor(running, device=self.model.device))
                alive = [alive[n] for n in running]
            # Finished rows that have not left yet decode on, unread.
            tokens = [row.ids[-1] if row.ids else 0 for row in alive]
            logits = self.model.decode(tokens, prefix_tokens, prefix, sequences)

    def _take(
        self,
        rows: Sequence[Row],
        logits: Tensor,
        decoding: Decoding,
        constraint: Constraint | None,
    ) -> None:
        """Choose the next token of every running row, and see which rows end with it."""
        best, ids = logits.max(-1)
        finite = torch.isfinite(best).tolist()
        if constraint is not None:
            logits = _masked(rows, logits, constraint)
            ids = logits.argmax(-1)
        greedy = ids.tolist()
        for n, row in enumerate(rows):
            if row.finish is not None:
                continue
            if not finite[n]:
                row.finish, row.error = "error", "the model gave logits that are not finite"
                continue
            if row.matcher is not None and (fault := row.matcher.fault):
                row.finish, row.error = "error", f"the structure is too complex: {fault}"
                continue
            token = greedy[n] if decoding.temperature <= 0 else _sample(logits[n], decoding, row)
            self._append(row, int(token), decoding)

    def _append(self, row: Row, token: int, decoding: Decoding) -> None:
        if token in self.stops:
            row.finish, row.stopped, row.ended_by = "stop", True, token
            return
        row.ids.append(token)
        if decoding.stop:
            row.text = self._text(row.ids)
            cuts = [row.text.find(stop) for stop in decoding.stop if stop and stop in row.text]
            if cuts:
                row.text, row.finish, row.cut = row.text[: min(cuts)], "stop", True
                return
        if row.matcher is not None:
            row.matcher.take(token)
            if row.matcher.ended:
                row.finish = "stop"
                return
        if len(row.ids) >= decoding.max_tokens:
            row.finish = "length"

    def _finished(self, row: Row) -> Row:
        if not row.text:
            row.text = "" if row.cut else self._text(row.ids)
        return row

    def _text(self, ids: Sequence[int]) -> str:
        """Control tokens that the model wrote stay visible: output is never edited."""
        return str(
            self.tokenizer.decode(
                ids, skip_special_tokens=False, clean_up_tokenization_spaces=False
            )
        )


def _masked(rows: Sequence[Row], logits: Tensor, constraint: Constraint) -> Tensor:
    """Logits [R, vocabulary] with -inf for what a running row's structure does not allow."""
    running = [row.matcher if row.finish is None else None for row in rows]
    allowed = torch.from_numpy(constraint.allowed(running, logits.shape[-1]))
    return logits.masked_fill(~allowed.to(logits.device), -torch.inf)


def _generator(prompt: Sequence[int], decoding: Decoding, seed: int) -> random.Random:
    """A generator of the request's own, so that a batch's other rows change nothing."""
    return random.Random(  # noqa: S311 - sampling, not secrets
        fingerprint("sampling@1", seed, list(prompt)) if decoding.temperature > 0 else 0
    )


def _sample(logits: Tensor, decoding: Decoding, row: Row) -> int:
    """Draw from the smallest set of tokens whose probability reaches `top_p`."""
    probabilities = torch.softmax(logits.double() / decoding.temperature, -1)
    ordered, ids = probabilities.sort(descending=True, stable=True)
    before = ordered.cumsum(-1) - ordered
    kept = torch.where(before < decoding.top_p, ordered, 0.0)
    kept[0] = ordered[0]
    edges = kept.cumsum(-1)
    place = int(torch.searchsorted(edges, row.rng.random() * float(edges[-1]), right=True))
    return int(ids[min(place, len(ids) - 1)])
