"""`compare` and `gate` on damaged input: one clear error, its exit code, and nothing written."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest

from evals.ledger import FILE_NAME
from tests.sample_suite import ROUNDS, write_suite
from tests.tunegate.command_line import CommandLine, Told, call_in
from tests.tunegate.scenes import KNOWN, undecided_rules, write_model

Row = dict[str, Any]

MODEL = ("--model", "scripted:model.json")
LEDGER = Path(".tunegate") / FILE_NAME
ROWS: list[Row] = [{"id": f"c{n}", "score": n % 2} for n in range(40)]
LONG = "x" * 100_000
DEEP = b"[" * 100_000


def lines(rows: list[Row]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def fifth(**changes: Any) -> bytes:
    """The good file with other values on its line 5; None leaves a key as null."""
    return lines([*ROWS[:4], ROWS[4] | changes, *ROWS[5:]])


GOOD = lines(ROWS)
GOOD_TEXT = GOOD.decode()


def contents() -> dict[str, bytes]:
    """Every file below the folder with what is in it; of the ledger, all that it holds."""
    found = {str(path): path.read_bytes() for path in Path().rglob("*") if path.is_file()}
    if LEDGER.exists():
        db = sqlite3.connect(LEDGER)
        found[str(LEDGER)] = "\n".join(db.iterdump()).encode()
        db.close()
    return {name: body for name, body in found.items() if not name.endswith(("-shm", "-wal"))}


def refused(told: Told, *expected: str, code: int = 2) -> str:
    """One short line that says all of `expected`, on standard error alone; the line."""
    assert (told.code, told.out) == (code, ""), told
    assert "Traceback" not in told.err
    (line,) = told.err.splitlines()
    assert line.startswith("error: ")
    assert line.endswith(")"), "it says what to do"
    assert len(line) < 500
    for text in expected:
        assert text in line
    return line


# --- compare: files --------------------------------------------------------------------------

FILES: dict[str, tuple[bytes, tuple[str, ...]]] = {
    "no id": (lines([*ROWS[:4], {"score": 1}, *ROWS[5:]]), ("bad.jsonl:5: id", '"score"')),
    "other keys": (
        lines([{"case": row["id"], "value": row["score"]} for row in ROWS]),
        ("bad.jsonl:1: id", 'only "case", "value"', "expected a line like"),
    ),
    "empty object": (lines([{}]), ("bad.jsonl:1: id", "has nothing")),
    "id twice": (fifth(id="c1"), ("bad.jsonl:5: id", '"c1"', "on line 2")),
    "a long id twice": (lines([{"id": LONG, "score": 1}] * 2), ("bad.jsonl:2: id", "on line 1")),
    "id as text and number": (
        fifth(id=7) + b'{"id": "7", "score": 1}\n',
        ("bad.jsonl:41: id", '"7"', "on line 5"),
    ),
    "id of 5000 digits": (b'{"id": 1' + b"0" * 5000 + b"}\n", ("bad.jsonl:1", "4300 digits")),
    "key twice": (b'{"id": "a", "score": 0, "score": 1}\n', ("bad.jsonl:1", "'score'", "twice")),
    "NaN": (fifth(score=float("nan")), ("bad.jsonl:5: score", "NaN", "between 0 and 1")),
    "NaN as text": (fifth(score="NaN"), ("bad.jsonl:5: score", '"NaN"', "not a number")),
    "null": (fifth(score=None), ("bad.jsonl:5: score", "null", "not a number")),
    "infinity": (fifth(score=float("inf")), ("bad.jsonl:5: score", "Infinity", "between 0 and 1")),
    "minus infinity": (fifth(score=-float("inf")), ("bad.jsonl:5: score", "-Infinity")),
    "percent": (fifth(score=87), ("bad.jsonl:5: score", "87", "between 0 and 1")),
    "below zero": (fifth(score=-0.25), ("bad.jsonl:5: score", "-0.25", "between 0 and 1")),
    "number as text": (fifth(score="0.5"), ("bad.jsonl:5: score", '"0.5"', "not a number")),
    "score in an object": (fifth(score={"value": 1}), ("bad.jsonl:5: score", "not a number")),
    "cluster as a list": (fifth(cluster=["a"]), ("bad.jsonl:5: cluster", '["a"]')),
    "empty": (b"", ("bad.jsonl: ", "holds no scores", "expected a line like")),
    "blank lines": (b"\n\n  \n", ("bad.jsonl: ", "holds no scores")),
    "garbage": (bytes(range(1, 256)) * 9, ("bad.jsonl:1: ", "malformed JSON")),
    "zeros": (bytes(4096), ("bad.jsonl: ", "not UTF-8")),
    "gzip": (gzip.compress(GOOD, mtime=0), ("bad.jsonl", "not UTF-8")),
    "UTF-16": (GOOD_TEXT.encode("utf-16"), ("bad.jsonl: ", "UTF-16", "save it as UTF-8")),
    "UTF-16 without a mark": (GOOD_TEXT.encode("utf-16-le"), ("bad.jsonl: ", "UTF-16")),
    "UTF-16, one line": (b'{"id": "a"}'.decode().encode("utf-16-be"), ("bad.jsonl: ", "UTF-16")),
    "UTF-32": (GOOD_TEXT.encode("utf-32"), ("bad.jsonl: ", "UTF-32")),
    "Latin-1": (fifth(id="e").replace(b'"e"', b'"\xe9"'), ("bad.jsonl:5", "not UTF-8")),
    "half a surrogate": (b'{"id": "\xed\xa0\x80", "score": 1}\n', ("bad.jsonl:1", "not UTF-8")),
    "cut short": (GOOD[:-12], ("bad.jsonl:40", "column 15", "cut short")),
    "cut within a line": (GOOD.replace(b': 1}\n{"id": "c6"', b'\n{"id": "c6"'), ("bad.jsonl:6",)),
    "CSV": (b"id,score\nc1,1\n", ("bad.jsonl:1", "malformed JSON", "expected a line like")),
    "one JSON list": (json.dumps(ROWS).encode(), ("bad.jsonl:1", "list where an object belongs")),
    "pretty JSON": (json.dumps(ROWS, indent=1).encode(), ("bad.jsonl:1", "malformed JSON")),
    "a long line": (LONG.encode(), ("bad.jsonl:1", "malformed JSON at column 1")),
    "a long line cut short": (
        b'{"id": "a", "note": "' + LONG.encode(),
        ("bad.jsonl:1", "column 21", "cut short"),
    ),
    "nested without end": (DEEP, ("bad.jsonl:1", "nested too deeply")),
    "other cases": (
        lines([{"id": f"d{n}", "score": 1} for n in range(30)]),
        ("bad.jsonl: id", "share no case", "40, the first is 'c0'", "30, the first is 'd0'"),
    ),
    "other cases, long ids": (lines([{"id": LONG, "score": 1}]), ("bad.jsonl: id", "xxx…'")),
    "less than half the cases": (
        lines([{"id": f"c{n}", "score": 1} for n in range(21, 61)]),
        ("only 19 of 40 cases", "at least half"),
    ),
    "errors alone": (
        lines([{"id": row["id"], "error": "timeout"} for row in ROWS]),
        ("none of the 40 shared cases has a score",),
    ),
    "three clusters": (
        lines([row | {"cluster": f"k{n % 3}"} for n, row in enumerate(ROWS)]),
        ("only 3 clusters", "at least 10"),
    ),
}


@pytest.mark.parametrize(("content", "expected"), FILES.values(), ids=FILES)
def test_a_damaged_file_of_scores_is_one_error_of_compare(
    content: bytes, expected: tuple[str, ...], tunegate: CommandLine
) -> None:
    Path("good.jsonl").write_bytes(GOOD)
    Path("bad.jsonl").write_bytes(content)
    before = contents()
    refused(tunegate("compare", "good.jsonl", "bad.jsonl", "--margin", "0.1"), *expected)
    told = tunegate("compare", "bad.jsonl", "good.jsonl", "--json", "--markdown", "x.md")
    assert told.code == told.document["error"]["exit_code"] == 2
    assert contents() == before


def test_two_empty_files_are_refused_by_the_first(tunegate: CommandLine) -> None:
    Path("a.jsonl").touch()
    Path("b.jsonl").touch()
    refused(tunegate("compare", "a.jsonl", "b.jsonl"), "a.jsonl: ", "holds no scores")


def test_contradicting_clusters_name_the_case_and_both_files(tunegate: CommandLine) -> None:
    Path("a.jsonl").write_bytes(lines([row | {"cluster": row["id"]} for row in ROWS]))
    Path("b.jsonl").write_bytes(fifth(cluster=LONG))
    told = tunegate("compare", "a.jsonl", "b.jsonl")
    refused(told, "b.jsonl: cluster", "'c4'", "in 'c4' according to a.jsonl", "one cluster")


def test_half_of_the_cases_are_compared_and_the_others_are_counted(tunegate: CommandLine) -> None:
    Path("a.jsonl").write_bytes(GOOD)
    other = [{"id": f"c{n}", "score": 1} for n in range(20, 59)] + [{"id": LONG, "score": 1}]
    Path("b.jsonl").write_bytes(lines(other))
    told = tunegate("compare", "a.jsonl", "b.jsonl")
    assert told.code == 0
    assert "on 20 cases" in told.out
    assert "only in A: 20 cases (c0, c1, c2, c3, c4, ...)" in told.out
    assert "only in B: 20 cases" in told.out
    Path("b.jsonl").write_bytes(lines([*ROWS, {"id": LONG, "score": 1}]))
    assert max(map(len, tunegate("compare", "a.jsonl", "b.jsonl").out.splitlines())) < 300


@pytest.mark.parametrize(
    "content", [b"\xef\xbb\xbf" + GOOD, GOOD.replace(b"\n", b"\r\n"), GOOD[:-1]]
)
def test_a_mark_of_utf8_other_line_ends_and_no_last_one_are_no_damage(
    content: bytes, tunegate: CommandLine
) -> None:
    Path("a.jsonl").write_bytes(GOOD)
    Path("b.jsonl").write_bytes(content)
    told = tunegate("compare", "a.jsonl", "b.jsonl", "--json")
    assert (told.code, told.document["ties"]) == (0, 40)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("folder.jsonl", "good.jsonl"), ("folder.jsonl", "Is a directory", "JSONL file")),
        (("folder", "good.jsonl"), ("'folder'", "two JSONL files")),
        (("./folder", "good.jsonl"), ("folder", "Is a directory")),
        (("good.jsonl", "none.jsonl"), ("none.jsonl", "No such file")),
        (("good.jsonl", "./none"), ("none", "No such file")),
        (("good.jsonl", "none"), ("'none'", "two stored runs")),
        (("good.jsonl", "-"), ("'-'", "two JSONL files")),
        (("good.jsonl", ""), ("argument B", "an empty value")),
        (("good.jsonl", "/dev/null"), ("/dev/null", "holds no scores")),
        (("good.jsonl", "shut.jsonl"), ("shut.jsonl", "Permission denied")),
    ],
)
def test_what_is_no_file_of_scores_is_named(
    names: tuple[str, str], expected: tuple[str, ...], tunegate: CommandLine
) -> None:
    Path("good.jsonl").write_bytes(GOOD)
    Path("shut.jsonl").write_bytes(GOOD)
    Path("shut.jsonl").chmod(0)
    if "shut.jsonl" in names and os.access("shut.jsonl", os.R_OK):
        pytest.skip("whoever runs this may read everything")
    Path("folder").mkdir()
    Path("folder.jsonl").mkdir()
    refused(tunegate("compare", *names), *expected)


@pytest.mark.parametrize("name", ["scores", "scores.jsonl"])
@pytest.mark.parametrize(("content", "code"), [(GOOD, 0), (GOOD[:-12], 2)])
def test_a_pipe_is_read_like_a_file(
    name: str, content: bytes, code: int, tunegate: CommandLine
) -> None:
    Path("good.jsonl").write_bytes(GOOD)
    os.mkfifo(name)
    writer = threading.Thread(target=Path(name).write_bytes, args=(content,), daemon=True)
    writer.start()
    told = tunegate("compare", "good.jsonl", name)
    writer.join(10)
    assert told.code == code
    assert code == 0 or refused(told, f"{name}:40", "cut short")


# --- compare and gate: stored runs -----------------------------------------------------------


@pytest.fixture(scope="module")
def searched_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which seven prompts were tried and the gate said `more_cases`."""
    folder = tmp_path_factory.mktemp("searched")
    write_model(folder / "model.json", [*undecided_rules(prompt_contains=" train"), *KNOWN])
    write_suite(folder / "tickets", extra=ROUNDS)
    assert call_in(folder, "run", "tickets", *MODEL, "--no-tune").code == 3
    return folder


@pytest.fixture
def runs(searched_once: Path, tunegate: CommandLine) -> list[str]:
    """The ids of the stored runs, in a copy of that folder to work in."""
    shutil.copytree(searched_once, Path(), dirs_exist_ok=True)
    return [run["id"] for run in tunegate("runs", "--json").document]


def edit(statement: str, *values: object) -> None:
    db = sqlite3.connect(LEDGER)
    changed = db.execute(statement, values).rowcount
    db.commit()
    db.close()
    assert changed != 0


SET = "update results set body = json_set(body, {}) where run = ?1 and position = 3"
STORED: dict[str, tuple[str, tuple[str, ...]]] = {
    "result not JSON": (
        "update results set body = '{' where run = ?1 and position = 3",
        (", result 4", "CaseResult is damaged", "restore a copy"),
    ),
    "result of bytes": (
        "update results set body = x'fffe00' where run = ?1 and position = 3",
        (", result 4", "CaseResult is damaged"),
    ),
    "score as text": (SET.format("'$.scores.accuracy.value', '1'"), (", result 4", "float")),
    "score NaN": (
        "update results set body = replace(body, '\"value\":1.0', '\"value\":NaN') where run = ?1",
        ("has a score outside 0 to 1: accuracy",),
    ),
    "score of 7": (SET.format("'$.scores.accuracy.value', 7.0"), ("dev-0003", "outside 0 to 1")),
    "no score": (SET.format("'$.scores', json('{}')"), ("dev-0003", "no score accuracy")),
    "case twice": (SET.format("'$.case_id', 'dev-0001'"), ("two results of one case",)),
    "a case lost": ("delete from results where run = ?1 and position = 3", ("59 of its 60",)),
    "the last case lost": ("delete from results where run = ?1 and position = 59", ("59 of its",)),
    "all cases lost": ("delete from results where run = ?1", ("0 of its 60 results",)),
    "run not JSON": ("update runs set body = 'x' where id = ?1", ("Run is damaged",)),
    "run of another id": (
        "update runs set body = json_set(body, '$.id', 'other') where id = ?1",
        ("calls itself other",),
    ),
    "run of a later format": (
        "update runs set body = json_set(body, '$.format', 2) where id = ?1",
        ("has format 2", "use the tunegate version that wrote it"),
    ),
    "another metric": (
        "update runs set body = json_set(body, '$.primary', 'speed') where id = ?1",
        ("no score speed",),
    ),
}


@pytest.mark.parametrize(("statement", "expected"), STORED.values(), ids=STORED)
def test_a_damaged_run_is_one_error_of_gate_and_compare(
    statement: str, expected: tuple[str, ...], runs: list[str], tunegate: CommandLine
) -> None:
    edit(statement, runs[0])
    before = contents()
    where = f"{LEDGER}: run {runs[0]}"
    refused(tunegate("gate", "tickets", *MODEL), where, *expected)
    refused(tunegate("compare", runs[0], runs[1]), where, *expected)
    refused(tunegate("compare", runs[1], runs[0]), where, *expected)
    assert tunegate("compare", runs[1], runs[2]).code == 0  # the others are still there
    assert contents() == before


@pytest.mark.parametrize(
    ("statement", "expected", "code"),
    [
        ("update meta set value = '2'", ("format 2", "reads format 1"), 2),
        ("update meta set value = 'new'", ("format new", "reads format 1"), 2),
        ("drop table results", ("no such table: results", "restore a copy"), 2),
        ("alter table runs rename column body to b", ("no such column", "restore a copy"), 2),
    ],
)
def test_a_ledger_of_another_make_is_one_error_of_gate_and_compare(
    statement: str, expected: tuple[str, ...], code: int, runs: list[str], tunegate: CommandLine
) -> None:
    edit(statement)
    before = contents()
    for command in (("gate", "tickets", *MODEL), ("compare", runs[0], runs[1])):
        refused(tunegate(*command), str(LEDGER), *expected, code=code)
    assert contents() == before


def test_what_older_versions_stored_without_a_count_is_read(
    runs: list[str], tunegate: CommandLine
) -> None:
    said = tunegate("gate", "tickets", *MODEL, "--json").document
    edit("update runs set body = json_remove(body, '$.results_kept')")
    assert tunegate("gate", "tickets", *MODEL, "--json").document == said
    edit("delete from results where run = ?1 and position = 3", runs[0])
    refused(tunegate("gate", "tickets", *MODEL), "59 of its 60 results")


def test_stored_checks_that_cannot_be_read_are_named(
    runs: list[str], tunegate: CommandLine
) -> None:
    edit("update documents set body = '{}' where kind = 'checks'")
    refused(tunegate("gate", "tickets", *MODEL), f"{LEDGER}: checks ", "StoredChecks is damaged")
    assert tunegate("compare", runs[0], runs[1]).code == 0


def test_runs_scored_otherwise_or_of_other_cases_are_refused(
    runs: list[str], tunegate: CommandLine
) -> None:
    edit(
        "update runs set body = json_set(body, '$.scoring_fingerprint', 'f') where id = ?1", runs[0]
    )
    told = tunegate("compare", runs[0], runs[1])
    refused(told, runs[0], runs[1], "scored differently", "--rescore")
    edit(
        "update results set body = json_set(body, '$.case_id', 'new-' || position) where run = ?1",
        runs[2],
    )
    told = tunegate("compare", runs[1], runs[2])
    refused(told, "share no case", "'dev-0000'", "'new-0'", "paired by id")
    decision = tunegate("gate", "tickets", *MODEL, "--json").document
    assert decision["verdict"] == "prompt_more"
    assert "2 declared candidates were not tried: 'terse', 'polite'" in decision["sentence"]


BESIDE: dict[str, tuple[str, bytes, tuple[str, ...]]] = {
    "audit: other keys": ("audit.jsonl", b"{}\n{}\n", ("audit.jsonl:1", "case_id", "restore")),
    "audit: bytes": ("audit.jsonl", bytes(range(256)), ("audit.jsonl", "UTF-8", "restore")),
    "audit: UTF-16": ("audit.jsonl", "{}\n".encode("utf-16"), ("audit.jsonl", "UTF-8", "restore")),
    "audit: depth": ("audit.jsonl", DEEP + b"\n", ("audit.jsonl:1", "recursion")),
    "cases: id twice": ("dev.jsonl", b'{"id": "a", "input": {}}\n' * 2, ("dev.jsonl:", "a")),
    "cases: UTF-16": ("dev.jsonl", "{}\n".encode("utf-16"), ("dev.jsonl:1", "UTF-8")),
    "cases: empty": ("dev.jsonl", b"", ("dev", "no cases")),
    "manifest: bytes": ("suite.yaml", bytes(range(256)), ("suite.yaml", "UTF-8")),
    "prompt: bytes": ("prompts/terse.j2", bytes(range(256)), ("terse.j2", "UTF-8")),
}


@pytest.mark.parametrize(("name", "content", "expected"), BESIDE.values(), ids=BESIDE)
@pytest.mark.usefixtures("runs")
def test_a_damaged_file_of_the_suite_is_one_error_of_gate(
    name: str, content: bytes, expected: tuple[str, ...], tunegate: CommandLine
) -> None:
    Path("tickets", name).write_bytes(content)
    before = contents()
    refused(tunegate("gate", "tickets", *MODEL), *expected)
    assert contents() == before


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"{}\n", ("looks.jsonl:1", "split", "restore the file")),
        (bytes(range(256)), ("looks.jsonl: not UTF-8", "restore the file")),
        ('{"split": "a"}\n'.encode("utf-16"), ("looks.jsonl: not UTF-8", "restore the file")),
    ],
)
def test_a_damaged_count_of_looks_stops_the_next_look_and_not_the_gate(
    content: bytes, expected: tuple[str, ...], tunegate: CommandLine
) -> None:
    Path("tickets/looks.jsonl").write_bytes(content)
    assert tunegate("gate", "tickets", *MODEL).code == 3  # it judges on dev, which costs no look
    told = tunegate("eval", "tickets", *MODEL, "--split", "test")
    refused(told._replace(err=told.err.splitlines()[-1]), *expected)
    assert Path("tickets/looks.jsonl").read_bytes() == content
    assert {run["split"] for run in tunegate("runs", "--json").document} == {"dev"}
