from __future__ import annotations

import json

import pytest

from evals.errors import RecordError
from evals.looks import look_number, read_looks, take_look
from evals.records import Case


def split(first: int, last: int) -> list[Case]:
    return [Case(f"t{n}", {"text": f"question {n}"}, "a", "a", "test") for n in range(first, last)]


SPLIT = split(0, 20)


def look(path, cases, subject):
    return take_look(path, cases, subject, purpose="p", when="t")


def test_each_new_pair_is_a_new_look_and_the_same_pair_is_not(tmp_path):
    path = tmp_path / "looks.jsonl"
    assert [look(path, SPLIT, subject) for subject in "abacb"] == [1, 2, 1, 3, 2]
    assert len(read_looks(path)) == 3


def test_a_split_that_grew_or_shrank_goes_on_with_the_count(tmp_path):
    path = tmp_path / "looks.jsonl"
    assert look(path, SPLIT, "a") == 1
    assert look(path, split(0, 2000), "a") == 2  # the same pair, on cases not seen before
    assert look_number(path, split(0, 12), "b") == 2  # the larger one has gone
    assert look_number(path, split(0, 1500), "b") == 3
    assert look_number(path, SPLIT, "a") == 1  # nothing new is seen


def test_a_split_of_mostly_other_cases_starts_a_new_count(tmp_path):
    path = tmp_path / "looks.jsonl"
    look(path, SPLIT, "a")
    assert look_number(path, split(10, 40), "b") == 2
    assert look_number(path, split(11, 40), "b") == 1


def test_the_cases_are_written_once_and_older_lines_without_them_are_read(tmp_path):
    path = tmp_path / "looks.jsonl"
    look(path, SPLIT, "a")
    look(path, SPLIT, "b")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [len(line.get("cases", [])) for line in lines] == [20, 0]
    path.write_text("".join(json.dumps({**line, "cases": []}) + "\n" for line in lines))
    assert look_number(path, SPLIT, "c") == 3
    look(path, SPLIT, "c")
    assert look_number(path, split(0, 2000), "d") == 4


def test_a_damaged_count_is_refused_and_never_started_anew(tmp_path):
    path = tmp_path / "looks.jsonl"
    look(path, SPLIT, "a")
    path.write_text(path.read_text() + "{oops\n")
    with pytest.raises(RecordError, match=r"looks\.jsonl:2: not a look"):
        look_number(path, SPLIT, "b")
