"""Word-level differences give each text back whole and mark only what differs."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.differences import MOST_WORDS, Difference, Piece, compare_texts

TEXTS = st.text(alphabet="ab cd\n.,\u00e9", max_size=60)


def marked(difference: Difference) -> tuple[str, str]:
    def show(pieces: tuple[Piece, ...]) -> str:
        return "".join(p.text if p.part == "same" else f"[{p.text}]" for p in pieces)

    return show(difference.before), show(difference.after)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("same words", "same words", ("same words", "same words")),
        ("a b c", "a x c", ("a [b] c", "a [x] c")),
        ("", "new", ("", "[new]")),
        ("gone", "", ("[gone]", "")),
        ("COUNT WHERE a = 1", "COUNT WHERE a > 1", ("COUNT WHERE a [=] 1", "COUNT WHERE a [>] 1")),
        ("a  b", "a\nb", ("a  b", "a\nb")),
        ("one two three", "three", ("[one two] three", "three")),
        ("x y", "p q", ("[x y]", "[p q]")),
    ],
)
def test_what_differs_is_marked(before: str, after: str, expected: tuple[str, str]) -> None:
    assert marked(compare_texts(before, after)) == expected


@given(TEXTS, TEXTS)
def test_joined_pieces_give_each_text_back(before: str, after: str) -> None:
    found = compare_texts(before, after)
    assert "".join(p.text for p in found.before) == before
    assert "".join(p.text for p in found.after) == after


@given(TEXTS, TEXTS)
def test_the_unmarked_words_are_the_same_on_both_sides(before: str, after: str) -> None:
    found = compare_texts(before, after)
    kept = [
        "".join("".join(p.text for p in side if p.part == "same").split())
        for side in (found.before, found.after)
    ]
    assert kept[0] == kept[1]


@given(TEXTS)
def test_a_text_never_differs_from_itself(text: str) -> None:
    assert all(p.part == "same" for side in compare_texts(text, text) for p in side)


def test_texts_too_long_to_compare_count_as_replaced_whole() -> None:
    many = MOST_WORDS // 2 + 1
    found = compare_texts("same " + "a b " * many + "end", "same " + "b a " * many + "end")
    assert [p.part for p in found.before] == ["same", "removed", "same"]
    assert [p.part for p in found.after] == ["same", "added", "same"]


def test_the_worst_texts_take_bounded_time() -> None:
    started = time.process_time()
    compare_texts("a b " * 20_000, "b a " * 20_000)
    compare_texts("ab " * 290, "a b " * 150)
    assert time.process_time() - started < 5
