"""What a query asks for, whatever its spelling: one form for all equivalents, and differences."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ebb.tree import (
    COLUMNS,
    ORDERED,
    AllOf,
    AnyOf,
    Compare,
    Condition,
    Presence,
    Query,
    Rank,
    StatusSet,
    Value,
    join,
)

MAX_TABLE_ATOMS = 8  # 256 rows: enough for any sane filter, cheap for an insane one
ALL_STATUS = frozenset(range(100, 600))


def meaning(query: Query) -> Query:
    """The one query that stands for all that return the same rows (see README.md, limits)."""
    rank = query.rank
    if query.calcs:
        # One row cannot be ordered, so without a breakdown order and limit say nothing.
        rank = replace(rank, key=rank.key or query.calcs[0]) if query.per else Rank()
    return Query(
        calcs=tuple(sorted(set(query.calcs), key=str)),
        columns=tuple(sorted(set(query.columns))),
        condition=_normal(query.condition) if query.condition is not None else None,
        per=tuple(sorted(set(query.per))),
        rank=rank,
        window=query.window,
    )


def _normal(condition: Condition) -> Condition:
    if isinstance(condition, Compare):
        return _normal_compare(condition)
    if isinstance(condition, AllOf | AnyOf):
        kind = type(condition)
        joined = join(kind, [_normal(part) for part in condition.parts])
        return _merge(kind, joined.parts) if isinstance(joined, kind) else joined
    return condition


def _normal_compare(item: Compare) -> Condition:
    if COLUMNS[item.column] == "status":
        return StatusSet(_status_codes(item))
    values = tuple(sorted(set(item.values), key=str))
    if COLUMNS[item.column] == "flag" and len(values) == 1 and item.op == "!=":
        return Compare(item.column, "=", ("no" if values[0] == "yes" else "yes",))
    return Compare(item.column, item.op, values)


def _status_codes(item: Compare) -> frozenset[int]:
    if item.op in ORDERED:
        bound = int(item.values[0])
        keep = {
            ">": lambda code: code > bound,
            ">=": lambda code: code >= bound,
            "<": lambda code: code < bound,
            "<=": lambda code: code <= bound,
        }[item.op]
        return frozenset(filter(keep, ALL_STATUS))
    codes: set[int] = set()
    for value in item.values:
        if isinstance(value, str):
            codes.update(range(int(value[0]) * 100, int(value[0]) * 100 + 100))
        else:
            codes.add(int(value))
    return frozenset(codes) if item.op == "=" else ALL_STATUS - codes


def _merge(kind: type[AllOf] | type[AnyOf], parts: Sequence[Condition]) -> Condition:
    """Join what one condition can say: lists of values, sets of statuses, implied presence."""
    listing = "!=" if kind is AllOf else "="
    values: dict[str, set[Value]] = {}
    status: frozenset[int] | None = None
    rest: set[Condition] = set()
    for part in parts:
        if isinstance(part, Compare) and part.op == listing:
            values.setdefault(part.column, set()).update(part.values)
        elif isinstance(part, StatusSet):
            old = part.codes if status is None else status
            status = old & part.codes if kind is AllOf else old | part.codes
        else:
            rest.add(part)
    for column, listed in values.items():
        rest.add(Compare(column, listing, tuple(sorted(listed, key=str))))
    if status is not None:
        rest.add(StatusSet(status))
    if kind is AllOf:
        filled = {p.column for p in rest if isinstance(p, Compare) and not p.op.startswith("!")}
        rest -= {Presence(column, present=True) for column in filled}
    ordered = tuple(sorted(rest, key=_sort_key))
    return kind(ordered) if len(ordered) > 1 else ordered[0]


def _sort_key(condition: Condition) -> str:
    """A total order over normal conditions (sets print sorted, so it is stable)."""
    return f"{type(condition).__name__} {condition}"


def _atoms(condition: Condition | None) -> set[Condition]:
    if condition is None:
        return set()
    if isinstance(condition, AllOf | AnyOf):
        return set().union(*(_atoms(part) for part in condition.parts))
    return {condition}


def _holds(condition: Condition, truth: Mapping[Condition, bool]) -> bool:
    if isinstance(condition, AllOf):
        return all(_holds(part, truth) for part in condition.parts)
    if isinstance(condition, AnyOf):
        return any(_holds(part, truth) for part in condition.parts)
    return truth[condition]


def same_condition(one: Condition | None, two: Condition | None) -> bool:
    """Whether two normal conditions agree; small ones by truth table, so also distributed forms.

    Atoms count as independent, which can only miss an equivalence, never invent one.
    """
    if one == two:
        return True
    if one is None or two is None:
        return False
    atoms = sorted(_atoms(one) | _atoms(two), key=_sort_key)
    if len(atoms) > MAX_TABLE_ATOMS:
        return False
    for row in itertools.product((False, True), repeat=len(atoms)):
        truth = dict(zip(atoms, row, strict=True))
        if _holds(one, truth) != _holds(two, truth):
            return False
    return True


def differences(expected: Query, got: Query) -> list[str]:
    """The clauses in which two queries differ in meaning, readable; empty when they agree."""
    want, have = meaning(expected), meaning(got)
    pairs = {
        "calculations": (_shown(want.calcs), _shown(have.calcs)),
        "row columns": (_shown(want.columns), _shown(have.columns)),
        "breakdown": (_shown(want.per), _shown(have.per)),
        "order": (_order(want), _order(have)),
        "limit": (str(want.rank.limit), str(have.rank.limit)),
        "time": (str(want.window), str(have.window)),
    }
    lines = [f"{name}: want {w}, got {h}" for name, (w, h) in pairs.items() if w != h]
    if not same_condition(want.condition, have.condition):
        lines.insert(0, f"filter: want {want.condition or 'none'}, got {have.condition or 'none'}")
    return lines


def _shown(items: Sequence[object]) -> str:
    return ", ".join(str(item) for item in items) or "none"


def _order(query: Query) -> str:
    return f"{'high' if query.rank.descending else 'low'} {query.rank.key or 'first'}"
