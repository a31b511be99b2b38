"""Recursive descent from tokens to a `Query`; the grammar is written out in README.md."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import NoReturn

from ebb.tokens import QueryError, Token, tokenize
from ebb.tree import (
    COLUMNS,
    DEFAULT_LIMIT,
    MINUTES,
    ORDERED,
    AllOf,
    AnyOf,
    Calc,
    Compare,
    Condition,
    Days,
    Presence,
    Query,
    Rank,
    Span,
    Value,
    format_minutes,
    join,
)

MAX_NESTING = 12
MAX_LIMIT = 1_000
COLUMN_ALIASES = {"svc": "service", "ep": "endpoint", "dur": "duration_ms"}
BARE_CALCS = ("count", "rpm", "errpct")
NUMBER_CALCS = ("avg", "p50", "p95", "p99", "max", "min", "sum")
CALC_ALIASES = {"mean": "avg", "median": "p50", "distinct": "uniq"}
STAGE_WORDS = {
    "if": "if",
    "where": "if",
    "per": "per",
    "by": "per",
    "high": "high",
    "top": "high",
    "low": "low",
    "bottom": "low",
}
FLAGS = {"yes": "yes", "true": "yes", "no": "no", "false": "no"}
UNITS = {
    "ms": {"": 1, "ms": 1, "s": 1_000},
    "bytes": {"": 1, "b": 1, "kb": 1_000, "mb": 1_000_000, "gb": 1_000_000_000},
}
MONTH_DAYS = dict(
    zip(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
        (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31),
        strict=True,
    )
)
DAY_WORDS = ("today", "yesterday", "mon", "tue", "wed", "thu", "fri", "sat", "sun")
MATCHING = ("~", "!~", "^", "!^")
_NUMBER = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)([a-z]*)")
_DURATION = re.compile(r"([1-9][0-9]{0,3})([mhdw])")
_DATE = re.compile(r"([a-z]{3})([0-9]{2})")


def parse(text: str) -> Query:
    """Read one query. Raises QueryError with the place and what was expected there."""
    return _Parser(tokenize(text)).query()


class _Parser:
    """Recursive descent over the tokens, one token of lookahead."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._next = 0
        self._depth = 0

    # -- tokens

    @property
    def _peek(self) -> Token:
        return self._tokens[self._next]

    def _take(self) -> Token:
        token = self._peek
        self._next = min(self._next + 1, len(self._tokens) - 1)
        return token

    def _error(self, expected: str, token: Token | None = None) -> QueryError:
        token = token or self._peek
        found = repr(token.text) if token.kind != "end" else "the end"
        return QueryError(token.start + 1, expected, found)

    def _fail(self, expected: str, token: Token | None = None) -> NoReturn:
        raise self._error(expected, token)

    def _word(self, expected: str) -> Token:
        if self._peek.kind != "word":
            self._fail(expected)
        return self._take()

    def _accept(self, *texts: str) -> bool:
        if self._peek.kind in {"word", "mark"} and self._peek.text.lower() in texts:
            self._take()
            return True
        return False

    # -- stages

    def query(self) -> Query:
        query = self._head()
        seen: set[str] = set()
        while self._accept("|"):
            start = self._peek
            stage, query = self._stage(query)
            if stage in seen:
                self._fail(f"only one '{stage}' stage", start)
            seen.add(stage)
        if self._peek.kind != "end":
            self._fail("| or the end")
        self._check_rank(query)
        return query

    def _head(self) -> Query:
        if self._accept("rows"):
            listed = self._peek.kind == "word"
            return Query(columns=tuple(self._column() for _ in self._items()) if listed else ())
        return Query(calcs=tuple(self._calc() for _ in self._items()))

    def _items(self) -> Iterator[None]:
        yield
        while self._accept(","):
            yield

    def _stage(self, query: Query) -> tuple[str, Query]:
        start = self._peek
        if self._accept("@"):
            return "@", replace(query, window=self._window())
        word = STAGE_WORDS.get(start.text.lower(), "") if start.kind == "word" else ""
        if word == "if":
            self._take()
            return "if", replace(query, condition=self._any())
        if word == "per":
            self._take()
            if not query.calcs:
                self._fail("no 'per' stage with rows", start)
            return "per", replace(query, per=tuple(self._group() for _ in self._items()))
        if word in {"high", "low"}:
            self._take()
            return "high/low", replace(query, rank=self._rank(word == "high"))
        raise self._error("if, per, high, low or @")

    def _calc(self) -> Calc:
        token = self._word(f"a calculation ({', '.join(BARE_CALCS)} or column.function)")
        return self._as_calc(token)

    def _as_calc(self, token: Token) -> Calc:
        name, dot, function = token.text.lower().rpartition(".")
        if not dot and function in BARE_CALCS:
            return Calc(function)
        column = COLUMN_ALIASES.get(name, name)
        function = CALC_ALIASES.get(function, function)
        if not dot or column not in COLUMNS:
            self._fail(f"a calculation ({', '.join(BARE_CALCS)} or column.function)", token)
        allowed = (*NUMBER_CALCS, "uniq") if COLUMNS[column] in UNITS else ("uniq",)
        if function not in allowed:
            self._fail(f"{column}. with one of {', '.join(allowed)}", token)
        return Calc(function, column)

    def _column(self) -> str:
        token = self._word("a column")
        column = self._as_column(token)
        return column or self._fail("a column of the schema", token)

    def _as_column(self, token: Token) -> str:
        name = token.text.lower()
        name = COLUMN_ALIASES.get(name, name)
        return name if name in COLUMNS else ""

    def _group(self) -> str:
        token = self._word("a column or a bucket such as 5m")
        if minutes := _minutes(token.text.lower()):
            return format_minutes(minutes)
        return self._as_column(token) or self._fail("a column or a bucket such as 5m", token)

    def _rank(self, descending: bool) -> Rank:
        limit, key = DEFAULT_LIMIT, None
        if self._peek.kind == "word" and re.fullmatch(r"[0-9]{1,4}", self._peek.text):
            token = self._take()
            limit = int(token.text)
            if not 1 <= limit <= MAX_LIMIT:
                self._fail(f"a limit from 1 to {MAX_LIMIT}", token)
        if self._peek.kind == "word":
            token = self._take()
            key = self._as_column(token) or self._as_calc(token)
        return Rank(descending, limit, key)

    def _check_rank(self, query: Query) -> None:
        key, end = query.rank.key, self._tokens[-1]
        if isinstance(key, Calc) and not query.calcs:
            self._fail("rows to be ranked by a column", end)
        if isinstance(key, str) and query.calcs and key not in query.per:
            self._fail(f"'{key}' in the per stage, since rows are ranked by it", end)

    # -- time

    def _window(self) -> Span | Days:
        token = self._word("a duration such as 2h, or a day such as today or mar14")
        first, dots, last = token.text.lower().partition("..")
        since, until = _minutes(first), _minutes(last)
        if since and not dots:
            return Span(since)
        if since and until and since > until:
            return Span(since, until)
        if _is_day(first) and not dots:
            return Days(first, first)
        if _is_day(first) and _is_day(last):
            return Days(first, last)
        raise self._error(
            "a duration such as 2h, a day such as today or mar14, or start..end", token
        )

    # -- conditions

    def _any(self) -> Condition:
        parts = [self._all()]
        while self._accept("or"):
            parts.append(self._all())
        return join(AnyOf, parts)

    def _all(self) -> Condition:
        parts = [self._unit()]
        while self._accept("and", "&"):
            parts.append(self._unit())
        return join(AllOf, parts)

    def _unit(self) -> Condition:
        start = self._peek
        if self._accept("("):
            if self._depth == MAX_NESTING:
                self._fail(f"at most {MAX_NESTING} nested parentheses", start)
            self._depth += 1
            inner = self._any()
            self._depth -= 1
            if not self._accept(")"):
                self._fail("), and, or")
            return inner
        if start.text in {"+", "-"} and start.kind == "mark":
            self._take()
            return Presence(self._column(), start.text == "+")
        return self._compare()

    def _compare(self) -> Compare:
        if self._peek.kind != "word":
            self._fail("a condition")
        column = self._column()
        if self._peek.kind != "op":
            self._fail(f"an operator after {column}")
        sign = self._take()
        op = {"==": "=", "<>": "!="}.get(sign.text, sign.text)
        kind = COLUMNS[column]
        if (op in ORDERED and kind in {"text", "flag"}) or (op in MATCHING and kind != "text"):
            self._fail(f"an operator that fits the {kind} column {column}", sign)
        if op in {"=", "!="} and self._accept("["):
            values = tuple(self._value(column, op) for _ in self._items())
            if not self._accept("]"):
                self._fail(", or ]")
            return Compare(column, op, values)
        return Compare(column, op, (self._value(column, op),))

    def _value(self, column: str, op: str) -> Value:
        token = self._peek
        if token.kind not in {"word", "quoted"}:
            self._fail("a value")
        self._take()
        text = token.text.strip('"').lower()
        kind = COLUMNS[column]
        if kind == "text":
            return text
        if kind == "flag":
            return FLAGS.get(text) or self._fail("yes or no", token)
        if kind == "status":
            if op in {"=", "!="} and re.fullmatch("[1-5]xx", text):
                return text
            if re.fullmatch("[0-9]{3}", text):
                return Decimal(text)
            self._fail("a status such as 404 or 5xx", token)
        number = _NUMBER.fullmatch(text)
        if number is None or number[2] not in UNITS[kind]:
            self._fail(f"a number of {kind}", token)
        value = Decimal(number[1]) * UNITS[kind][number[2]]
        return value.to_integral_value() if value == value.to_integral_value() else value


def _minutes(text: str) -> int:
    match = _DURATION.fullmatch(text)
    return int(match[1]) * MINUTES[match[2]] if match else 0


def _is_day(text: str) -> bool:
    if text in DAY_WORDS:
        return True
    match = _DATE.fullmatch(text)
    return match is not None and 1 <= int(match[2]) <= MONTH_DAYS.get(match[1], 0)
