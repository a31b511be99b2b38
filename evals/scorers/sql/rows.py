"""Whether two query results are the same: a pure comparison."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence

from evals.records import Json
from evals.scorers.plain import shown
from evals.scorers.sql.database import Result, Value

Row = tuple[Value, ...]

_OUTSIDE = re.compile(
    r"""
      '(?:[^']|'')*+'? | "(?:[^"]|"")*+"? | `[^`]*+`? | \[[^\]]*+\]?   # texts and quoted names
    | --[^\n]*+ | /\*.*?(?:\*/|\Z)                                     # comments
    | [()] | \border\s+by\b
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)


def is_ordered(sql: str) -> bool:
    """Whether the query itself, not only a part in parentheses, has ORDER BY."""
    level = 0
    for mark in _OUTSIDE.finditer(sql):
        if mark[0] == "(":
            level += 1
        elif mark[0] == ")":
            level -= 1
        elif level == 0 and mark[0][:5].lower() == "order":
            return True
    return False


def result_of_json(value: Json) -> Result | None:
    """Rows that a case states, [[1, "a"], ...] or {"columns": [...], "rows": [...]}; else None.

    Without column names these are "". Booleans are SQLite's 1 and 0.
    """
    columns: Json = None
    if isinstance(value, dict) and set(value) == {"columns", "rows"}:
        columns, value = value["columns"], value["rows"]
        if not isinstance(columns, list) or not all(isinstance(name, str) for name in columns):
            return None
    if not isinstance(value, list) or not all(isinstance(row, list) for row in value):
        return None
    width = len(columns) if columns is not None else len(value[0]) if value else 0
    cells = (cell for row in value for cell in row)
    if any(len(row) != width for row in value) or not all(map(_is_cell, cells)):
        return None
    rows = tuple(tuple(int(c) if isinstance(c, bool) else c for c in row) for row in value)
    return Result(tuple(columns) if columns is not None else ("",) * width, rows)


def _is_cell(value: Json) -> bool:
    return value is None or isinstance(value, str | int | float)


def difference(
    expected: Result, got: Result, *, ordered: bool, names: bool, absolute: float, relative: float
) -> tuple[str, str] | None:
    """(kind, reason) of the first difference, or None where there is none.

    Numbers are equal within max(absolute, relative·|expected|), other values exactly; NULL
    equals NULL. Without `ordered` rows are compared as a multiset. Rows that a case states as
    an empty list fit any columns.
    """
    stated = expected.rows or any(expected.columns)
    if stated and len(got.columns) != len(expected.columns):
        said = f"{len(expected.columns)} columns expected, got {len(got.columns)}"
        return "wrong_columns", said
    if names and _folded(expected) != _folded(got):
        said = f"columns {', '.join(expected.columns)} expected, got {', '.join(got.columns)}"
        return "wrong_columns", said[:300]
    if len(got.rows) != len(expected.rows):
        return "wrong_rows", f"{len(expected.rows)} rows expected, got {len(got.rows)}"

    def same(one: Row, other: Row) -> bool:
        return all(_same(a, b, absolute, relative) for a, b in zip(one, other, strict=True))

    find = _first_out_of_place if ordered else _first_without_partner
    fault = find(expected.rows, got.rows, same)
    return None if fault is None else ("wrong_rows", fault)


def _folded(result: Result) -> list[str]:
    return [name.casefold() for name in result.columns]


def _same(expected: Value, got: Value, absolute: float, relative: float) -> bool:
    if isinstance(expected, int | float) and isinstance(got, int | float):
        if expected == got:
            return True
        if isinstance(expected, int) and isinstance(got, int) and not absolute:
            return False  # also beyond 2^53, where floats would call neighbours equal
        if math.isinf(expected) or math.isinf(got):
            return False
        return abs(expected - got) <= max(absolute, relative * abs(expected))
    return type(expected) is type(got) and expected == got


def _first_out_of_place(
    expected: Sequence[Row], got: Sequence[Row], same: Callable[[Row, Row], bool]
) -> str | None:
    for number, (wanted, found) in enumerate(zip(expected, got, strict=True), 1):
        if not same(wanted, found):
            return f"row {number}: expected {_shown(wanted)}, got {_shown(found)}"
    return None


def _first_without_partner(
    expected: Sequence[Row], got: Sequence[Row], same: Callable[[Row, Row], bool]
) -> str | None:
    """Rows that are the same to the last bit are paired first; the rest within tolerance."""
    left = Counter(map(_exact, got))
    waiting: list[Row] = []
    for row in expected:
        if left[_exact(row)] > 0:
            left[_exact(row)] -= 1
        else:
            waiting.append(row)
    remaining: list[Row] = []
    for row in reversed(got):
        if left[_exact(row)] > 0:
            left[_exact(row)] -= 1
            remaining.append(row)
    remaining.sort(key=_order)
    for row in sorted(waiting, key=_order):  # sorted alike, so a partner stands near the front
        partner = next((n for n, other in enumerate(remaining) if same(row, other)), None)
        if partner is None:
            return f"no row {_shown(row)}; instead for example {_shown(remaining[0])}"
        del remaining[partner]
    return None


def _exact(row: Row) -> tuple[object, ...]:
    """Equal for rows of the same values: 1 and 1.0 are, "1" and 1 are not, nor b"" and ""."""
    return tuple(("n", c) if isinstance(c, int | float) else c for c in row)


def _order(row: Row) -> list[tuple[int, Value | str]]:
    ranked: list[tuple[int, Value | str]] = []
    for cell in row:
        if cell is None:
            ranked.append((0, ""))
        elif isinstance(cell, int | float):
            ranked.append((1, cell))
        else:
            ranked.append((2, cell) if isinstance(cell, str) else (3, cell))
    return ranked


def _shown(row: Row) -> str:
    return shown(repr(row)[:200], 120)
