"""The grammar that holds answers to Ebb, against the parser that reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llguidance import LLTokenizer

from evals.models.constrained import Form
from evals.models.guidance import Acceptor, Guidance, Tokens
from evals.suite.load import load_suite
from tests.suites.ebb_queries import SUITE, parser, queries, tokens, tree

suite = load_suite(SUITE)
expected = [case.expected for case in suite.cases]
assert suite.structure is not None
form = Form(grammar=suite.structure.grammar)
accepts = Acceptor(form, key="structure").accepts

# --- what the grammar leaves out ----------------------------------------------------------------


def within_bounds(query: Any) -> bool:
    """Whether the grammar has a spelling for it: the bounds that its first lines state."""
    several = len(query.calcs) <= 3 and len(query.columns) <= 6 and len(query.per) <= 3
    return several and (query.condition is None or _filter_fits(query.condition))


def _filter_fits(condition: Any) -> bool:
    parts = _parts(condition)
    inner = [_parts(part) for part in parts]
    shallow = all(len(_parts(each)) == 1 for row in inner for each in row)
    few = len(parts) <= 4 and all(len(row) <= 3 for row in inner)
    return few and shallow and all(_fits(each) for row in inner for each in row)


def _parts(condition: Any) -> tuple[Any, ...]:
    joined = isinstance(condition, tree.AllOf | tree.AnyOf)
    return tuple(condition.parts) if joined else (condition,)


def _fits(condition: Any) -> bool:
    if isinstance(condition, tree.Presence):
        return True
    values = [tree.format_value(condition.column, value) for value in condition.values]
    return len(values) <= 4 and all(_value_fits(text) for text in values)


def _value_fits(written: str) -> bool:
    if written.startswith('"'):
        return 1 <= len(written) - 2 <= 24 and not re.search(r"[A-Z\x00-\x1f]", written)
    number = re.fullmatch(r"([0-9]+)(?:\.([0-9]+))?(kb|mb)?", written)
    fits = number and len(number[1]) <= 9 and len(number[2] or "") <= 3
    return bool(fits) if number else len(written) <= 20


def _ends_before_it_begins(text: str) -> bool:
    """What no grammar can see: that of two durations the later one is the longer one."""
    span = re.search(r"@([0-9]+)([mhdw])\.\.([0-9]+)([mhdw])$", text)
    if span is None:
        return False
    since, until = (int(span[n]) * tree.MINUTES[span[n + 1]] for n in (1, 3))
    return since <= until


# --- both ways ----------------------------------------------------------------------------------


def test_every_right_answer_of_every_split_can_be_written() -> None:
    assert len(expected) == 2165
    assert [text for text in expected if not accepts(text)] == []


@given(queries())
@settings(max_examples=400, deadline=None)
def test_a_query_as_it_is_written_is_accepted_exactly_within_the_bounds(query: Any) -> None:
    assert accepts(tree.format_query(query)) == within_bounds(query)


@given(st.randoms(use_true_random=False))
@settings(max_examples=300, deadline=None)
def test_whatever_can_be_written_is_a_query(random: Random) -> None:
    text = _written(random, ends=0.5)
    assert accepts(text)
    if _ends_before_it_begins(text):
        with pytest.raises(tokens.QueryError, match="expected a duration"):
            parser.parse(text)
    else:
        parser.parse(text)


@given(st.data())
@settings(max_examples=500, deadline=None)
def test_a_query_that_was_damaged_is_accepted_only_if_it_is_still_one(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(expected))
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 8)))
        text = text[:start] + data.draw(pieces) + text[end:]
    try:
        query = parser.parse(text)
    except tokens.QueryError:
        assert not accepts(text) or _ends_before_it_begins(text)
    else:
        if text == tree.format_query(query):
            assert accepts(text) == within_bounds(query)


pieces = st.sampled_from(
    sorted({piece for text in expected for piece in re.findall(r" \| \S+|\w+|\W+", text)})
) | st.text(alphabet='abcx059 |,()[]@~^!=<>+-."/_', max_size=3)


# --- nothing runs away --------------------------------------------------------------------------


@given(st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None)
def test_a_writer_that_never_wants_to_end_is_ended(random: Random) -> None:
    assert len(_written(random, ends=0.0).encode("utf-8")) < 2_000


COLUMN_LIST = "service, endpoint, method, status, error, region"
BOUNDS = [
    ("rpm, errpct, count | @1h", ", pod.uniq", 19),
    (f"rows {COLUMN_LIST} | @1h", ", pod", 5 + len(COLUMN_LIST)),
    ("count | if pod=a and pod=b or pod=c and pod=d | @1h", " and pod=e", 45),
    ("count | if +error and (pod=a or pod=b or pod=c) | @1h", " or pod=d", 46),
    ("count | if pod=[a, b, c, d] | @1h", ", e", 26),
    (f"count | if pod={'a' * 20} | @1h", "a", 20),
    (f'count | if pod="{"a b " * 6}" | @1h', "a", 20),
    ("count | if db_ms>123456789.125 | @1h", "1", 17),
    ("count | if db_ms>123456789.125 | @1h", "1", 30),
    ("count | per 5m, pod, plan | @1h", ", region", 25),
    ("count | per 5m, pod, plan | high plan | @1h", ", region", 25),
    ("count | per pod | high 999 | @1h", "9", 26),
    ("count | @9999w", "9", 13),
]


@pytest.mark.parametrize(("text", "more", "at"), BOUNDS)
def test_one_more_than_the_bound_cannot_be_written(text: str, more: str, at: int) -> None:
    longer = text[:at] + more + text[at:]
    assert accepts(text)
    parser.parse(text)
    assert not accepts(longer), longer


SECOND_SPELLINGS = [
    "count",
    "COUNT | @1h",
    "count|@1h",
    "count | @1h | if +error",
    "count | where +error | @1h",
    "dur.median | @1h",
    "count | if (+error) | @1h",
    "count | if pod=[a] | @1h",
    "count | if cache_hit=true | @1h",
    "count | if bytes_out>007 | @1h",
]


@pytest.mark.parametrize("text", SECOND_SPELLINGS)
def test_what_would_only_be_a_second_spelling_is_left_out(text: str) -> None:
    query = parser.parse(text)
    assert not accepts(text)
    assert accepts(tree.format_query(query))


# --- writing ------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _guidance() -> tuple[Guidance, LLTokenizer]:
    known = LLTokenizer("byte")
    return Guidance(form, Tokens(known, frozenset({known.eos_token})), key="structure"), known


def _written(random: Random, *, ends: float) -> str:
    """Bytes drawn among those allowed; `ends` is how likely an end is taken where it may come."""
    return bytes(_bytes(random, ends)).decode("utf-8")


def _bytes(random: Random, ends: float) -> Iterator[int]:
    guidance, known = _guidance()
    walk = guidance.matcher()
    while not walk.ended:
        allowed = np.flatnonzero(guidance.allowed([walk], known.vocab_size)[0]).tolist()
        more = [byte for byte in allowed if byte != known.eos_token]
        assert walk.fault is None
        if not more or (len(more) < len(allowed) and random.random() < ends):
            assert len(more) < len(allowed), "neither an end nor a way on"
            return
        byte = random.choice(more)
        walk.take(byte)
        yield byte
