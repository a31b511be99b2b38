"""Whether merging the adapter into the base's weights leaves what the model says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tuning.data.dataset import EncodedExample
from tuning.records import Proof
from tuning.training.proving.answers import (
    Answers,
    Sameness,
    ask,
    compare,
    greedy_gaps,
    largest_difference,
)

MERGE_BOUND = 5e-3
"""Largest difference of a logit in float32: W + s·B·A is rounded once, and summed otherwise."""


def merge_proof(
    tuned: Any,
    canaries: Sequence[EncodedExample],
    stops: frozenset[int],
) -> Proof:
    """Merge `tuned`, a PEFT model in float32 that nobody needs any more, and ask it again."""
    apart = ask(tuned, canaries, stops)
    gaps = greedy_gaps(tuned, canaries, apart.greedy)
    same = same_merged(apart, ask(tuned.merge_and_unload(), canaries, stops), gaps)
    return Proof("merges into the base with the same outputs", same.holds, same.said)


def same_merged(apart: Answers, merged: Answers, gaps: Sequence[Sequence[float]]) -> Sameness:
    """The adapter's layers beside the merged weights; `gaps` are of the answers apart."""
    largest = largest_difference(apart, merged)
    return compare(apart.greedy, merged.greedy, largest, MERGE_BOUND, gaps)
