"""Which requests run together: pure functions over token lengths.

Batches are packed: tokens of all requests stand one after another without padding, so a
batch is bounded by how many tokens it computes and by how many rows it decodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MIN_PREFIX = 16
"""A shared prefix shorter than this many tokens is not worth a cache of its own."""


@dataclass(frozen=True)
class Budget:
    """Bounds of one batch: tokens read before decoding, and rows.

    A last batch of a quarter or less joins the one before, which is then so much larger.
    """

    tokens: int
    rows: int


GENERATION = Budget(tokens=24576, rows=128)
"""A decoding step costs little more for many rows; 128 keep a batch (the unit of resuming)
short. The tokens bound the keys and values that a batch holds until its last row ends."""
CHOICES = Budget(tokens=2048, rows=64)
"""Beyond about 2,000 tokens a packed pass gets no faster per token."""


def common_prefix(prompts: Sequence[Sequence[int]]) -> int:
    """How many leading tokens all prompts share, always leaving each at least one of its own."""
    if not prompts:
        return 0
    # The smallest and the largest in dictionary order differ first where any two do.
    low, high = min(map(tuple, prompts)), max(map(tuple, prompts))
    length = 0
    limit = min(len(prompt) for prompt in prompts) - 1
    while length < limit and low[length] == high[length]:
        length += 1
    return length


def shared_prefix(prompts: Sequence[Sequence[int]]) -> int:
    """`common_prefix` where it is worth a cache: 0 below `MIN_PREFIX` and for a lone prompt."""
    length = common_prefix(prompts) if len(prompts) > 1 else 0
    return length if length >= MIN_PREFIX else 0


def group_by_length(lengths: Sequence[int], budget: Budget) -> list[tuple[int, ...]]:
    """Indices in batches, longest first, ties by index; deterministic in the lengths.

    `lengths` are tokens that each request adds to the first pass. A request longer than
    the budget gets a batch of its own. A small rest joins the batch before it.
    """
    order = sorted(range(len(lengths)), key=lambda index: (-lengths[index], index))
    groups: list[tuple[int, ...]] = []
    current: list[int] = []
    tokens = 0
    for index in order:
        full = len(current) == budget.rows or tokens + lengths[index] > budget.tokens
        if current and full:
            groups.append(tuple(current))
            current, tokens = [], 0
        current.append(index)
        tokens += lengths[index]
    if groups and _is_rest(current, tokens, budget):
        return [*groups[:-1], (*groups[-1], *current)]
    return [*groups, tuple(current)] if current else groups


def _is_rest(group: Sequence[int], tokens: int, budget: Budget) -> bool:
    return 4 * len(group) <= budget.rows and 4 * tokens <= budget.tokens
