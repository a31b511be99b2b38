"""What generators of cases share: passages are found, and of the made cases the right are kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.suite.made_cases import Made, Row, choose, letter_runs, read_handwritten, write_cases

MINT = "The kettle in the north hall whistles at noon and wakes the sleeping cat."
FAR = "Eleven ships of salt left harbour before anybody counted their sails twice."
OTHER = "Please forward my invoice to the new address of the accounts department."


def test_case_and_what_stands_between_do_not_count() -> None:
    assert letter_runs("Ab-c d", 3) == {"abc", "bcd"}
    assert letter_runs("ab", 3) == set()


@given(st.text(max_size=30), st.text("abcdef", min_size=8, max_size=12), st.text(max_size=30))
def test_texts_with_a_common_passage_share_a_run(before: str, passage: str, after: str) -> None:
    assert letter_runs(before + passage, 8) & letter_runs(f"{passage.upper()}!{after}", 8)


def made(split: str, name: str, text: str, source: str = "generated") -> Made:
    return split, {"id": name, "text": text, "tags": {"source": source}}


def chosen(*rows: Made, length: int = 30, **wanted: int) -> dict[str, list[str]]:
    found = choose(
        rows,
        {(split, ""): count for split, count in wanted.items()},
        kind_of=lambda _: "",
        texts_of=lambda row: [row["text"]],
        near=0.8,
        passages_of=lambda row: letter_runs(row["text"], length),
    )
    return {split: [row["id"] for row in kept] for split, kept in found.items()}


def test_as_many_as_are_wanted_are_kept_and_all_written_by_hand() -> None:
    rows = (
        made("dev", "h", MINT, "handwritten"),
        made("dev", "g1", FAR),
        made("dev", "g2", OTHER),
    )
    assert chosen(*rows, dev=1) == {"dev": ["h", "g1"]}
    assert chosen(*rows, dev=0) == {"dev": ["h"]}


def test_a_generated_case_that_reads_like_an_earlier_kept_one_is_left_out() -> None:
    near = MINT.replace("noon", "dawn")
    assert chosen(made("dev", "a", MINT), made("dev", "b", near), made("dev", "c", FAR), dev=2) == {
        "dev": ["a", "c"]
    }
    kept = chosen(made("dev", "a", MINT), made("dev", "h", near, "handwritten"), dev=1)
    assert kept == {"dev": ["a", "h"]}


def test_what_read_like_a_case_that_was_not_kept_may_stay() -> None:
    rows = made("dev", "a", FAR), made("dev", "b", MINT), made("train", "c", MINT)
    assert chosen(*rows, dev=1, train=1) == {"dev": ["a"], "train": ["c"]}


def test_train_shares_no_passage_with_the_splits_that_judge() -> None:
    lent = f"{OTHER} Besides, we hear that the kettle in the north hall whistles loudly."
    rows = made("dev", "a", MINT), made("train", "b", lent), made("train", "c", FAR)
    assert chosen(*rows, dev=1, train=1) == {"dev": ["a"], "train": ["c"]}
    by_hand = made("dev", "a", MINT), made("train", "b", lent, "handwritten")
    with pytest.raises(SystemExit, match="b shares a passage with dev or test"):
        chosen(*by_hand, dev=1, train=0)
    assert chosen(*by_hand, dev=1, train=0, length=60) == {"dev": ["a"], "train": ["b"]}


def test_too_few_cases_say_what_is_missing() -> None:
    with pytest.raises(SystemExit, match=r"\('dev', ''\): 2"):
        chosen(made("dev", "a", MINT), dev=3)


def test_handwritten_cases_are_numbered_within_their_split(tmp_path: Path) -> None:
    path = tmp_path / "handwritten.jsonl"
    entries = [{"split": "dev", "text": "a"}, {"split": "test", "text": "b"}]
    path.write_text("".join(json.dumps(one) + "\n" for one in [*entries, entries[0]]))
    assert list(read_handwritten(path)) == [
        ("dev", "h001", {"text": "a"}),
        ("test", "h001", {"text": "b"}),
        ("dev", "h002", {"text": "a"}),
    ]


def test_files_hold_one_case_a_line_as_it_was_written(tmp_path: Path) -> None:
    rows: list[Row] = [{"id": "a", "text": "Grüße"}, {"id": "b"}]
    write_cases(tmp_path, {"dev": rows})
    assert (
        tmp_path / "dev.jsonl"
    ).read_bytes() == '{"id": "a", "text": "Grüße"}\n{"id": "b"}\n'.encode()
