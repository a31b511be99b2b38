"""In which order rows are learnt: in batches of like size, and another mixture each epoch.

Importing this module loads torch.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from torch.utils.data import Sampler

# Batches are cut from this many batches' worth of shuffled examples, sorted by length:
# little padding, and still another mixture each epoch.
_WINDOW = 8


Size = tuple[bool, int]


class SizeSampler(Sampler[int]):  # type: ignore[misc]  # torch is untyped here
    """Examples in batches of like size; the order depends on seed and epoch alone.

    A size is whether the example lacks the shared prefix, then its length in tokens.
    """

    def __init__(self, sizes: Sequence[Size], batch: int, seed: int) -> None:
        self.sizes = sizes
        self.batch = batch
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of this epoch; the trainer calls it, also when resuming."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.sizes)

    def __iter__(self) -> Iterator[int]:
        return iter(size_batched_order(self.sizes, self.batch, f"{self.seed}/{self.epoch}"))


def size_batched_order(sizes: Sequence[Size], batch: int, seed: str) -> list[int]:
    """A permutation of the indices whose runs of `batch` have like sizes, in random order.

    The incomplete batch, if any, comes last.
    """
    generator = random.Random(seed)  # noqa: S311 - an order to learn in, no secret
    order = list(range(len(sizes)))
    generator.shuffle(order)
    size = batch * _WINDOW
    windows = [order[i : i + size] for i in range(0, len(order), size)]
    ordered = [i for window in windows for i in sorted(window, key=lambda i: sizes[i])]
    batches = [ordered[i : i + batch] for i in range(0, len(ordered), batch)]
    last = [batches.pop()] if batches and len(batches[-1]) < batch else []
    generator.shuffle(batches)
    return [i for rows in batches + last for i in rows]
