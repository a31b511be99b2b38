"""Attention over packed sequences with one shared prefix, plugged into transformers.

A packed pass is one row of N tokens: the sequences of a batch one after another, with no
padding, so that linear layers (nearly all the work) see only real tokens. Each token
attends to two parts, computed apart and merged exactly by their log-sum-exp:

- the prefix, one key-value cache of P tokens that all sequences share, never copied;
- its own sequence: a grid of R rows, T slots wide, the only padded thing here.

Shapes: H query heads, K key-value heads (grouped-query: H is a multiple of K), D values
per head. Reference for merging partial attention: Milakov and Gimelshein 2018,
arXiv 1805.02867; the same identity splits the work in Dao et al. 2022, arXiv 2205.14135.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

ATTENTION_NAME = "tunegate_packed"
ATTENTION_VERSION = "packed@2"

# What some models ask of attention beyond softmax(qk)v; a model that asks is run plainly.
_UNSUPPORTED = ("softcap", "s_aux", "sinks", "position_bias", "sliding_window")


class UnsupportedAttention(Exception):  # noqa: N818 - a signal between two modules, not an error
    """The model asks of its attention what packing cannot give."""


@dataclass
class LayerCache:
    """Keys and values of every layer, each [rows, slots, K, D]; read-only once filled."""

    keys: list[Tensor] = field(default_factory=list)
    values: list[Tensor] = field(default_factory=list)


@dataclass
class Sequences:
    """The own part of each row: cached keys and values, grown as decoding goes on.

    `lengths` [R] counts the filled slots of every row, the token being decoded not
    included until `advance`.
    """

    lengths: Tensor
    capacity: int
    cache: LayerCache = field(default_factory=LayerCache)
    width: int = 0

    def start(self, layer: int, row: int, keys: Tensor, values: Tensor) -> None:
        """Take a first pass's grid [r, T, K, D] as slots 0..T-1 of the rows from `row` on."""
        for store, grid in ((self.cache.keys, keys), (self.cache.values, values)):
            if row == 0:
                assert layer == len(store), "layers come in order"
                store.append(grid.new_zeros((len(self.lengths), self.capacity, *grid.shape[2:])))
            store[layer][row : row + grid.shape[0], : grid.shape[1]] = grid

    def append(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Write one token [R, K, D] to every row; return keys, values [R, T, K, D] so far."""
        rows = torch.arange(len(self.lengths), device=self.lengths.device)
        width = self.width
        self.cache.keys[layer][rows, self.lengths] = keys
        self.cache.values[layer][rows, self.lengths] = values
        return self.cache.keys[layer][:, :width], self.cache.values[layer][:, :width]

    def prepare(self) -> None:
        """Before a decoding pass: fix its width, growing the room by half where it ends."""
        self.width = int(self.lengths.max()) + 1
        if self.width > self.capacity:
            self.capacity = max(self.width, self.capacity + self.capacity // 2)
            for store in (self.cache.keys, self.cache.values):
                for layer, old in enumerate(store):
                    room = old.new_zeros((old.shape[0], self.capacity, *old.shape[2:]))
                    room[:, : old.shape[1]] = old
                    store[layer] = room

    def keep(self, rows: Tensor) -> None:
        """Drop every row but these: finished sequences leave, and free their memory."""
        self.lengths = self.lengths[rows]
        for store in (self.cache.keys, self.cache.values):
            for layer, old in enumerate(store):
                store[layer] = old[rows]


@dataclass
class FirstPass:
    """Layout of a pass over whole sequences (or suffixes after the prefix).

    `cells` [N] is each packed token's place in the R x T grid. `mask` [R, 1, T, T], added
    to the scores, says who attends to whom; None is causal. Keys and values are kept in
    `keep` (for decoding, as its rows from `first_row` on) or `record` (a prefix being
    made), where given.
    """

    cells: Tensor
    rows: int
    width: int
    prefix: LayerCache | None = None
    mask: Tensor | None = None
    keep: Sequences | None = None
    first_row: int = 0
    record: LayerCache | None = None

    def own(self, layer: int, q: Tensor, k: Tensor, v: Tensor, scale: float) -> tuple[Tensor, ...]:
        """Attention within each row: q [N, H, D], k and v [N, K, D] -> [N, H, D], [N, H]."""
        grid_q, grid_k, grid_v = (self._grid(x) for x in (q, k, v))
        if self.keep is not None:
            self.keep.start(layer, self.first_row, grid_k, grid_v)
        if self.record is not None:
            self.record.keys.append(grid_k)
            self.record.values.append(grid_v)
        out, lse = attend(grid_q, grid_k, grid_v, scale, mask=self.mask, causal=self.mask is None)
        return out.flatten(0, 1)[self.cells], lse.flatten(0, 1)[self.cells]

    def _grid(self, x: Tensor) -> Tensor:
        """[N, heads, D] -> [R, T, heads, D], zero where a row is shorter than T."""
        if x.shape[0] == self.rows * self.width:
            return x.contiguous().view(self.rows, self.width, *x.shape[1:])
        grid = x.new_zeros((self.rows * self.width, *x.shape[1:]))
        grid[self.cells] = x
        return grid.view(self.rows, self.width, *x.shape[1:])


@dataclass
class DecodePass:
    """Layout of a pass with one new token for every row. `mask` [R, 1, 1, T], added."""

    sequences: Sequences
    mask: Tensor
    prefix: LayerCache | None = None

    def own(self, layer: int, q: Tensor, k: Tensor, v: Tensor, scale: float) -> tuple[Tensor, ...]:
        """As `FirstPass.own`, with N = R."""
        keys, values = self.sequences.append(layer, k, v)
        rows, heads, size = q.shape
        # Query heads that share a key-value head become the "tokens" of one small matrix.
        grouped = q.view(rows, keys.shape[2], -1, size).transpose(1, 2)
        out, lse = attend(grouped, keys, values, scale, mask=self.mask)
        return out.transpose(1, 2).reshape(rows, heads, size), lse.transpose(1, 2).reshape(
            rows, heads
        )


Layout = FirstPass | DecodePass
_layout: ContextVar[Layout | None] = ContextVar("tunegate_attention_layout", default=None)


@contextlib.contextmanager
def using(layout: Layout) -> Iterator[None]:
    """Run the model's packed attention with this layout."""
    token = _layout.set(layout)
    try:
        yield
    finally:
        _layout.reset(token)


def packed_attention(
    module: Any, query: Tensor, key: Tensor, value: Tensor, _mask: Any, **options: Any
) -> tuple[Tensor, None]:
    """What transformers calls in each layer: [1, heads, N, D] -> [1, N, H, D]."""
    layout = _layout.get()
    if layout is None or any(options.get(name) is not None for name in _UNSUPPORTED):
        raise UnsupportedAttention
    scale = options.get("scaling")
    scale = float(query.shape[-1] ** -0.5 if scale is None else scale)
    q, k, v = (x[0].transpose(0, 1) for x in (query, key, value))
    layer = int(module.layer_idx)
    out, lse = layout.own(layer, q, k, v, scale)
    if layout.prefix is not None:
        prefix_k, prefix_v = layout.prefix.keys[layer], layout.prefix.values[layer]
        before, before_lse = attend(q.unsqueeze(0), prefix_k, prefix_v, scale)
        weight = torch.sigmoid(before_lse[0] - lse).unsqueeze(-1)
        out = torch.lerp(out.float(), before[0].float(), weight).to(query.dtype)
    return out.unsqueeze(0), None


def register() -> None:
    """Make `attn_implementation="tunegate_packed"` known to transformers."""
    from transformers import AttentionInterface

    AttentionInterface.register(ATTENTION_NAME, packed_attention)


def attend(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    scale: float,
    *,
    mask: Tensor | None = None,
    causal: bool = False,
) -> tuple[Tensor, Tensor]:
    """Attention with its log-sum-exp: q [B, L, H, D], k and v [B, T, K, D].

    Returns the output [B, L, H, D] and the log-sum-exp of the scores [B, L, H] in
    float32. `mask` [B, 1, L, T] is added to the scores; `causal` needs L = T.
    """
    q, k, v = (x.transpose(1, 2) for x in (q, k, v))
    if q.device.type == "cpu" and _FLASH is not None:
        out, lse = _FLASH(q, k, v, 0.0, causal, attn_mask=mask, scale=scale)
    else:
        out, lse = _attend_plainly(q, k, v, scale, mask=mask, causal=causal)
    return out.transpose(1, 2), lse.transpose(1, 2)


# The operation behind scaled_dot_product_attention on a CPU; only it gives the log-sum-exp.
_FLASH = getattr(torch.ops.aten, "_scaled_dot_product_flash_attention_for_cpu", None)


def _attend_plainly(
    q: Tensor, k: Tensor, v: Tensor, scale: float, *, mask: Tensor | None, causal: bool
) -> tuple[Tensor, Tensor]:
    """The same by plain matrix products, in blocks of queries that bound the memory."""
    groups = q.shape[1] // k.shape[1]
    k, v = k.repeat_interleave(groups, 1), v.repeat_interleave(groups, 1)
    length, width = q.shape[2], k.shape[2]
    if causal:
        blocked = torch.ones(length, width, dtype=torch.bool, device=q.device).triu(1)
        mask = torch.zeros((), dtype=q.dtype, device=q.device).where(~blocked, -torch.inf)
        mask = mask[None, None]
    block = max(1, (1 << 25) // max(1, q.shape[0] * q.shape[1] * width))
    outs, sums = [], []
    for start in range(0, length, block):
        scores = (q[:, :, start : start + block] @ k.transpose(-1, -2)).float() * scale
        if mask is not None:
            scores = scores + mask[:, :, start : start + block]
        lse = scores.logsumexp(-1, keepdim=True)
        outs.append((scores - lse).exp().to(v.dtype) @ v)
        sums.append(lse.squeeze(-1))
    return torch.cat(outs, 2), torch.cat(sums, 2)
