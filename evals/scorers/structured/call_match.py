"""Which of the calls that were made stands for which that was expected. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from evals.scorers.structured.call_values import Rule, Values
from evals.scorers.structured.called import Call


class Matcher:
    """Compares the calls of one answer with those that are expected of it."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._values = Values(rule)

    def keys(self, expected: Call, got: Call) -> list[str]:
        """The arguments that count for this pair, sorted."""
        wanted, found = expected.arguments or {}, got.arguments or {}
        if self._rule.arguments == "names_only":
            return []
        names = set(wanted) if self._rule.arguments == "subset" else {*wanted, *found}
        return sorted(names - self._rule.ignore)

    def agrees(self, key: str, expected: Call, got: Call) -> bool:
        """Whether both calls have this argument, with the same value."""
        wanted, found = expected.arguments or {}, got.arguments or {}
        return key in wanted and key in found and self._values.same(wanted[key], found[key])

    def pair(self, expected: Call, got: Call) -> float:
        """The share of name and arguments that agree; 0 where the name does not."""
        if expected.name != got.name:
            return 0.0
        keys = self.keys(expected, got)
        right = 1 + sum(self.agrees(key, expected, got) for key in keys)
        broken = got.arguments is None and self._rule.arguments != "names_only"
        return right / (1 + len(keys) + broken)

    def assign(
        self, expected: Sequence[Call], got: Sequence[Call], *, ordered: bool
    ) -> list[int | None]:
        """For each expected call the index of the call that stands for it, of the largest sum.

        Calls of different names are never paired. With `ordered` the pairs do not cross.
        """
        table = [[self.pair(wanted, found) for found in got] for wanted in expected]
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
