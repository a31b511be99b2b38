"""Numbers in answers: where they stand, and how they are written."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from evals.records import Case, Output, Score
from evals.scorers import build_scorer
from evals.scorers.numbers import number_reader
from evals.suite.spec import MetricSpec


def score(expected: Any, text: str, **options: Any) -> Score:
    scorer = build_scorer(MetricSpec("m", "numeric@1", options, 9), Path("suite"))
    return scorer(Case("c1", {}, expected, "", "dev"), Output(text, "stop"))


RIGHT: list[tuple[dict[str, Any], Any, str]] = [
    ({"which": "first"}, 3, "3 of 7"),
    ({"after": "####"}, 72, "48 + 24 = 71\n#### 72"),
    ({"after": "####", "which": "only"}, 8, "7 #### 9 #### 8"),
    ({"which": "boxed"}, 5, r"so \boxed{4}, no: $\boxed{x = 5}$ (see 6)"),
    ({"which": "boxed"}, 2, r"\boxed{\text{about } {2}} and \boxed{unclosed"),
    ({"which": "boxed", "fractions": True}, 0.75, r"\boxed{\frac{3}{4}}"),
    ({"fractions": True}, "3/4", "it is 6/8"),
    ({"fractions": True}, -0.5, r"-\dfrac{ 1 }{ 2 }"),
    ({"fractions": True}, 2026, "on 3/4/2026"),
    ({"percent": "fraction"}, 0.5, "50 %"),
    ({"percent": "fraction"}, "50%", "0.5"),
    ({}, 50, "50%"),
    ({"decimal": ","}, 1234567.89, "1.234.567,89 €"),
    ({"decimal": ","}, 1234.5, "1\u202f234,5"),
    ({"decimal": ",", "fractions": True}, 0.375, "1,5/4"),
]
WRONG: list[tuple[dict[str, Any], Any, str, str]] = [
    ({"which": "first"}, 7, "3 of 7", "wrong_number"),
    ({"after": "####"}, 72, "72", "no_number"),
    ({"which": "boxed"}, 5, "5", "no_number"),
    ({"which": "boxed"}, 5, r"\boxed{5", "no_number"),
    ({"which": "boxed"}, 5, r"\boxed{x}", "no_number"),
    ({"fractions": True}, 0.75, "3/0", "wrong_number"),
    ({}, 0.75, "3/4", "wrong_number"),
    ({}, 1234567.89, "1.234.567,89", "wrong_number"),
]


@pytest.mark.parametrize(("options", "expected", "text"), RIGHT)
def test_the_number_is_found(options: dict[str, Any], expected: Any, text: str) -> None:
    assert score(expected, text, **options) == Score(1.0)


@pytest.mark.parametrize(("options", "expected", "text", "kind"), WRONG)
def test_another_number_or_none_is_wrong(
    options: dict[str, Any], expected: Any, text: str, kind: str
) -> None:
    found = score(expected, text, **options)
    assert (found.value, found.kind) == (0.0, kind)


@pytest.mark.parametrize(
    "text",
    [r"\frac{" + " " * 1_000_000, r"\boxed{" * 140_000, "1/" * 500_000, "1,111" * 200_000 + "1"],
    ids=["frac", "boxed", "slashes", "groups"],
)
def test_a_long_answer_is_read_in_time(text: str) -> None:
    started = time.process_time()
    score(5, text, which="boxed", fractions=True, percent="fraction")
    number_reader(fractions=True, percent=True)(text)
    assert time.process_time() - started < 10.0
