"""The slow, general way: one sequence at a time through transformers' own attention.

For models whose attention asks for what packing cannot give (sliding windows, soft caps,
sinks, recurrent layers). It offers what `PackedModel` offers, over transformers' cache.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

PLAIN_VERSION = "plain@1"


class PlainModel:
    """Prefix, first pass, decoding step and scores, a loop over rows each."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.device = model.device

    def prefix(self, ids: Sequence[int], adapter: str) -> tuple[int, ...] | None:
        """The prefix's ids: nothing is computed ahead."""
        del adapter
        return tuple(ids) or None

    def forget_prefixes(self) -> None:
        """There is nothing to forget."""

    def first(
        self, suffixes: Sequence[Sequence[int]], offset: int, prefix: Any, room: int
    ) -> tuple[Tensor, PlainSequences]:
        """As `PackedModel.first`."""
        del offset, room
        logits, caches = [], []
        for suffix in suffixes:
            result = self._forward([*(prefix or ()), *suffix], None, keep=1)
            logits.append(result.logits[0, -1].float())
            caches.append(result.past_key_values)
        return torch.stack(logits), PlainSequences(caches)

    def decode(
        self, tokens: Sequence[int], offset: int, prefix: Any, sequences: PlainSequences
    ) -> Tensor:
        """As `PackedModel.decode`."""
        del offset, prefix
        rows = []
        for token, cache in zip(tokens, sequences.caches, strict=True):
            rows.append(self._forward([token], cache, keep=1).logits[0, -1].float())
        return torch.stack(rows)

    def read(self, rows: Sequence[Sequence[int]]) -> Iterator[Tensor]:
        """As `PackedModel.read`."""
        for row in rows:
            yield self._forward(row, None, keep=0).logits[0].float()

    def rank(
        self, context: Sequence[int], options: Sequence[Sequence[int]]
    ) -> tuple[float, ...] | None:
        """Summed log-probability of each option after the context; None if not finite."""
        base = self._forward(context, None, keep=1)
        first = base.logits[0, -1:].float()
        sums = []
        for option in options:
            logits = first
            if len(option) > 1:
                cache = copy.deepcopy(base.past_key_values)
                rest = self._forward(option[:-1], cache, keep=0).logits[0].float()
                logits = torch.cat([first, rest])
            chosen = logits.log_softmax(-1)[range(len(option)), list(option)]
            sums.append(float(chosen.double().sum()))
        return tuple(sums) if all(map(math.isfinite, sums)) else None

    def _forward(self, ids: Sequence[int], cache: Any, keep: int) -> Any:
        with torch.inference_mode():
            return self.model(
                input_ids=torch.tensor([list(ids)], device=self.device),
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=keep,
            )


class PlainSequences:
    """One transformers cache for each row."""

    def __init__(self, caches: list[Any]) -> None:
        self.caches = caches

    def keep(self, rows: Tensor) -> None:
        """Drop every row but these."""
        self.caches = [self.caches[row] for row in rows.tolist()]
