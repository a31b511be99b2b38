"""Lists compared in any order: which element of the answer stands for which expected one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from evals.records import Json
from evals.scorers.structured.field_paths import Path
from evals.scorers.structured.field_values import Alike

AlikeAt = Callable[[Path], Alike]


class _Aligned(NamedTuple):
    """A value of the answer with its lists rearranged, and how many fields of it are right."""

    value: Json
    right: int


def aligned(expected: Json, got: Json, alike: AlikeAt) -> Json:
    """`got` with the elements of each list at the indices of those they share most with.

    A list becomes a mapping from index to element, so that an expected element without a
    partner leaves a gap. The pairs are those with the most right fields in all; where that
    leaves a choice, places stay. Elements in excess come after. Takes time in proportion to
    the product of both sizes.
    """
    return _aligned(expected, got, _Fields(alike), ()).value


class _Fields:
    """Compares fields of two documents, each of which meets many of the other."""

    def __init__(self, alike: AlikeAt) -> None:
        self._alike = alike
        self._known: dict[Path, Alike] = {}
        # By the identity of a value, which its document keeps: hashing long texts takes time.
        self._forms: dict[tuple[int, int], Any] = {}

    def same(self, path: Path, wanted: Json, got: Json) -> bool:
        """Whether the field that is expected at this path is equal to a value of the answer."""
        alike = self._known.get(path)
        if alike is None:
            alike = self._known[path] = self._alike(path)
        return alike.same(self._form(alike, wanted), self._form(alike, got))

    def _form(self, alike: Alike, value: Json) -> Any:
        key = (id(alike), id(value))
        if key not in self._forms:
            self._forms[key] = alike.form(value)
        return self._forms[key]


def _aligned(expected: Json, got: Json, fields: _Fields, path: Path) -> _Aligned:
    if isinstance(expected, dict) and expected and isinstance(got, dict) and got:
        inner = {
            key: _aligned(expected[key], value, fields, (*path, key))
            if key in expected
            else _Aligned(value, 0)
            for key, value in got.items()
        }
        value = {key: one.value for key, one in inner.items()}
        return _Aligned(value, sum(one.right for one in inner.values()))
    if isinstance(expected, list | tuple) and expected and isinstance(got, list) and got:
        return _aligned_lists(expected, got, fields, path)
    is_leaf = not isinstance(expected, dict | list | tuple) or not expected
    return _Aligned(got, int(is_leaf and fields.same(path, expected, got)))


def _aligned_lists(
    expected: list[Json] | tuple[Json, ...], got: list[Json], fields: _Fields, path: Path
) -> _Aligned:
    from scipy.optimize import linear_sum_assignment

    table = [
        [_aligned(wanted, found, fields, below) for found in got]
        for wanted, below in ((one, (*path, index)) for index, one in enumerate(expected))
    ]
    # Half a field, shared by all who stay in place: decides nothing but what is left open.
    stay = 0.5 / len(expected)
    gains = [
        [cell.right + (stay if i == j else 0.0) for j, cell in enumerate(row)]
        for i, row in enumerate(table)
    ]
    places = dict(
        zip(*(map(int, axis) for axis in linear_sum_assignment(gains, maximize=True)), strict=True)
    )
    value = {i: table[i][j].value for i, j in places.items()}
    taken = set(places.values())
    excess = [found for j, found in enumerate(got) if j not in taken]
    value |= {len(expected) + extra: found for extra, found in enumerate(excess)}
    return _Aligned(value, sum(table[i][j].right for i, j in places.items()))
