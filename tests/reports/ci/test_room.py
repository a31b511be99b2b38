"""Whole entries within a bound, what is left out counted, and rank before reading order."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from reports.ci.room import Block, fit, fit_all

ENTRIES = tuple(f"- entry {n}\n" for n in range(10))
LIST = Block("Head\n\n", ENTRIES, "End\n")


def test_what_fits_is_whole() -> None:
    assert fit(LIST, 10_000) == "Head\n\n" + "".join(ENTRIES) + "End\n"


def test_the_last_entries_are_left_out_and_counted() -> None:
    text = fit(LIST, 80)
    assert text == "Head\n\n" + "".join(ENTRIES[:4]) + "\n_Left out here: 6 entries._\nEnd\n"
    assert len(text) == 79


def test_entries_that_were_never_offered_are_counted_too() -> None:
    assert "_Left out here: 5 cases._" in fit(
        Block("", ENTRIES, noun="case", nouns="cases", hidden=5), 999
    )


def test_an_entry_that_never_fits_leaves_the_head_and_the_count() -> None:
    assert fit(Block("Head\n", ("x" * 100,)), 50) == "Head\n\n_Left out here: 1 entry._\n"
    assert fit(LIST, 5) == ""


def test_a_low_rank_has_room_first_and_reading_order_stays() -> None:
    early, late = Block("x" * 99 + "\n", rank=9), Block("y" * 59 + "\n", rank=0)
    note = "\n_Left out here for want of room: 1 part._\n"
    assert fit_all([early, late], 150) == late.head + note
    assert fit_all([early, late], 160) == early.head + late.head


blocks = st.lists(
    st.builds(
        Block,
        head=st.text("a\n", max_size=30),
        entries=st.lists(st.text("b", min_size=1, max_size=40), max_size=8).map(tuple),
        tail=st.text("c", max_size=10),
        hidden=st.integers(0, 5),
        rank=st.integers(0, 3),
    ),
    max_size=6,
)


@given(blocks, st.integers(0, 400))
def test_the_room_is_never_exceeded_and_nothing_goes_uncounted(
    offered: list[Block], room: int
) -> None:
    text = fit_all(offered, room)
    assert len(text) <= room
    shown = re.sub(r"_Left out here[^_]*_", "", text).count("b")
    whole = sum(map(len, (entry for block in offered for entry in block.entries)))
    if shown < whole and text:
        assert "Left out here" in text or room < 100
