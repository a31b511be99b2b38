"""Which of the calls that were made stands for which that was expected. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from evals.records import Json
from evals.scorers.called import Call
from evals.scorers.normal import normalise


@dataclass(frozen=True)
class Rule:
    """What makes two calls, and two values, the same."""

    arguments: Literal["exact", "subset", "names_only"] = "exact"
    ignore: frozenset[str] = frozenset()
    normalised: bool = False
    absolute: float = 0.0
    relative: float = 0.0

    def keys(self, expected: Call, got: Call) -> list[str]:
        """The arguments that count for this pair, sorted."""
        wanted, found = expected.arguments or {}, got.arguments or {}
        if self.arguments == "names_only":
            return []
        names = set(wanted) if self.arguments == "subset" else {*wanted, *found}
        return sorted(names - self.ignore)

    def agrees(self, key: str, expected: Call, got: Call) -> bool:
        """Whether both calls have this argument, with the same value."""
        wanted, found = expected.arguments or {}, got.arguments or {}
        return key in wanted and key in found and self.same(wanted[key], found[key])

    def pair(self, expected: Call, got: Call) -> float:
        """The share of name and arguments that agree; 0 where the name does not."""
        if expected.name != got.name:
            return 0.0
        keys = self.keys(expected, got)
        right = 1 + sum(self.agrees(key, expected, got) for key in keys)
        broken = got.arguments is None and self.arguments != "names_only"
        return right / (1 + len(keys) + broken)

    def same(self, expected: Json, got: Json) -> bool:
        """Whether two JSON values are the same: true is not 1, and 1 is 1.0."""
        if isinstance(expected, Mapping) and isinstance(got, Mapping):
            keys = set(expected) if self.arguments == "subset" else {*expected, *got}
            return all(k in expected and k in got and self.same(expected[k], got[k]) for k in keys)
        if isinstance(expected, list | tuple) and isinstance(got, list | tuple):
            return len(expected) == len(got) and all(map(self.same, expected, got))
        if isinstance(expected, str) and isinstance(got, str):
            return expected == got or (self.normalised and normalise(expected) == normalise(got))
        if _is_number(expected) and _is_number(got):
            return self._near(expected, got)
        return type(expected) is type(got) and bool(expected == got)

    def _near(self, expected: float, got: float) -> bool:
        if expected == got:
            return True
        try:
            wanted, found = float(expected), float(got)
        except OverflowError:  # integers beyond any float
            return False
        if math.isinf(wanted) or math.isinf(found):
            return False
        near = max(self.absolute, self.relative * abs(wanted))
        return near > 0 and abs(wanted - found) <= near


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def assign(
    expected: Sequence[Call], got: Sequence[Call], rule: Rule, *, ordered: bool
) -> list[int | None]:
    """For each expected call the index of the call that stands for it, with the largest sum.

    Calls of different names are never paired. With `ordered` the pairs do not cross.
    """
    table = [[rule.pair(wanted, found) for found in got] for wanted in expected]
    if not expected or not got:
        return [None] * len(expected)
    return _aligned(table) if ordered else _matched(table)


def _matched(table: list[list[float]]) -> list[int | None]:
    from scipy.optimize import linear_sum_assignment

    chosen: list[int | None] = [None] * len(table)
    for row, column in zip(*linear_sum_assignment(table, maximize=True), strict=True):
        if table[row][column] > 0:
            chosen[row] = int(column)
    return chosen


def _aligned(table: list[list[float]]) -> list[int | None]:
    """The best pairs that do not cross, by dynamic programming from the end."""
    rows, columns = len(table), len(table[0])
    best = [[0.0] * (columns + 1) for _ in range(rows + 1)]
    for i in reversed(range(rows)):
        for j in reversed(range(columns)):
            paired = table[i][j] + best[i + 1][j + 1]
            best[i][j] = max(paired, best[i + 1][j], best[i][j + 1])
    chosen: list[int | None] = [None] * rows
    i = j = 0
    while i < rows and j < columns:
        if table[i][j] > 0 and best[i][j] == table[i][j] + best[i + 1][j + 1]:
            chosen[i] = j
            i, j = i + 1, j + 1
        elif best[i][j] == best[i][j + 1]:
            j += 1
        else:
            i += 1
    return chosen
