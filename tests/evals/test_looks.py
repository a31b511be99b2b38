from __future__ import annotations

import pytest

from evals.errors import RecordError
from evals.looks import look_number, read_looks, take_look


def test_each_new_pair_is_a_new_look_and_the_same_pair_is_not(tmp_path):
    path = tmp_path / "looks.jsonl"
    numbers = [take_look(path, "s", subject, purpose="p", when="t") for subject in "abacb"]
    assert numbers == [1, 2, 1, 3, 2]
    assert len(read_looks(path)) == 3


def test_a_changed_split_starts_a_new_count(tmp_path):
    path = tmp_path / "looks.jsonl"
    take_look(path, "old", "a", purpose="p", when="t")
    assert look_number(path, "new", "b") == 1


def test_a_damaged_count_is_refused_and_never_started_anew(tmp_path):
    path = tmp_path / "looks.jsonl"
    take_look(path, "s", "a", purpose="p", when="t")
    path.write_text(path.read_text() + "{oops\n")
    with pytest.raises(RecordError, match=r"looks\.jsonl:2: not a look"):
        look_number(path, "s", "b")
