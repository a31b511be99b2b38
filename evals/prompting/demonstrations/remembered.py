"""What is computed once for a suite within a process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from evals.records import Case

_KEPT = 4  # suites that are remembered

T = TypeVar("T")


class PerPool(Generic[T]):
    """`make` of a suite's cases, remembered for as long as they are the same tuple."""

    def __init__(self, make: Callable[[Sequence[Case]], T]) -> None:
        self._make = make
        self._kept: list[tuple[Sequence[Case], T]] = []

    def __call__(self, pool: Sequence[Case]) -> T:
        """What `make` gives for these cases."""
        for known, made in self._kept:
            if known is pool:
                return made
        made = self._make(pool)
        if isinstance(pool, tuple):  # a list may be another when it is met again
            self._kept.insert(0, (pool, made))
            del self._kept[_KEPT:]
        return made
