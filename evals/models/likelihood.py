"""Ranking options by log-likelihood: each context is computed once, not once per option.

A case becomes one row: its context, then all its options side by side. Every option
continues from the context's end (its positions start there) and sees the context and
itself, never another option. The option with the highest sum of token log-probabilities
wins, which is what lm-evaluation-harness reports as `acc`; no length normalisation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from evals.models.packing import PackedModel

_LOGITS_AT_ONCE = 512  # rows of vocabulary-wide float32 logits turned to log-probabilities


class _Tree(NamedTuple):
    """One case laid out as a row: ids, positions, and where each option's logits are."""

    ids: list[int]
    positions: list[int]
    mask: Tensor
    sources: list[list[int]]


def rank_options(
    model: PackedModel,
    contexts: Sequence[Sequence[int]],
    options: Sequence[Sequence[Sequence[int]]],
    prefix_tokens: int,
    adapter: str,
) -> list[tuple[float, ...] | None]:
    """Summed natural-log probability of every context's options, all in one pass.

    None stands for a context whose sums are not finite.

    `options[i]` are token ids, at least one each. All contexts share their first
    `prefix_tokens` tokens, and have at least one more.
    """
    if not contexts:
        return []
    prefix = model.prefix(contexts[0][:prefix_tokens], adapter)
    trees = [
        _lay_out(context[prefix_tokens:], case, prefix_tokens)
        for context, case in zip(contexts, options, strict=True)
    ]
    starts = _starts([len(tree.ids) for tree in trees])
    wanted: list[int] = []  # packed token whose logits are read
    targets: list[int] = []  # the token they should predict
    for start, tree, case in zip(starts, trees, options, strict=True):
        for source, ids in zip(tree.sources, case, strict=True):
            wanted += [start + place for place in source]
            targets += ids
    unique = sorted(set(wanted))  # a context's last token is read once for all its options
    logits = model.score(
        [tree.ids for tree in trees],
        [tree.positions for tree in trees],
        [tree.mask for tree in trees],
        unique,
        prefix,
    )
    place = {token: n for n, token in enumerate(unique)}
    values = _logprobs(logits, [place[token] for token in wanted], targets)
    return _collect(values, options)


def _lay_out(context: Sequence[int], options: Sequence[Sequence[int]], offset: int) -> _Tree:
    """The context's tokens, then every option's but its last, whose logits nobody reads."""
    size = len(context)
    ids, positions = list(context), list(range(offset, offset + size))
    sources: list[list[int]] = []
    spans: list[tuple[int, int]] = []
    for option in options:
        begin = len(ids)
        ids += option[:-1]
        positions += range(offset + size, offset + size + len(option) - 1)
        sources.append([size - 1, *range(begin, len(ids))])
        spans.append((begin, len(ids)))
    mask = torch.ones(len(ids), len(ids), dtype=torch.bool).tril()
    for begin, end in spans:
        mask[begin:end, size:begin] = False
    return _Tree(ids, positions, mask, sources)


def _starts(lengths: Sequence[int]) -> list[int]:
    starts, total = [], 0
    for length in lengths:
        starts.append(total)
        total += length
    return starts


def _logprobs(logits: Tensor, rows: list[int], targets: list[int]) -> list[float]:
    """Natural-log probability of each target under its row of logits."""
    where = torch.tensor(rows, device=logits.device)
    token = torch.tensor(targets, device=logits.device)
    totals = torch.cat([part.logsumexp(-1) for part in logits.split(_LOGITS_AT_ONCE)])
    values: list[float] = (logits[where, token] - totals[where]).tolist()
    return values


def _collect(
    values: list[float], options: Sequence[Sequence[Sequence[int]]]
) -> list[tuple[float, ...] | None]:
    ranked: list[tuple[float, ...] | None] = []
    place = 0
    for case in options:
        sums = []
        for ids in case:
            sums.append(sum(values[place : place + len(ids)]))
            place += len(ids)
        ranked.append(tuple(sums) if all(map(math.isfinite, sums)) else None)
    return ranked
