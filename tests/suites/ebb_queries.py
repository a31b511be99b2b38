"""Ebb for tests: the suite's own code, and queries drawn from all that the language has."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tests.suites.suite_code import load_code

SUITE = Path(__file__).resolve().parents[2] / "suites" / "query_assistant"


def _load_suite_code() -> tuple[Any, ...]:
    sys.path.append(str(SUITE))
    try:
        names = ("ebb.tree", "ebb.tokens", "ebb.parser", "ebb.meaning", "generator.wording")
        modules = [importlib.import_module(name) for name in (*names, "make_cases")]
        scorers = load_code(SUITE / "scorers.py")
    finally:
        sys.path.remove(str(SUITE))
    return (*modules, scorers)


tree, tokens, parser, meaning, wording, make_cases, scorers = _load_suite_code()

TEXT_COLUMNS = sorted(c for c, kind in tree.COLUMNS.items() if kind == "text")
MS_COLUMNS = ["duration_ms", "db_ms"]
texts = st.from_regex(r"[a-z0-9_/][a-z0-9_/:.\-]{0,12}", fullmatch=True) | st.text(
    alphabet="abc xyz|,()'@~", max_size=12
)
numbers = st.decimals(0, 10**6, places=3).map(
    lambda n: n.to_integral_value() if n == n.to_integral_value() else n.normalize()
)
calcs = st.one_of(
    st.sampled_from(["count", "rpm", "errpct"]).map(tree.Calc),
    st.builds(
        tree.Calc,
        st.sampled_from(["avg", "p50", "p95", "p99", "max", "min", "sum", "uniq"]),
        st.sampled_from([*MS_COLUMNS, "bytes_out"]),
    ),
    st.builds(tree.Calc, st.just("uniq"), st.sampled_from(TEXT_COLUMNS)),
)


def several(values: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(values, min_size=1, max_size=3).map(tuple)


compares = st.one_of(
    st.builds(
        tree.Compare,
        st.sampled_from(TEXT_COLUMNS),
        st.sampled_from(["=", "!="]),
        several(texts),
    ),
    st.builds(
        tree.Compare,
        st.sampled_from(TEXT_COLUMNS),
        st.sampled_from(["~", "!~", "^", "!^"]),
        st.tuples(texts),
    ),
    st.builds(
        tree.Compare,
        st.sampled_from(MS_COLUMNS),
        st.sampled_from(["=", "!=", ">", ">=", "<", "<="]),
        st.tuples(numbers),
    ),
    st.builds(
        tree.Compare,
        st.just("bytes_out"),
        st.sampled_from([">", "<="]),
        st.tuples(st.integers(0, 10**10).map(Decimal)),
    ),
    st.builds(
        tree.Compare,
        st.just("status"),
        st.sampled_from(["=", "!="]),
        several(st.sampled_from(["4xx", "5xx", Decimal(404), Decimal(200)])),
    ),
    st.builds(
        tree.Compare,
        st.just("cache_hit"),
        st.just("="),
        st.tuples(st.sampled_from(["yes", "no"])),
    ),
)
atoms = compares | st.builds(tree.Presence, st.sampled_from(["error", "user_id"]), st.booleans())


def conditions(depth: int) -> st.SearchStrategy[Any]:
    if depth == 0:
        return atoms
    parts = st.lists(conditions(depth - 1), min_size=2, max_size=3)
    return atoms | st.builds(tree.join, st.sampled_from([tree.AllOf, tree.AnyOf]), parts)


days = st.sampled_from(["today", "yesterday", "mon", "mar14", "dec31"])
windows = st.one_of(
    st.integers(1, 9999).map(tree.Span),
    st.tuples(st.integers(1, 500), st.integers(1, 500)).map(lambda p: tree.Span(p[0] + p[1], p[0])),
    st.builds(tree.Days, days, days),
)


@st.composite
def queries(draw: st.DrawFn) -> Any:
    condition = draw(st.none() | conditions(3))
    descending, window = draw(st.booleans()), draw(windows)
    limit = draw(st.integers(1, 1000))
    if draw(st.booleans()):
        columns = st.lists(st.sampled_from(sorted(tree.COLUMNS)), max_size=4).map(tuple)
        key = draw(st.none() | st.sampled_from(sorted(tree.COLUMNS)))
        rank = tree.Rank(descending, limit, key)
        return tree.Query((), draw(columns), condition, (), rank, window)
    per = draw(st.lists(st.sampled_from(["5m", "1h", "region", "pod"]), max_size=3).map(tuple))
    groups = [group for group in per if group in tree.COLUMNS]
    key = draw(st.none() | calcs | (st.sampled_from(groups) if groups else st.none()))
    rank = tree.Rank(descending, limit, key)
    return tree.Query(draw(several(calcs)), (), condition, per, rank, window)
