"""SQL that is the same in another spelling, and SQL that is not."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evals.errors import MissingExtraError, ScorerError
from evals.records import Case, Output, Score
from evals.scorers import build_scorer, score_many
from evals.scorers.protocol import Scorer
from evals.suite.spec import MetricSpec

SCHEMA = {
    "items": {"id": "int", "name": "text", "price": "real"},
    "orders": {"id": "int", "item": "int"},
}


def built(**options: Any) -> Scorer:
    return build_scorer(MetricSpec("m", "sql_equal@1", {"dialect": "sqlite"} | options), Path())


def judged(scorer: Scorer, expected: Any, text: str) -> Score:
    return scorer(Case("c1", {}, expected, "", "dev"), Output(text, "stop"))


@pytest.fixture(scope="module")
def judge() -> Iterator[Scorer]:
    scorer = built(schema=SCHEMA)
    yield scorer
    scorer.close()


SAME = [
    ("SELECT name FROM items", 'select\n "name" from ITEMS -- all\n;'),
    ("SELECT name FROM items", "```sql\nSELECT i.name AS n FROM items AS i\n```"),
    ("SELECT * FROM orders", "SELECT id, item FROM orders"),
    (
        "SELECT 1 FROM items WHERE id = 1 AND price > 2",
        "SELECT 1 FROM items WHERE 2 < price AND 1 = id",
    ),
    (
        "SELECT 1 FROM items WHERE price BETWEEN 1 AND 2",
        "SELECT 1 FROM items WHERE price <= 2 AND price >= 1",
    ),
    ("SELECT 1 FROM items WHERE id IN (1, 2)", "SELECT 1 FROM items WHERE id IN (2, 1, 1)"),
    ("SELECT 1 FROM items WHERE NOT (id <> 1)", "SELECT 1 FROM items WHERE ((id = 1))"),
    (
        "SELECT 1 FROM items WHERE NOT (id > 1 OR price > 1)",
        "SELECT 1 FROM items WHERE price <= 1 AND id <= 1",
    ),
    (
        "SELECT 1 FROM items WHERE id = 1 OR (id = 2 OR id = 3)",
        "SELECT 1 FROM items WHERE id = 3 OR id = 2 OR id = 1",
    ),
    ("SELECT price * 2 + id FROM items", "SELECT id + (2 * price) FROM items"),
    (
        "SELECT name FROM items JOIN orders ON items.id = item",
        "SELECT i.name FROM items i INNER JOIN orders o ON o.item = i.id",
    ),
    ("SELECT 1 FROM items, orders", "SELECT 1 FROM items CROSS JOIN orders"),
    ("SELECT 1 FROM items LEFT JOIN orders", "SELECT 1 FROM items LEFT OUTER JOIN orders"),
    ("SELECT name AS n FROM items ORDER BY n", "SELECT name FROM items ORDER BY name"),
    (
        "SELECT count(*) c FROM items GROUP BY name HAVING c > 1",
        "SELECT COUNT(*) FROM items GROUP BY name HAVING COUNT(*) > 1",
    ),
    ("DELETE FROM items WHERE id = 1", "delete from items where 1 = id"),
    (["SELECT id FROM items", "SELECT name FROM items"], "SELECT name FROM items"),
]


@pytest.mark.parametrize(("expected", "text"), SAME)
def test_another_spelling_of_the_same_scores_full_marks(
    judge: Scorer, expected: Any, text: str
) -> None:
    score = judged(judge, expected, text)
    assert score.value == 1.0, score.reason


DIFFERENT = [
    ("SELECT name FROM items", "SELECT id FROM items"),
    ("SELECT name FROM items", "SELECT DISTINCT name FROM items"),
    ("SELECT name FROM items", "SELECT name FROM items LIMIT 5"),
    ("SELECT id, name FROM items", "SELECT name, id FROM items"),
    ("SELECT name FROM items WHERE id < 2", "SELECT name FROM items WHERE id > 2"),
    ("SELECT name FROM items WHERE id < price", "SELECT name FROM items WHERE price < id"),
    ("SELECT price - id FROM items", "SELECT id - price FROM items"),
    ("SELECT name FROM items WHERE name = 'a'", "SELECT name FROM items WHERE name = 'A'"),
    (
        "SELECT name FROM items WHERE id = 1 AND price = 2",
        "SELECT name FROM items WHERE id = 1 OR price = 2",
    ),
    (
        "SELECT a.id FROM items a JOIN orders b ON a.id = b.item",
        "SELECT b.id FROM items a JOIN orders b ON a.id = b.item",
    ),
    (
        "SELECT name FROM items JOIN orders ON items.id = item",
        "SELECT name FROM items LEFT JOIN orders ON items.id = item",
    ),
    ("SELECT name FROM items ORDER BY id", "SELECT name FROM items ORDER BY id DESC"),
    ("SELECT name FROM items UNION SELECT 'a'", "SELECT name FROM items UNION ALL SELECT 'a'"),
]


@pytest.mark.parametrize(("expected", "text"), DIFFERENT)
def test_what_means_something_else_scores_zero(judge: Scorer, expected: str, text: str) -> None:
    score = judged(judge, expected, text)
    assert (score.value, score.kind) == (0.0, "different")
    assert score.reason


NOT_SQL = [
    "",
    ";",
    "-- nothing",
    "I think you should look at the items.",
    "hello",
    "hello world",
    "SELECT FROM WHERE",
    "SELECT name FROM items; SELECT name FROM items",
    "SELECT nothing FROM items",
    "SELECT name FROM \x1b[31mitems",
    "SELECT '\ud800' FROM",
    "SELECT 'open",
    "PRAGMA writable_schema = 1; x",
    "SELECT " + "(" * 5_000 + "1" + ")" * 5_000,
    "SELECT " + "NOT " * 5_000 + "1",
    "SELECT " + "CASE " * 5_000,
    "SELECT 1 -- " + "x" * 60_000,
]


@pytest.mark.parametrize("text", NOT_SQL)
def test_what_is_no_statement_scores_zero_and_says_why(judge: Scorer, text: str) -> None:
    score = judged(judge, "SELECT name FROM items", text)
    assert (score.value, score.kind) == (0.0, "not_sql"), score
    assert score.reason
    assert score.reason.isprintable()


BOMBS = [
    "SELECT 1 FROM items WHERE " + " AND ".join(f"(id = {n} OR price = {n})" for n in range(1_200)),
    "SELECT 1 FROM items WHERE " + " OR ".join(f"(id = {n} AND price = {n})" for n in range(1_200)),
    "SELECT 1" + "+1" * 24_000,
    "SELECT " + "(SELECT " * 900 + "1" + ")" * 900,
    "SELECT * FROM " + ", ".join(f"items i{n}" for n in range(2_500)),
    "WITH a AS (SELECT * FROM items), "
    + ", ".join(f"a{n + 1} AS (SELECT * FROM a{n or ''} x, items y)" for n in range(60))
    + " SELECT * FROM a60",
]


@pytest.mark.parametrize("text", BOMBS, ids=range(len(BOMBS)))
def test_a_bomb_ends_in_a_zero_or_an_error_within_its_time(text: str) -> None:
    scorer = built(schema=SCHEMA, seconds=1)
    case = Case("c1", {}, "SELECT name FROM items", "", "dev")
    started = time.monotonic()
    first, second = score_many(
        scorer, [(case, Output(text, "stop")), (case, Output("SELECT name FROM items", "stop"))]
    )
    assert time.monotonic() - started < 12
    assert isinstance(first, ScorerError) or first.value == 0.0
    assert not isinstance(second, ScorerError)
    assert second.value == 1.0
    scorer.close()


def test_without_a_schema_columns_are_compared_as_they_are_written() -> None:
    scorer = built()
    assert judged(scorer, "SELECT a FROM t WHERE x = 1", "select a from T where 1 = x").value == 1.0
    assert judged(scorer, "SELECT a FROM t, u", "SELECT t.a FROM t, u").value == 0.0
    scorer.close()


def test_output_names_matter_where_the_suite_says_so() -> None:
    scorer = built(schema=SCHEMA, output_names=True)
    assert judged(scorer, "SELECT name AS n FROM items", "SELECT name FROM items").value == 0.0
    scorer.close()


def test_expected_sql_that_cannot_be_parsed_is_an_error_of_the_case(judge: Scorer) -> None:
    with pytest.raises(ScorerError, match="the expected SQL"):
        judged(judge, "SELECT FROM", "SELECT 1")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"dialect": "sqlit"}, 'did you mean "sqlite"'),
        ({"schema": {"items": ["id"]}}, "schema.items: expected a mapping"),
        ({"schema": {"items": {"id": 1}}}, "schema.items: expected a mapping"),
        ({"schema": []}, "expected a mapping"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ScorerError, match=said):
        built(**options)


def test_a_missing_extra_is_said_before_any_model_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'tunegate\[sql\]'"):
        built()
