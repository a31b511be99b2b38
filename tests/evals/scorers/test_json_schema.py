"""Answers that must be one JSON document of a given form."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.errors import ScorerError
from evals.records import Case, Output
from evals.scorers import build_scorer
from evals.scorers.protocol import Scorer
from evals.scorers.structured.json_schema import MAX_DEPTH, depth, parse
from evals.suite.spec import MetricSpec

SCHEMA = {
    "type": "object",
    "required": ["a"],
    "properties": {"a": {"type": "integer"}, "s": {"pattern": "^(a+)+$"}},
    "additionalProperties": {"$ref": "#/$defs/any"},
    "$defs": {"any": True},
}
CASE = Case("c1", {}, None, '{"a": 1}', "dev")


@pytest.fixture(scope="module")
def judge() -> Iterator[Scorer]:
    options = {"schema": SCHEMA, "seconds": 3.0}
    scorer = build_scorer(MetricSpec("form", "json_schema@1", options), Path())
    yield scorer
    scorer.close()


@pytest.mark.parametrize(
    "text", ['{"a": 1}', ' {"a": 1}\n', '```json\n{"a": 1}\n```', '```\n{"a": 1, "b": []}\n```\n']
)
def test_a_document_of_the_form_scores_full_marks(judge: Scorer, text: str) -> None:
    assert judge(CASE, Output(text, "stop")).value == 1.0


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", "not_json"),
        ('{"a": 1} {"a": 1}', "not_json"),
        ('Here: {"a": 1}', "not_json"),
        ('{"a": NaN}', "not_json"),
        ('{"a": ' + "9" * 10_000 + "}", "not_json"),
        ("[" * 1_000_000, "not_json"),
        ("[" * 500_001, "not_json"),
        ('{"a":' * 5_000, "not_json"),
        ('{"a": "\ud800"}', "schema"),
        ('{"a": "1"}', "schema"),
        ("{}", "schema"),
        ("[]", "schema"),
    ],
)
def test_anything_else_scores_zero(judge: Scorer, text: str, kind: str) -> None:
    result = judge(CASE, Output(text, "stop"))
    assert (result.value, result.kind) == (0.0, kind)
    assert result.reason


def test_a_pattern_that_backtracks_without_end_is_stopped(judge: Scorer) -> None:
    started = time.monotonic()
    with pytest.raises(ScorerError, match="TimeoutError"):
        judge(CASE, Output('{"a": 1, "s": "' + "a" * 60 + '!"}', "stop"))
    assert time.monotonic() - started < 8
    assert judge(CASE, Output('{"a": 1}', "stop")).value == 1.0


def test_a_reference_to_elsewhere_is_not_fetched() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        schema = {"$ref": f"http://127.0.0.1:{server.getsockname()[1]}/schema.json"}
        options = {"schema": schema}
        scorer = build_scorer(MetricSpec("m", "json_schema@1", options), Path())
        with pytest.raises(ScorerError, match="Unresolvable"):
            scorer(CASE, Output("{}", "stop"))
        scorer.close()
        with pytest.raises(TimeoutError):  # nobody called
            server.accept()


def test_a_code_fence_can_be_refused() -> None:
    with pytest.raises(ValueError, match="not one JSON document"):
        parse('```json\n{"a": 1}\n```', code_fence=False)


def test_depth_counts_brackets_outside_of_strings() -> None:
    assert depth('[{"a": "]]]{{{\\"["}]') == 2
    assert parse("[" * MAX_DEPTH + "]" * MAX_DEPTH, code_fence=True)
    with pytest.raises(ValueError, match="deeper"):
        parse("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), code_fence=True)


@given(st.text(alphabet=st.characters(exclude_categories=())) | st.text('[]{}",:1 \\`\n'))
def test_parsing_any_text_gives_a_document_or_a_reason(text: str) -> None:
    try:
        parse(text, code_fence=True)
    except ValueError as error:
        reason = str(error)
    else:
        reason = "none needed"
    assert reason
