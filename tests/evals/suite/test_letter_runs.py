"""A passage that two texts share is found whatever stands between its letters."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from evals.suite.letter_runs import letter_runs


def test_case_and_what_stands_between_do_not_count() -> None:
    assert letter_runs("Ab-c d", 3) == {"abc", "bcd"}
    assert letter_runs("ab", 3) == set()


@given(st.text(max_size=30), st.text("abcdef", min_size=8, max_size=12), st.text(max_size=30))
def test_texts_with_a_common_passage_share_a_run(before: str, passage: str, after: str) -> None:
    assert letter_runs(before + passage, 8) & letter_runs(f"{passage.upper()}!{after}", 8)
