"""Passes of the model over packed sequences: prefix, first pass, one decoding step.

`PackedModel` is what generation and likelihood are written against: token ids in,
logits of chosen tokens out, keys and values kept where they are needed again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from evals.models import attention
from evals.models.attention import DecodePass, FirstPass, LayerCache, Layout, Sequences

_PREFIXES_KEPT = 2  # the prompt of a candidate, and that of the one it is compared with
_READ_TOKENS = 512  # logits of all of them are kept: 100 MB with a vocabulary of 49k
_PASS_TOKENS = 4096  # more tokens in one pass cost memory and are no faster each


class PackedModel:
    """A transformers causal model run over packed sequences. Not thread-safe."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.device = model.device
        self.dtype = model.dtype
        self._prefixes: dict[tuple[str, tuple[int, ...]], LayerCache] = {}

    def prefix(self, ids: Sequence[int], adapter: str) -> LayerCache | None:
        """Keys and values of a shared prefix, computed once; None for an empty one."""
        if not ids:
            return None
        key = (adapter, tuple(ids))
        cache = self._prefixes.pop(key, None)
        if cache is None:
            cache = LayerCache()
            layout = FirstPass(self._range(len(ids)), 1, len(ids), record=cache)
            self._forward(ids, range(len(ids)), layout, torch.tensor([0]))
        self._prefixes[key] = cache
        while len(self._prefixes) > _PREFIXES_KEPT:
            del self._prefixes[next(iter(self._prefixes))]
        return cache

    def forget_prefixes(self) -> None:
        """Drop the kept prefixes: the weights behind them have changed."""
        self._prefixes.clear()

    def first(
        self, suffixes: Sequence[Sequence[int]], offset: int, prefix: LayerCache | None, room: int
    ) -> tuple[Tensor, Sequences]:
        """Run the suffixes after a prefix of `offset` tokens.

        Returns the logits [R, vocabulary] after each suffix's last token, and the
        sequences, with room for `room` more tokens before they must grow. Rows that are
        too many for one pass take several; they decode together all the same.
        """
        lengths = [len(ids) for ids in suffixes]
        sequences = Sequences(self._tensor(lengths), max(lengths) + room)
        logits = []
        for start, end in passes(lengths):
            part, width = lengths[start:end], max(lengths[start:end])
            cells = self._cells(part, width)
            layout = FirstPass(cells, end - start, width, prefix, keep=sequences, first_row=start)
            positions = [offset + place for length in part for place in range(length)]
            ids = [token for suffix in suffixes[start:end] for token in suffix]
            last = torch.tensor(part).cumsum(0) - 1
            logits.append(self._forward(ids, positions, layout, last))
        return torch.cat(logits), sequences

    def decode(
        self, tokens: Sequence[int], offset: int, prefix: LayerCache | None, sequences: Sequences
    ) -> Tensor:
        """Append one token to every row; logits [R, vocabulary] of what comes next."""
        sequences.prepare()
        slots = torch.arange(sequences.width, device=self.device)
        unseen = slots[None, :] > sequences.lengths[:, None]
        mask = torch.zeros(unseen.shape, dtype=self.dtype, device=self.device)
        mask = mask.masked_fill(unseen, -torch.inf)[:, None, None, :]
        layout = DecodePass(sequences, mask, prefix)
        positions = (sequences.lengths + offset).tolist()
        logits = self._forward(tokens, positions, layout, None)
        sequences.lengths = sequences.lengths + 1
        return logits

    def score(
        self,
        rows: Sequence[Sequence[int]],
        positions: Sequence[Sequence[int]],
        masks: Sequence[Tensor],
        wanted: Sequence[int],
        prefix: LayerCache | None,
    ) -> Tensor:
        """Run rows with masks of their own: logits [len(wanted), vocabulary].

        `masks` are boolean [L, L] per row: may a token (row) attend to another (column).
        `wanted` counts in packed tokens.
        """
        lengths = [len(ids) for ids in rows]
        width = max(lengths)
        mask = torch.full((len(rows), 1, width, width), -torch.inf, dtype=self.dtype)
        # Padding attends to itself: a row of nothing but -inf would give NaN.
        mask.diagonal(dim1=2, dim2=3).zero_()
        for row, allowed in enumerate(masks):
            size = len(allowed)
            mask[row, 0, :size, :size].masked_fill_(allowed, 0.0)
        layout = FirstPass(
            self._cells(lengths, width), len(rows), width, prefix, mask.to(self.device)
        )
        ids = [token for row in rows for token in row]
        flat = [place for row in positions for place in row]
        return self._forward(ids, flat, layout, torch.tensor(wanted))

    def read(self, rows: Sequence[Sequence[int]]) -> Iterator[Tensor]:
        """Logits [L, vocabulary] over each whole row, every token seeing those before it."""
        lengths = [len(ids) for ids in rows]
        for start, end in passes(lengths, _READ_TOKENS):
            part, width = lengths[start:end], max(lengths[start:end])
            layout = FirstPass(self._cells(part, width), end - start, width)
            positions = [place for length in part for place in range(length)]
            ids = [token for row in rows[start:end] for token in row]
            yield from self._forward(ids, positions, layout, None).split(part)

    def _forward(
        self,
        ids: Sequence[int],
        positions: Sequence[int],
        layout: Layout,
        wanted: Tensor | None,
    ) -> Tensor:
        """One packed pass; float32 logits of the wanted tokens (None: of all)."""
        with torch.inference_mode(), attention.using(layout):
            result = self.model(
                input_ids=self._tensor(ids)[None],
                position_ids=self._tensor(positions)[None],
                use_cache=False,
                logits_to_keep=0 if wanted is None else wanted.to(self.device),
            )
        logits: Tensor = result.logits[0]
        return logits.float()

    def _cells(self, lengths: Sequence[int], width: int) -> Tensor:
        return self._tensor(
            [row * width + slot for row, length in enumerate(lengths) for slot in range(length)]
        )

    def _range(self, count: int) -> Tensor:
        return torch.arange(count, device=self.device)

    def _tensor(self, values: Sequence[int]) -> Tensor:
        return torch.tensor(list(values), dtype=torch.long, device=self.device)


def passes(lengths: Sequence[int], limit: int = _PASS_TOKENS) -> Iterator[tuple[int, int]]:
    """Ranges of neighbouring rows whose tokens fit one pass; a longer row gets its own."""
    start, tokens = 0, 0
    for row, length in enumerate(lengths):
        if row > start and tokens + length > limit:
            yield start, row
            start, tokens = row, 0
        tokens += length
    yield start, len(lengths)
