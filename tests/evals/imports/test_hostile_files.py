"""Real files with something wrong in them: a result or one deliberate error, never a crash."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest

from evals.codec import encode
from evals.errors import MissingExtraError, RecordError, TunegateError
from evals.imports import read_results, run_of_name
from evals.imports.archive import Archive
from tests.evals.imports.result_files import (
    CHOICE,
    FAILING,
    FILES,
    LETTERS,
    PROMPTFOO_REPEATED,
    QA,
    REPEATED,
    lines,
    write_lines,
)

VALUES: tuple[Any, ...] = (
    *(None, True, -1, 10**30, 1e308, float("nan"), float("inf"), "", "\ud800\x00\x1b", "x" * 300),
    *([], {}, [None], {"a": None}, [[[[]]]], "attachment://", {"id": 7}, [{"value": 1}], "C"),
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every container of a document with each of its keys or positions."""
    found: list[tuple[Any, Any]] = []
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            found += [(value, key), *places(value[key])]
    return found


def damage(document: Any, random: Random) -> None:
    for _ in range(random.choice((1, 1, 3))):
        container, key = random.choice(places(document))
        if random.random() < 0.2:
            del container[key]
        else:
            container[key] = random.choice(VALUES)
        if not places(document):
            return


@pytest.mark.parametrize(
    "source", [LETTERS, FAILING, REPEATED, PROMPTFOO_REPEATED, QA, CHOICE], ids=lambda p: p.name
)
def test_values_of_any_kind_in_any_place_end_in_runs_or_in_one_deliberate_error(
    tmp_path: Path, source: Path
) -> None:
    random, path = Random(11), tmp_path / source.name
    imported, errors = 0, list[str]()
    for _ in range(300):
        if source.suffix == ".jsonl":
            rows = lines(source)
            damage(rows[random.randrange(len(rows))], random)
            write_lines(path, rows)
        else:
            document = json.loads(source.read_text())
            damage(document, random)
            path.write_text(json.dumps(document))
        try:
            for results in read_results(path):
                made = run_of_name(results, "demo", path)
                values = made.run.values().values()
                assert all(0 <= value <= 1 for value in values)
                assert len(values) + len(made.run.errors) == len(made.run.results)
                encode(made.run)
                encode(made.cases)
                imported += 1
        except TunegateError as error:
            errors.append(str(error))
    assert imported > 30
    assert len(errors) > 10
    assert [text for text in errors if str(path) not in text] == []


def test_a_member_packed_with_zstandard_is_bounded_and_checked(tmp_path: Path) -> None:
    """Python before 3.14 cannot write such members, so real ones are changed."""
    real = next(FILES.glob("*.eval"))
    whole = real.read_bytes()
    with Archive(real) as archive:
        names = archive.names
        assert json.loads(archive.text("header.json"))
    damaged = 0
    for at in range(40, len(whole) - 200, len(whole) // 60):
        path = tmp_path / "log.eval"
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        try:
            with Archive(path) as archive:
                for name in names:
                    archive.text(name)
        except (RecordError, KeyError):
            damaged += 1
    assert damaged > 20


def test_a_log_says_what_to_install_where_zstandard_is_missing(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with Archive(next(FILES.glob("*.eval"))) as archive, pytest.raises(MissingExtraError) as caught:
        archive.text("header.json")
    assert "tunegate[inspect]" in str(caught.value)


def test_what_unpacks_to_more_than_is_allowed_is_refused(monkeypatch) -> None:
    monkeypatch.setattr("evals.imports.archive.MAX_MEMBER_BYTES", 100)
    real = next(FILES.glob("*.eval"))
    with Archive(real) as archive, pytest.raises(RecordError, match="more than 100"):
        archive.text("header.json")
