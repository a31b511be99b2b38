from __future__ import annotations

import json
from dataclasses import replace

import pytest

from evals.errors import RecordError
from evals.looks import look_number, read_looks, split_fingerprint, take_look
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
    assert look_number(path, split(0, 12), "b") == 3
    assert look_number(path, split(0, 12), "a") == 3  # the same pair, on fewer cases
    assert look_number(path, split(0, 5), "a") == 3  # far fewer, all of them seen
    assert look_number(path, split(0, 1500), "b") == 3
    assert look_number(path, SPLIT, "a") == 1  # nothing new is seen


def test_a_split_of_mostly_other_cases_starts_a_new_count(tmp_path):
    path = tmp_path / "looks.jsonl"
    look(path, SPLIT, "a")
    assert look_number(path, split(10, 40), "b") == 2
    assert look_number(path, split(11, 40), "b") == 1
    assert look_number(path, split(11, 29), "b") == 2  # half of its own were seen


@pytest.mark.parametrize(
    "names", [{"id": "other"}, {"cluster": "k"}, {"tags": {"slice": "new"}}, {"must_pass": True}]
)
def test_other_names_for_the_same_cases_are_no_other_cases(names, tmp_path):
    path = tmp_path / "looks.jsonl"
    look(path, SPLIT, "a")
    renamed = [replace(case, **names | {"line": 7}) for case in SPLIT]
    assert look_number(path, renamed, "a") == 1
    assert look(path, renamed, "b") == 2
    assert look_number(path, SPLIT * 2, "a") == 3  # each case twice is another set


def test_mending_one_case_in_a_hundred_is_the_same_look_and_more_is_not(tmp_path):
    path = tmp_path / "looks.jsonl"
    whole = split(0, 200)
    look(path, whole, "a")
    mended = [replace(case, expected="b") for case in whole[:2]] + whole[2:]
    for same in (mended, whole[2:], split(0, 202), split(2, 202)):
        assert look(path, same, "a") == 1
        assert look_number(path, same, "b") == 2
    assert len(read_looks(path)) == 1
    # Little by little is much: what counts is the distance from the look that was written.
    assert look(path, [replace(case, expected="b") for case in whole[:3]] + whole[3:], "a") == 2
    assert look(path, whole[3:], "a") == 3


def test_one_label_of_a_small_split_can_be_mended_and_two_cannot(tmp_path):
    path = tmp_path / "looks.jsonl"
    look(path, SPLIT, "a")
    mended = [replace(case, expected="b") for case in SPLIT]
    assert look_number(path, [*mended[:1], *SPLIT[1:]], "a") == 1
    assert look_number(path, [*mended[:2], *SPLIT[2:]], "a") == 2
    few = split(100, 119)
    assert look(path, few, "a") == 1
    assert look_number(path, [replace(few[0], expected="b"), *few[1:]], "a") == 2


def test_a_look_of_the_older_form_counts_whatever_it_was_at(tmp_path):
    path = tmp_path / "looks.jsonl"
    older = {"split": split_fingerprint(SPLIT), "subject": "a", "purpose": "p", "when": "t"}
    path.write_text(json.dumps(older | {"cases": ["0123"]}) + "\n")
    assert look_number(path, SPLIT, "a") == 1
    assert look_number(path, SPLIT, "b") == 2
    assert look_number(path, split(500, 900), "a") == 2


def test_a_look_is_added_on_a_line_of_its_own_whatever_the_last_one_lacks(tmp_path):
    path = tmp_path / "looks.jsonl"
    look(path, SPLIT, "a")
    path.write_text(path.read_text().rstrip("\n"))
    assert look(path, SPLIT, "b") == 2
    assert look(path, SPLIT, "c") == 3
    assert len(path.read_text().splitlines()) == 3


def test_a_look_that_cannot_be_written_whole_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "looks.jsonl"
    look(path, SPLIT, "a")
    before = path.read_bytes()

    def full(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("evals.looks.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        look(path, SPLIT, "b")
    assert path.read_bytes() == before


def test_a_folder_in_the_files_place_is_one_clear_error(tmp_path):
    with pytest.raises(RecordError, match="expected a file, found a folder"):
        look(tmp_path, SPLIT, "a")


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
    path.write_text("".join(json.dumps({**line, "cases": []}) + "\n" for line in lines))
    assert look_number(path, split(5000, 6000), "d") == 3  # nobody knows, so they count


def test_a_damaged_count_is_refused_and_never_started_anew(tmp_path):
    path = tmp_path / "looks.jsonl"
    look(path, SPLIT, "a")
    path.write_text(path.read_text() + "{oops\n")
    with pytest.raises(RecordError, match=r"looks\.jsonl:2: not a look"):
        look_number(path, SPLIT, "b")


def among(path, subject, *several):
    return take_look(path, SPLIT, subject, purpose="p", when="t", among=several)


def test_picking_from_what_was_seen_side_by_side_counts_for_what_may_be_picked(tmp_path):
    path = tmp_path / "looks.jsonl"
    assert among(path, "all", "a", "b", "c") == 1
    assert among(path, "all", "a", "b", "c") == 1
    assert look_number(path, SPLIT, "z") == 2  # something else was not seen beside them
    assert look(path, SPLIT, "b") == 4
    assert look(path, SPLIT, "b") == 4
    assert among(path, "two", "a", "c") == 5
    assert among(path, "more", "a", "b", "c", "d") == 4  # all of them again: nothing is picked


@pytest.mark.parametrize(("seen", "number"), [(2, 3), (3, 4), (4, 4), (5, 5), (20, 7)])
def test_whichever_is_picked_costs_no_more_than_one_look_that_knew_nothing(seen, number, tmp_path):
    path = tmp_path / "looks.jsonl"
    names = [f"s{n}" for n in range(seen)]
    among(path, "all", *names)
    assert look(path, SPLIT, "s0") == number
    assert seen * 0.5**number <= 0.5**2


def test_an_unrelated_split_knows_nothing_of_what_was_seen_side_by_side(tmp_path):
    path = tmp_path / "looks.jsonl"
    among(path, "all", "a", "b", "c")
    assert take_look(path, split(500, 600), "a", purpose="p", when="t") == 1
