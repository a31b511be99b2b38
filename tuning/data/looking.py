"""A training set to be looked at: counts by source, lengths, and what is held out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

from tuning.data.dataset import EncodedExample, Parts, count_sources
from tuning.data.training_set import TrainingSet


class SourceLine(NamedTuple):
    """One source of examples: how many are trained on, and how many held out of these."""

    source: str
    trained_on: int
    held_out: int


@dataclass(frozen=True)
class LengthsLine:
    """Tokens of the examples, prompt and answer together; `trained` are those of the answers."""

    limit: int
    tokens: int
    trained: int
    median: float
    p95: int
    longest: int


def sources_of(parts: Parts) -> tuple[SourceLine, ...]:
    """Every source with its examples, in the order in which they first appear."""
    trained, held = count_sources(parts.train), count_sources(parts.held_out)
    return tuple(
        SourceLine(source, trained.get(source, 0), held.get(source, 0))
        for source in {**trained, **held}
    )


def lengths_of(encoded: Sequence[EncodedExample], limit: int) -> LengthsLine | None:
    """How long the examples are; None where there are none, or nobody counted."""
    if not encoded:
        return None
    tokens = sorted(item.tokens for item in encoded)
    return LengthsLine(
        limit=limit,
        tokens=sum(tokens),
        trained=sum(len(item.completion_ids) for item in encoded),
        median=median(tokens),
        p95=tokens[math.ceil(0.95 * len(tokens)) - 1],
        longest=tokens[-1],
    )


def spread(data: TrainingSet, count: int) -> tuple[EncodedExample, ...]:
    """So many examples to decode, each source's first ones in turn, so that none goes unseen."""
    by_source: dict[str, list[EncodedExample]] = {}
    for example, item in zip(data.examples, data.encoded, strict=False):
        by_source.setdefault(example.source, []).append(item)
    turns = max(map(len, by_source.values()), default=0)
    found = [
        items[n] for n in range(min(turns, count)) for items in by_source.values() if n < len(items)
    ]
    return tuple(found[:count])
