"""Numbers in answers: where they stand, and how they are written."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.records import Case, Output, Score
from evals.scorers import build_scorer
from evals.scorers.numbers import near, number_of, number_reader, numbers_in
from evals.suite.spec import MetricSpec


def score(expected: Any, text: str, **options: Any) -> Score:
    scorer = build_scorer(MetricSpec("m", "numeric@1", options, 9), Path("suite"))
    return scorer(Case("c1", {}, expected, "", "dev"), Output(text, "stop"))


CARD = 4012888888881881123  # no float is this number

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
    ({}, CARD, f"{CARD}"),
    ({}, f"{CARD:,}", f"-1, {CARD}.00"),
    ({}, float(CARD), f"{CARD}"),  # how it was written before it was a float is not known
    ({}, 1e23, "1e23"),
    ({}, CARD, f"{CARD * 10}e-1"),
    ({"abs": 77}, CARD, f"{CARD + 77}"),
    ({"rel": 0.3}, 10**20, "130000000000000000000"),
    ({"fractions": True}, CARD, f"{CARD * 3}/3"),
    ({"percent": "fraction"}, -CARD, f"-{CARD}00%"),
    ({"fractions": True}, 0.3333333333333333, "1/3"),
]
WRONG: list[tuple[dict[str, Any], Any, str, str]] = [
    ({"which": "first"}, 7, "3 of 7", "wrong_number"),
    ({"after": "####"}, 72, "72", "no_number"),
    ({"which": "boxed"}, 5, "5", "no_number"),
    ({"which": "boxed"}, 5, r"\boxed{5", "no_number"),
    ({"which": "boxed"}, 5, r"\boxed{x}", "no_number"),
    ({"fractions": True}, 0.75, "3/0", "wrong_number"),
    ({}, 0.75, "3/4", "wrong_number"),
    ({}, CARD, f"{CARD + 77}", "wrong_number"),
    ({}, 2**53, f"{2**53 + 1}", "wrong_number"),
    ({}, -(2**53), f"-{2**53 + 1}", "wrong_number"),
    ({}, f"{2**53 + 1}", f"{2**53}", "wrong_number"),
    ({}, 10**23, "99999999999999991611392", "wrong_number"),
    ({"abs": 76}, CARD, f"{CARD + 77}", "wrong_number"),
    ({"abs": 1}, 2**53 - 1, f"{2**53 + 1}", "wrong_number"),
    ({"rel": 0.3}, 10**20, "130000000000000000001", "wrong_number"),
    ({"percent": "fraction"}, CARD, f"{CARD + 1}00%", "wrong_number"),
    ({}, 5, "1" * 100_000, "wrong_number"),
    ({"abs": 1e300}, 5, "1e9999", "wrong_number"),
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


def test_the_reason_tells_two_numbers_apart() -> None:
    reason = score(CARD, str(CARD + 77)).reason
    assert reason == "expected 4012888888881881123, got 4012888888881881200"
    assert score(1234567, "1234568").reason == "expected 1234567, got 1234568"
    assert score(1.5, "2").reason == "expected 1.5, got 2"


WHOLE = st.integers(-(10**15) + 1, 10**15 - 1)
ORDINARY = WHOLE | st.builds(lambda n, k: n / 10**k, WHOLE, st.integers(0, 20))
TOLERANCE = st.just(0.0) | st.sampled_from([0.07, 0.29, 0.3, 1.0]) | st.floats(0, 10)


@given(ORDINARY, ORDINARY | st.integers(-30, 30), TOLERANCE, TOLERANCE, st.booleans())
def test_ordinary_numbers_are_compared_as_floats_are(
    wanted: float, other: float, absolute: float, relative: float, beside: bool
) -> None:
    got = wanted + other * max(absolute, 0.5) if beside else other
    (read,) = numbers_in(f"{got!r}")
    number = number_of(wanted)
    assert number is not None
    before = abs(float(got) - float(wanted)) <= max(absolute, relative * abs(float(wanted)))
    assert near(number, read, absolute, relative) == before


@given(st.integers(-(10**300), 10**300), st.integers(-3, 3), st.integers(0, 3))
def test_whole_numbers_of_any_size_are_compared_exactly(n: int, step: int, most: int) -> None:
    assert score(n, f"{n + step}.0", abs=most).value == float(abs(step) <= most)


@pytest.mark.parametrize(
    "text",
    [
        "1" * 100_000,
        "1." + "3" * 100_000,
        f"{2**53 + 1}." + "0" * 100_000,
        "0" * 100_000 + "7",
        "9" * 300 + "e9999",
        "9" * 9_000 + "e-8900",
        "1e-9999",
        (str(CARD) + " ") * 20_000,
    ],
    ids=range(8),
)
def test_a_number_of_any_length_is_read_in_linear_time(text: str) -> None:
    started = time.process_time()
    for expected in (CARD, 10**300, 7):
        score(expected, text, rel=0.1, fractions=True, percent="fraction")
    assert time.process_time() - started < 8.0  # about 1 s at most; minutes by the square


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
