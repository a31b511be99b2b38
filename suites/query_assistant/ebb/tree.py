"""The schema, the tree of a query, and its canonical spelling."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

DEFAULT_LIMIT = 50
ORDERED = (">", ">=", "<", "<=")
COLUMNS: Mapping[str, str] = {
    "service": "text",
    "endpoint": "text",
    "method": "text",
    "status": "status",
    "duration_ms": "ms",
    "db_ms": "ms",
    "bytes_out": "bytes",
    "error": "text",
    "region": "text",
    "pod": "text",
    "version": "text",
    "user_id": "text",
    "plan": "text",
    "cache_hit": "flag",
}
MINUTES = {"m": 1, "h": 60, "d": 1_440, "w": 10_080}
WORD = re.compile(r"[A-Za-z0-9_/][A-Za-z0-9_/:.\-]*")

Value = str | Decimal


@dataclass(frozen=True)
class Calc:
    """One calculation: `count`, or a function of a column."""

    function: str
    column: str = ""

    def __str__(self) -> str:
        return f"{self.column}.{self.function}" if self.column else self.function


@dataclass(frozen=True)
class Compare:
    """A column against one value, or with = and != against several."""

    column: str
    op: str
    values: tuple[Value, ...]

    def __str__(self) -> str:
        shown = [format_value(self.column, value) for value in self.values]
        listed = shown[0] if len(shown) == 1 else f"[{', '.join(shown)}]"
        return f"{self.column}{self.op}{listed}"


@dataclass(frozen=True)
class Presence:
    """`+column` is filled in, `-column` is empty."""

    column: str
    present: bool

    def __str__(self) -> str:
        return f"{'+' if self.present else '-'}{self.column}"


@dataclass(frozen=True)
class StatusSet:
    """Which status codes pass; only `meaning` makes these, never the parser."""

    codes: frozenset[int]

    def __str__(self) -> str:
        codes = sorted(self.codes)
        runs = [
            [code for _, code in run]
            for _, run in itertools.groupby(enumerate(codes), lambda pair: pair[1] - pair[0])
        ]
        shown = [f"{r[0]}-{r[-1]}" if len(r) > 1 else str(r[0]) for r in runs]
        return f"status in {', '.join(shown) or 'nothing'}"


@dataclass(frozen=True)
class AllOf:
    """Two or more conditions joined by `and`; none of them is an AllOf."""

    parts: tuple[Condition, ...]

    def __str__(self) -> str:
        return " and ".join(f"({p})" if isinstance(p, AnyOf) else str(p) for p in self.parts)


@dataclass(frozen=True)
class AnyOf:
    """Two or more conditions joined by `or`; none of them is an AnyOf."""

    parts: tuple[Condition, ...]

    def __str__(self) -> str:
        return " or ".join(f"({p})" if isinstance(p, AllOf) else str(p) for p in self.parts)


Condition = Compare | Presence | StatusSet | AllOf | AnyOf


def join(kind: type[AllOf] | type[AnyOf], parts: Sequence[Condition]) -> Condition:
    """Join conditions, opening up those of the same kind; one alone stays itself."""
    flat: list[Condition] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, kind) else [part])
    return kind(tuple(flat)) if len(flat) > 1 else flat[0]


@dataclass(frozen=True)
class Span:
    """From `since` to `until` minutes ago."""

    since: int
    until: int = 0

    def __str__(self) -> str:
        ends = [self.since, self.until] if self.until else [self.since]
        return "@" + "..".join(format_minutes(minutes) for minutes in ends)


@dataclass(frozen=True)
class Days:
    """Whole days, both ends included."""

    first: str
    last: str

    def __str__(self) -> str:
        return f"@{self.first}" if self.first == self.last else f"@{self.first}..{self.last}"


@dataclass(frozen=True)
class Rank:
    """Order and limit. Without a key: the first calculation, or time for `rows`."""

    descending: bool = True
    limit: int = DEFAULT_LIMIT
    key: Calc | str | None = None

    def __str__(self) -> str:
        limit = str(self.limit) if self.limit != DEFAULT_LIMIT else ""
        parts = ["high" if self.descending else "low", limit, str(self.key or "")]
        return " ".join(part for part in parts if part)


@dataclass(frozen=True)
class Query:
    """A whole query. With no `calcs` it lists rows (`columns` empty: every column)."""

    calcs: tuple[Calc, ...] = ()
    columns: tuple[str, ...] = ()
    condition: Condition | None = None
    per: tuple[str, ...] = ()
    rank: Rank = Rank()
    window: Span | Days = Span(60)


def format_query(query: Query) -> str:
    """The canonical spelling: stages in fixed order, defaults left out, the time always last."""
    head = ", ".join(str(calc) for calc in query.calcs)
    stages = [head or " ".join(filter(None, ["rows", ", ".join(query.columns)]))]
    if query.condition is not None:
        stages.append(f"if {query.condition}")
    if query.per:
        stages.append(f"per {', '.join(query.per)}")
    if query.rank != Rank():
        stages.append(str(query.rank))
    return " | ".join([*stages, str(query.window)])


def format_value(column: str, value: Value) -> str:
    """A literal as a query writes it: bytes in kb or mb where they divide, odd text quoted."""
    if isinstance(value, str):
        return value if WORD.fullmatch(value) else f'"{value}"'
    if COLUMNS[column] == "bytes":
        for unit, size in (("mb", 1_000_000), ("kb", 1_000)):
            if value and value % size == 0:
                return f"{value / size:f}{unit}"
    return f"{value:f}"


def format_minutes(minutes: int) -> str:
    """A duration in the largest unit that divides it: 60 -> 1h, 90 -> 90m."""
    unit, size = max(
        ((u, s) for u, s in MINUTES.items() if minutes % s == 0), key=lambda pair: pair[1]
    )
    return f"{minutes // size}{unit}"
