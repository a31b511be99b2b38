"""Queries judged by what they return, and queries that want something else."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from evals.errors import ScorerError
from evals.records import Case, Output, Score
from evals.scorers import build_scorer, build_scorers, score_many
from evals.scorers.protocol import Scorer
from evals.scorers.sql.database import Result
from evals.scorers.sql.rows import difference, is_ordered, result_of_json
from evals.suite.spec import MetricSpec, Suite

SCRIPT = """
CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT, price REAL, note TEXT);
INSERT INTO items VALUES (1, 'pen', 1.5, NULL), (2, 'ink', 4.0, 'blue'), (3, 'cap', 4.0, NULL);
CREATE VIEW dear AS SELECT name FROM items WHERE price > 2;
"""
FILLING = b"""
CREATE TABLE t (x); WITH RECURSIVE a(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM a)
INSERT INTO t SELECT zeroblob(1000000) FROM a;
"""
ALL = "SELECT id, name FROM items"


def case(expected: Any) -> Case:
    return Case("c1", {}, expected, "", "dev")


def built(folder: Path, **options: Any) -> Scorer:
    if not (folder / "data.sql").exists():
        (folder / "data.sql").write_text(SCRIPT)
    return build_scorer(MetricSpec("m", "sql_result@1", {"database": "data.sql"} | options), folder)


def judged(scorer: Scorer, expected: Any, text: str) -> Score:
    return scorer(case(expected), Output(text, "stop"))


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scorer]:
    scorer = built(tmp_path_factory.mktemp("suite"), max_steps=2_000_000, max_rows=50)
    yield scorer
    scorer.close()


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        (ALL, "SELECT id, name FROM items ORDER BY name DESC"),
        (ALL, "select i.id as x, i.name from items i;"),
        (ALL, "-- all of them\nSELECT id, name FROM items -- ; done"),
        (ALL, "```sql\nSELECT id, name FROM items\n```"),
        (ALL, "```\nSELECT id, name FROM items;```\n"),
        (
            "SELECT name FROM dear",
            "WITH d AS (SELECT * FROM items) SELECT name FROM d WHERE price > 2",
        ),
        ("SELECT sum(price) FROM items", "SELECT 9.5;;\n;"),
        ("SELECT 6", "SELECT sum(value) FROM json_each('[1, 2, 3]')"),
        ("SELECT 3", "SELECT 3.0"),
        ("SELECT count(*) FROM items WHERE note IS NULL", "SELECT 2"),
        ([[1, "pen"], [3, "cap"], [2, "ink"]], ALL),
        ({"columns": ["n"], "rows": [[3]]}, "SELECT count(*) FROM items"),
        ([], "SELECT * FROM items WHERE id > 9"),
        ("SELECT note FROM items", [["blue"], [None], [None]]),
    ],
)
def test_the_same_rows_score_full_marks_however_they_were_asked_for(
    judge: Scorer, expected: Any, text: Any
) -> None:
    if isinstance(text, list):
        expected, text = text, expected
    score = judged(judge, expected, text)
    assert score.value == 1.0, score.reason


WRONG = [
    ("", "sql_error", "no query"),
    ("-- nothing", "sql_error", "no query"),
    ("I would query the items.", "sql_error", "syntax"),
    ("SELECT id FROM elsewhere", "sql_error", "no such table"),
    ("SELECT id, name FROM items; SELECT 1", "sql_error", "one statement"),
    ("SELECT id, name FROM items; DROP TABLE items", "sql_error", "one statement"),
    ("```python\nSELECT 1\n```", "sql_error", ""),
    ("SELECT '\x00'", "sql_error", ""),
    ("SELECT '\ud800'", "sql_error", ""),
    ("SELECT 'it''s", "sql_error", ""),
    ("SELECT ?", "sql_error", ""),
    ("DROP TABLE items", "not_read_only", ""),
    ("DELETE FROM items", "not_read_only", ""),
    ("UPDATE items SET price = 0", "not_read_only", ""),
    ("INSERT INTO items(id) VALUES (9) RETURNING id, name", "not_read_only", ""),
    ("WITH x AS (SELECT 1) DELETE FROM items", "not_read_only", ""),
    ("CREATE TEMP TABLE t AS SELECT 1", "not_read_only", ""),
    ("BEGIN", "not_read_only", ""),
    ("SAVEPOINT s", "not_read_only", ""),
    ("ATTACH ':memory:' AS other", "not_read_only", ""),
    ("VACUUM INTO 'stolen.sqlite'", "not_read_only", ""),
    ("PRAGMA query_only = OFF", "not_read_only", ""),
    ("SELECT * FROM dbstat", "not_read_only", ""),
    ("PRAGMA hard_heap_limit = 0", "not_read_only", ""),
    ("SELECT * FROM pragma_table_info('items')", "not_read_only", ""),
    ("ANALYZE", "not_read_only", ""),
    ("SELECT load_extension('evil')", "sql_error", ""),
    ("SELECT random()", "sql_error", "random may not be used"),
    ("SELECT hex(randomblob(1000000000))", "sql_error", "may not be used"),
    ("SELECT zeroblob(1000000000)", "sql_error", "may not be used"),
    ("SELECT replace(printf('%.*c', 9999, 'x'), 'x', printf('%.*c', 9999, 'y'))",
     "sql_error", "too big"),
    ("SELECT " + "(" * 5_000 + "1" + ")" * 5_000, "sql_error", ""),
    ("SELECT 1" + "+1" * 5_000, "sql_error", ""),
    ("SELECT 1 -- " + "x" * 200_000, "sql_error", ""),
    (" UNION ".join(["SELECT 1, 2"] * 500), "sql_error", ""),
    ("SELECT * FROM " + ",".join(f"items i{n}" for n in range(99)), "sql_error", ""),
    ("SELECT a.id, b.name FROM (SELECT 1 UNION SELECT 2), (SELECT 1 UNION SELECT 2)"
     ", items d, items a, items b, items c", "too_many_rows", "more than 50 rows"),
    ("SELECT id FROM items", "wrong_columns", "2 columns expected, got 1"),
    ("SELECT id, name FROM items WHERE id < 3", "wrong_rows", "3 rows expected, got 2"),
    ("SELECT id, upper(name) FROM items", "wrong_rows", "no row"),
    ("SELECT CAST(id AS TEXT), name FROM items", "wrong_rows", ""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "kind", "said"), WRONG)
def test_anything_else_scores_zero_and_says_why(
    judge: Scorer, text: str, kind: str, said: str
) -> None:
    score = judged(judge, ALL, text)
    assert (score.value, score.kind) == (0.0, kind), score.reason
    assert said in score.reason
    assert judged(judge, ALL, ALL).value == 1.0  # nothing was changed


ENDLESS = [
    "WITH RECURSIVE a(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM a) SELECT count(*), 1 FROM a",
    "WITH RECURSIVE a(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM a LIMIT 1000) "
    "SELECT count(*), 1 FROM a, a b, a c, a d",
]


@pytest.mark.parametrize("text", ENDLESS)
def test_a_query_without_end_is_a_wrong_answer_after_the_same_steps_everywhere(
    judge: Scorer, text: str
) -> None:
    score = judged(judge, ALL, text)
    assert (score.value, score.kind) == (0.0, "timeout")
    assert "2000000 steps" in score.reason


BOMBS = [
    "WITH RECURSIVE a(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM a) "
    "SELECT group_concat(x), 1 FROM a",
    "WITH RECURSIVE a(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM a LIMIT 99999) "
    "SELECT x, printf('%.*c', 900000, 'x') FROM a ORDER BY 2",
    "WITH RECURSIVE a(x) AS (SELECT 'x' UNION ALL SELECT x || x FROM a) SELECT max(x), 1 FROM a",
    "WITH a AS (SELECT 1 x UNION ALL SELECT 1), "
    + ", ".join(f"{n} AS (SELECT p.x FROM {m} p, {m} q)" for m, n in pairwise("abcdefgh"))
    + " SELECT count(*), 1 FROM h",
    "WITH a AS (SELECT 1 x), "
    + ", ".join(
        f"{n} AS (SELECT x FROM {m} UNION ALL SELECT x FROM {m} UNION ALL SELECT x FROM {m})"
        for m, n in pairwise("abcdefghijklmnopqr")
    )
    + " SELECT x, 1 FROM r",
]  # fmt: skip


@pytest.mark.parametrize("text", BOMBS)
def test_a_bomb_ends_in_a_zero_or_an_error_within_its_time(tmp_path: Path, text: str) -> None:
    scorer = built(tmp_path, seconds=2, max_memory=64)
    started = time.monotonic()
    (said,) = score_many(scorer, [(case(ALL), Output(text, "stop"))])
    assert time.monotonic() - started < 8
    assert isinstance(said, ScorerError) or said.value == 0.0
    assert judged(scorer, ALL, ALL).value == 1.0
    scorer.close()


def test_a_call_that_never_looks_at_the_clock_is_stopped_from_outside(tmp_path: Path) -> None:
    scorer = built(tmp_path, seconds=0.5)
    slow = "SELECT 1, printf('%.*c', 2000000000, 'x')"  # written to the end before it is refused
    started = time.monotonic()
    with pytest.raises(ScorerError, match="TimeoutError"):
        judged(scorer, ALL, slow)
    assert time.monotonic() - started < 8
    assert judged(scorer, ALL, ALL).value == 1.0
    scorer.close()


def test_a_query_that_outlasts_its_seconds_is_an_error_and_no_zero(tmp_path: Path) -> None:
    scorer = built(tmp_path, seconds=0.3, max_steps=10**12)
    with pytest.raises(ScorerError, match="TimeoutError: the query did not end"):
        judged(scorer, ALL, ENDLESS[0])
    scorer.close()


def test_a_query_writes_no_file_and_reads_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    scorer = built(tmp_path)
    for text in ("VACUUM INTO 'a.db'", "ATTACH 'a.db' AS a", "SELECT readfile('data.sql'), 1"):
        assert judged(scorer, ALL, text).value == 0.0
    scorer.close()
    assert [path.name for path in tmp_path.iterdir()] == ["data.sql"]


@pytest.mark.parametrize(
    ("options", "text", "value"),
    [
        ({}, "SELECT name FROM items ORDER BY id DESC", 0.0),
        ({"order": False}, "SELECT name FROM items ORDER BY id DESC", 1.0),
        ({"columns": "names"}, "SELECT name AS n FROM items ORDER BY id", 0.0),
        ({"columns": "names"}, "SELECT NAME FROM items ORDER BY id", 1.0),
        ({"code_fence": False}, "```sql\nSELECT name FROM items ORDER BY id\n```", 0.0),
    ],
)
def test_options_say_what_matters(
    tmp_path: Path, options: dict[str, Any], text: str, value: float
) -> None:
    scorer = built(tmp_path, **options)
    assert judged(scorer, "SELECT name FROM items ORDER BY id", text).value == value
    scorer.close()


def test_a_database_file_is_read_without_a_trace_beside_it(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "d.sqlite")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.executescript(SCRIPT)
    connection.close()
    before = (tmp_path / "d.sqlite").read_bytes()
    scorer = built(tmp_path, database="d.sqlite")
    assert judged(scorer, "SELECT count(*) FROM items", "SELECT 3").value == 1.0
    scorer.close()
    assert (tmp_path / "d.sqlite").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d.sqlite", "data.sql"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("bad.sql", b"CREATE TABLE;", "bad.sql: near"),
        ("bad.sql", b"ATTACH 'out.db' AS o; CREATE TABLE o.t(x);", "not authorized"),
        ("bad.sql", b"PRAGMA temp_store_directory = '/';", "not authorized"),
        ("bad.sql", b"SELECT load_extension('x');", "not authorized"),
        ("bad.sql", b"\xff", "bad.sql"),
        ("bad.sqlite", b"SQLite format 3\0" + b"\xff" * 4000, "bad.sqlite"),
        ("bad.sqlite", b"no database", "bad.sqlite"),
        ("endless.sql", FILLING, "endless.sql needs more memory than it may have"),
    ],
)
def test_data_that_cannot_be_loaded_are_an_error_that_names_the_file(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    scorer = built(tmp_path, database=name)
    with pytest.raises(ScorerError, match=said) as caught:
        judged(scorer, ALL, ALL)
    assert f"metrics.m.database: {tmp_path / name} cannot be loaded: " in str(caught.value)
    scorer.close()
    assert not (tmp_path / "out.db").exists()


def test_data_that_take_too_long_to_load_are_an_error_that_names_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evals.scorers.worker.START_SECONDS", 3.0)
    endless = "WITH RECURSIVE a(x) AS (SELECT 1 UNION ALL SELECT x FROM a) SELECT max(x) FROM a;"
    (tmp_path / "slow.sql").write_text(endless)
    scorer = built(tmp_path, database="slow.sql")
    with pytest.raises(ScorerError, match=r"m\.database: .*slow\.sql cannot be loaded: .*Timeout"):
        judged(scorer, ALL, ALL)
    scorer.close()


def test_what_a_database_file_brings_with_it_is_held_to_the_same_rules(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "d.sqlite")
    connection.executescript(
        """
        CREATE TABLE t (x); INSERT INTO t VALUES (1);
        CREATE VIEW extension AS SELECT load_extension('evil') FROM t;
        CREATE VIEW chance AS SELECT random() FROM t;
        CREATE VIEW endless AS
            WITH RECURSIVE a(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM a) SELECT max(x) FROM a;
        """
    )
    connection.close()
    scorer = built(tmp_path, database="d.sqlite", max_steps=1_000_000)
    kinds = {"extension": "sql_error", "chance": "sql_error", "endless": "timeout"}
    for view, kind in kinds.items():
        assert judged(scorer, "SELECT x FROM t", f"SELECT * FROM {view}").kind == kind
    scorer.close()


def test_an_expected_query_that_fails_is_an_error_of_the_case(tmp_path: Path) -> None:
    scorer = built(tmp_path)
    with pytest.raises(ScorerError, match=r'case "c1".*expected query fails: no such table'):
        judged(scorer, "SELECT * FROM nowhere", ALL)
    scorer.close()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"database": "../data.sql"}, "outside the suite"),
        ({"database": "data.csv"}, "not an existing .sql or .sqlite or .db file"),
        ({"order": "maybe"}, 'expected true, false or "auto"'),
        ({"columns": "all"}, '"count" or "names"'),
        ({"max_steps": 0}, "greater than 0"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    tmp_path: Path, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(ScorerError, match=said):
        built(tmp_path, **options)


@pytest.mark.parametrize("expected", [None, "", 5, [1], [[1], [1, 2]], [[{}]], {"rows": []}])
def test_a_case_without_query_or_rows_is_refused_before_anything_runs(
    tmp_path: Path, expected: Any
) -> None:
    (tmp_path / "data.sql").write_text(SCRIPT)
    metrics = {"m": MetricSpec("m", "sql_result@1", {"database": "data.sql"})}
    suite = Suite("s", "t", tmp_path, (case(expected),), {}, metrics, "m")
    with pytest.raises(ScorerError, match="a query or rows"):
        build_scorers(suite)


@pytest.mark.parametrize(
    ("sql", "ordered"),
    [
        ("SELECT 1 ORDER  BY 1", True),
        ("SELECT 1 order\nby 1", True),
        ("SELECT * FROM (SELECT 1 ORDER BY 1)", False),
        ("SELECT rank() OVER (ORDER BY x) FROM t", False),
        ("SELECT 'ORDER BY' -- ORDER BY", False),
        ('SELECT "a ( b" FROM t /* ( */ ORDER BY 1', True),
        ("SELECT reorder BY", False),
    ],
)
def test_only_the_querys_own_order_by_makes_order_matter(sql: str, ordered: bool) -> None:
    assert is_ordered(sql) is ordered


def differs(expected: Any, got: Any, **options: Any) -> bool:
    settings = {"ordered": False, "names": False, "absolute": 0.0, "relative": 0.0} | options
    wanted, found = result_of_json(expected), result_of_json(got)
    assert wanted is not None
    assert found is not None
    return difference(wanted, found, **settings) is not None


def test_rows_are_a_multiset_unless_order_matters() -> None:
    assert not differs([[1], [2], [1]], [[1], [1], [2]])
    assert differs([[1], [2], [1]], [[1], [2], [2]])
    assert differs([[1], [2]], [[2], [1]], ordered=True)


def test_numbers_have_a_tolerance_and_other_values_none() -> None:
    assert not differs([[1.0, "a"], [1.05, "a"]], [[1.06, "a"], [1.01, "a"]], absolute=0.02)
    assert differs([[1.0]], [[1.03]], absolute=0.02)
    assert not differs([[1e9]], [[1e9 + 1]], relative=1e-8)
    assert differs([[2**60]], [[2**60 + 1]], relative=1e-9)
    assert differs([["1"]], [[1]])
    assert differs([[None]], [[0]])
    assert not differs([[None]], [[None]])
    infinite = Result(("",), ((float("inf"),),))
    one = Result(("",), ((1.0,),))
    settings: Any = {"ordered": True, "names": False, "absolute": 0.0, "relative": 1e-9}
    assert difference(infinite, one, **settings)
    assert not difference(infinite, infinite, **settings)


def test_many_rows_within_tolerance_are_paired_in_good_time() -> None:
    rows = [[n + 0.1, n % 7] for n in range(10_000)]
    noisy = [[n + 0.1 + 1e-7, n % 7] for n in reversed(range(10_000))]
    started = time.monotonic()
    assert not differs(rows, noisy, absolute=1e-6)
    assert time.monotonic() - started < 2
