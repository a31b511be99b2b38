"""Tables of right and wrong answers for the scorers that judge in this process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.errors import ScorerError
from evals.records import Case, Output, Part, Score
from evals.scorers import build_scorer, normalise
from evals.scorers.numbers import Number, numbers_in
from evals.suite.spec import MetricSpec


def case_expecting(expected: Any, **more: Any) -> Case:
    return Case("c1", {}, expected, str(expected), "dev", path="cases.jsonl", line=4, **more)


def score(scorer: str, options: dict[str, Any], expected: Any, text: str, **more: Any) -> Score:
    built = build_scorer(MetricSpec("m", scorer, options, 9), Path("suite"))
    return built(case_expecting(expected, **more), Output(text, "stop"))


RIGHT: list[tuple[str, dict[str, Any], Any, str]] = [
    ("exact@1", {}, "yes", "yes"),
    ("exact@1", {}, ["yes", "yep"], "yep"),
    ("exact@1", {"strip": True}, "yes", " yes\n"),
    ("exact@1", {}, 5, "5"),
    ("normalized@1", {}, "Straße", ' "STRASSE". '),
    ("normalized@1", {}, "new york", "New\n  York!"),
    ("normalized@1", {}, "é", "e\u0301"),
    ("normalized@1", {}, "billing", "**Billing**"),
    ("contains@1", {}, "Paris", "It is paris, of course"),
    ("contains@1", {"case_sensitive": True}, "Paris", "Paris"),
    ("contains@1", {}, ["a", "b"], "b then a"),
    ("contains@1", {"match": "any"}, ["x", "b"], "b"),
    ("contains@1", {"all": ["a"], "any": ["b", "c"]}, None, "a c"),
    ("regex@1", {}, r"\d+", "about 42"),
    ("regex@1", {"fullmatch": True}, r"\d+", "42"),
    ("regex@1", {"pattern": "^ok$"}, None, "ok"),
    ("regex@1", {"case_sensitive": False}, "OK", "ok"),
    ("label@1", {"labels": ["billing", "login"]}, "billing", "Billing."),
    ("label@1", {"labels": ["billing", "login"], "lenient": True}, "login", "It is login, sir"),
    ("label@1", {"labels": ["log", "log in"], "lenient": True}, "log in", "this is log in"),
    ("label@1", {"labels": ["C", "C++", "C#"], "lenient": True}, "C++", "written in C++."),
    ("label@1", {"labels": ["-5", "5"]}, "-5", "-5"),
    ("numeric@1", {}, 1234567, "it is 1,234,567."),
    ("numeric@1", {}, "72", "3 * 24 = 72"),
    ("numeric@1", {}, -5, "x = -5"),
    ("numeric@1", {}, -5, "−5"),
    ("numeric@1", {}, 0.5, ".5"),
    ("numeric@1", {}, 42, "- 42"),
    ("numeric@1", {}, 1000, "1e3"),
    ("numeric@1", {"abs": 0.01}, 3.14, "3.1416"),
    ("numeric@1", {"rel": 0.1}, 100, "$109.50"),
    ("numeric@1", {"which": "only"}, 7, "7 km"),
]

WRONG: list[tuple[str, dict[str, Any], Any, str, str]] = [
    ("exact@1", {}, "yes", "yes ", "mismatch"),
    ("exact@1", {}, "yes", "Yes", "mismatch"),
    ("exact@1", {}, ["yes", "yep"], "no", "mismatch"),
    ("normalized@1", {}, "-5", "5", "mismatch"),
    ("normalized@1", {}, "C#", "C", "mismatch"),
    ("normalized@1", {}, "?", "", "mismatch"),
    ("normalized@1", {}, "50%", "50", "mismatch"),
    ("contains@1", {"case_sensitive": True}, "Paris", "paris", "missing"),
    ("contains@1", {}, ["a", "z"], "a", "missing"),
    ("contains@1", {"match": "any"}, ["y", "z"], "a", "missing"),
    ("contains@1", {"all": ["a"], "any": ["b", "c"]}, None, "a", "missing"),
    ("regex@1", {}, r"\d+", "none", "no_match"),
    ("regex@1", {"fullmatch": True}, r"\d+", "42.", "no_match"),
    ("regex@1", {}, "OK", "ok", "no_match"),
    ("label@1", {"labels": ["billing", "login"]}, "billing", "login", "wrong_label"),
    ("label@1", {"labels": ["billing", "login"]}, "billing", "It is billing", "unknown_label"),
    ("label@1", {"labels": ["billing", "login"], "lenient": True}, "login", "no", "unknown_label"),
    (
        "label@1",
        {"labels": ["billing", "login"], "lenient": True},
        "login",
        "login or billing",
        "several_labels",
    ),
    (
        "label@1",
        {"labels": ["urgent", "calm"], "lenient": True},
        "urgent",
        "non-urgent",
        "unknown_label",
    ),
    (
        "label@1",
        {"labels": ["bill", "login"], "lenient": True},
        "bill",
        "billing",
        "unknown_label",
    ),
    ("numeric@1", {}, 5, "none", "no_number"),
    ("numeric@1", {}, 5, "-5", "wrong_number"),
    ("numeric@1", {}, 2, "v1.2", "no_number"),
    ("numeric@1", {}, 3, "10-3=7", "wrong_number"),
    ("numeric@1", {"which": "only"}, 7, "3 + 4 = 7", "several_numbers"),
    ("numeric@1", {"abs": 0.01}, 3.14, "3.2", "wrong_number"),
    ("numeric@1", {}, 1, "9" * 5000, "wrong_number"),
]


@pytest.mark.parametrize(("scorer", "options", "expected", "text"), RIGHT)
def test_a_right_answer_scores_full_marks(
    scorer: str, options: dict[str, Any], expected: Any, text: str
) -> None:
    result = score(scorer, options, expected, text)
    assert (result.value, result.reason, result.kind) == (1.0, "", "")


@pytest.mark.parametrize(("scorer", "options", "expected", "text", "kind"), WRONG)
def test_a_wrong_answer_scores_zero_with_a_reason_and_a_kind(
    scorer: str, options: dict[str, Any], expected: Any, text: str, kind: str
) -> None:
    result = score(scorer, options, expected, text)
    assert (result.value, result.kind) == (0.0, kind)
    assert result.reason
    assert len(result.reason) < 400


def test_the_winning_option_must_be_the_expected_one() -> None:
    assert score("choice@1", {}, "b", "b", choices=("a", "b")) == Score(1.0)
    assert score("choice@1", {}, "b", "a", choices=("a", "b")).kind == "wrong_choice"


UNUSABLE: list[tuple[str, dict[str, Any], Any]] = [
    ("exact@1", {}, {"a": 1}),
    ("exact@1", {}, []),
    ("normalized@1", {}, None),
    ("contains@1", {}, True),
    ("regex@1", {}, "(unclosed"),
    ("regex@1", {}, 5),
    ("regex@1", {}, "a" * 20_000),
    ("label@1", {"labels": ["billing", "login"]}, "biling"),
    ("label@1", {"labels": ["billing", "login"]}, ["billing"]),
    ("numeric@1", {}, "five"),
    ("numeric@1", {}, True),
    ("numeric@1", {}, float("nan")),
    ("numeric@1", {}, 10**400),
    ("choice@1", {}, "b"),
]


@pytest.mark.parametrize(("scorer", "options", "expected"), UNUSABLE)
def test_a_case_that_cannot_be_judged_is_an_error_that_names_it(
    scorer: str, options: dict[str, Any], expected: Any
) -> None:
    with pytest.raises(ScorerError, match=r"cases\.jsonl:4: case \"c1\""):
        score(scorer, options, expected, "anything")


def test_an_output_without_text_is_not_scored() -> None:
    scorer = build_scorer(MetricSpec("m", "exact@1"), Path())
    with pytest.raises(ScorerError, match="no output to score: boom"):
        scorer(case_expecting("a"), Output(None, "error", error="boom"))


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"((a{1,1000}){1,1000}){1,1000}c", "a" * 3000),
        (r"(?:(?:a|b|ab)+)+(?:a|b|ab)+\1?$|(.*)*x\1y", "ab" * 3000 + "!"),
    ],
)
def test_a_catastrophic_pattern_ends_in_time_as_an_error(pattern: str, text: str) -> None:
    import time

    started = time.monotonic()
    try:
        result = score("regex@1", {"seconds": 0.2}, pattern, text)
    except ScorerError as error:
        assert "TimeoutError" in str(error)  # noqa: PT017 - a fast engine may also just say no
    else:
        assert result.value == 0.0
    assert time.monotonic() - started < 2.0


def test_a_regex_timeout_is_a_scorer_error_and_not_a_zero() -> None:
    with pytest.raises(ScorerError, match=r"TimeoutError.*took over 0\.1 s"):
        score("regex@1", {"seconds": 0.1}, r"((a{1,1000}){1,1000}){1,1000}c", "a" * 3000)


def test_numbers_are_read_in_order_with_signs_and_separators() -> None:
    read = [number.value for number in numbers_in("1,234 and -5.5, 3-2, 2024-05-01")]
    assert read == [1234, -5.5, 3, 2, 2024, 5, 1]
    assert numbers_in("") == []
    assert numbers_in("1,2,3") == [Number(1.0, 1), Number(2.0, 2), Number(3.0, 3)]


@given(st.text())
def test_normalising_twice_changes_nothing_more(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@pytest.mark.parametrize("text", ['".' * 500_000, "'" * 1_000_000, "x" + ' ".' * 300_000])
def test_a_long_answer_is_normalised_in_time(text: str) -> None:
    import time

    started = time.process_time()
    normalise(text)
    assert time.process_time() - started < 5.0


def test_a_label_is_a_part_with_what_was_expected_and_named() -> None:
    options = {"labels": ["billing", "login"], "lenient": True}
    for text, got in (("login", "login"), ("Billing.", "billing"), ("both? no", None)):
        (part,) = score("label@1", options, "login", text).parts
        assert part == Part("label", "label", float(got == "login"), "login", got)
    (part,) = score("label@1", options, "login", "login or billing").parts
    assert part.got is None


ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=()))  # lone surrogates too


@given(ANY_TEXT)
def test_no_scorer_raises_on_any_text(text: str) -> None:
    for scorer, options, expected, _ in RIGHT:
        result = score(scorer, options, expected, text)
        assert result.value in {0.0, 1.0}
        assert (result.kind == "") == (result.value == 1.0)
