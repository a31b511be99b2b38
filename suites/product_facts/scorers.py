"""Judges an answer by the fact it must contain, as whole words: 4 h is not in 24 h."""

from __future__ import annotations

import re

from evals.records import Case, Output, Score

_LONGEST = 400  # characters: what recites a whole page has not answered


def score_fact(case: Case, output: Output) -> Score:
    """1 when the answer has one of the spellings in `case.expected`, letter case ignored."""
    answer = (output.text or "").casefold()
    if len(answer) > _LONGEST:
        return Score(0.0, f"longer than {_LONGEST} characters", "runaway")
    spellings = [str(one).casefold() for one in case.expected]  # type: ignore[union-attr]
    if any(_stands_in(one, answer) for one in spellings):
        return Score(1.0)
    return Score(0.0, f"expected {spellings[0]}", "missing")


def _stands_in(wanted: str, answer: str) -> bool:
    """Whether a text is in another without letters or digits that would make it go on."""
    pattern = rf"(?<![\w.,]){re.escape(wanted)}(?!\w|[.,]\d)"
    return re.search(pattern, answer) is not None
