"""Repeats, contradictions and leaks are found, and look-alikes that differ are not."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.records import Case, Finding, SplitName
from evals.suite.duplicates import MAX_FINDINGS, find_duplicates, near_duplicates
from evals.suite.folding import bare, comparable, fold, loosen


def case(
    identity: str, text: str, expected: Any = "a", split: SplitName = "train", **fields: Any
) -> Case:
    return Case(identity, {"text": text}, expected, "a", split, path="c.jsonl", line=1, **fields)


def found(*cases: Case) -> list[tuple[str, str]]:
    return [(finding.level, finding.code) for finding in find_duplicates(cases)]


LEAK, CONTRADICTION = ("error", "leak"), ("error", "contradiction")


@pytest.mark.parametrize(
    "text", ["Charged twice", "charged  TWICE", "Charged, twice!", "charged\ttwice"]
)
@pytest.mark.parametrize("split", ["dev", "test"])
def test_the_same_input_in_train_and_elsewhere_is_a_leak(text: str, split: SplitName) -> None:
    assert found(case("x", "Charged twice"), case("y", text, split=split)) == [LEAK]


def test_the_same_input_in_dev_and_test_is_a_leak() -> None:
    assert found(case("x", "hello", split="dev"), case("y", "hello", split="test")) == [LEAK]


def test_the_same_input_twice_in_a_split_is_a_warning() -> None:
    assert found(case("x", "hello"), case("y", "Hello")) == [("warning", "duplicate")]


@pytest.mark.parametrize("split", ["train", "dev"])
def test_different_labels_for_one_input_are_a_contradiction(split: SplitName) -> None:
    assert found(case("x", "hello"), case("y", "hello", "b", split)) == [CONTRADICTION]


def test_each_later_case_is_held_against_the_earlier_one_it_clashes_with_most() -> None:
    group = [case("x", "hello"), *(case(n, "hello", split="dev") for n in "yz")]
    assert found(*group) == [LEAK, LEAK]


def test_a_contradiction_names_both_cases_and_values() -> None:
    (finding,) = find_duplicates([case("x", "hello"), case("y", "hello", "b", "dev")])
    assert finding.where == "c.jsonl:1"
    for words in ("'y' (dev)", "'x' (train", "'b' and 'a'"):
        assert words in finding.message


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("latency > 5", "latency < 5"),
        ("12 - 3", "12 + 3"),
        ("3.5 volts", "35 volts"),
        ("10:30 today", "1030 today"),
        ("what is -5 to 4", "what is 5 to 4"),
        ("C#", "C"),
        ("50% of it", "50 of it"),
        ("a * b", "a / b"),
    ],
)
def test_signs_that_carry_meaning_are_kept(one: str, other: str) -> None:
    assert loosen(fold(one)) != loosen(fold(other))


def test_inputs_that_differ_in_punctuation_and_in_label_only_warn() -> None:
    assert found(case("x", "count: a,b"), case("y", "count: a b", "b")) == [
        ("warning", "punctuation")
    ]


def test_the_same_question_with_other_choices_is_another_case() -> None:
    one, other = ("up", "down"), ("left", "right")
    assert (
        found(case("x", "pick", "up", choices=one), case("y", "pick", "left", choices=other)) == []
    )


def test_expected_values_that_follow_the_inputs_case_do_not_contradict() -> None:
    assert found(case("x", "Copy: Abc", "Abc"), case("y", "copy: abc", "abc")) == [
        ("warning", "duplicate")
    ]


LONG = "please send the invoice for the second quarter to the accounting department"


def test_near_duplicates_across_splits_warn_with_their_similarity() -> None:
    findings = find_duplicates(
        [case("x", LONG), case("y", LONG + " now", split="dev"), case("z", "something else")]
    )
    (finding,) = findings
    assert (finding.level, finding.code) == ("warning", "near_leak")
    assert "between train and dev: 1 pairs" in finding.message
    assert "'x' ~ 'y' 0.9" in finding.message


def test_near_duplicates_within_a_split_are_a_note() -> None:
    assert found(case("x", LONG), case("y", LONG + " now")) == [("note", "near_duplicate")]


def test_a_thousand_copies_give_a_bounded_report() -> None:
    copies = [case(str(n), "hello", n % 2) for n in range(1000)]
    findings = find_duplicates(copies)
    assert len(findings) <= MAX_FINDINGS + 1
    assert findings[-1].message == "and 979 more"


def test_texts_without_any_letters_do_not_fail() -> None:
    assert near_duplicates(["", " ", "?"], 0.9) == []
    assert found(case("x", "?"), case("y", "!")) == []


words = st.lists(st.sampled_from(["alpha", "beta", "gamma", "12", "3.5", "<", ">"]), max_size=6)
splits: tuple[SplitName, ...] = ("train", "dev")
rows = st.tuples(words.map(" ".join), st.sampled_from("ab"), st.sampled_from(splits))
cases = st.lists(rows, max_size=12).map(
    lambda drawn: [case(str(n), text, label, split) for n, (text, label, split) in enumerate(drawn)]
)


@settings(deadline=None)
@given(cases)
def test_leaks_and_contradictions_are_found_exactly_when_they_exist(drawn: list[Case]) -> None:
    pairs = [(a, b) for i, a in enumerate(drawn) for b in drawn[:i] if same(a, b)]
    contradict = any(a.expected != b.expected for a, b in pairs)
    leak = any(a.expected == b.expected and a.split != b.split for a, b in pairs)
    codes = {finding.code for finding in errors(find_duplicates(drawn))}
    assert bool(codes) == (contradict or leak)
    assert ("contradiction" in codes) == contradict
    if not contradict:
        assert ("leak" in codes) == leak


def same(a: Case, b: Case) -> bool:
    return str(a.input["text"]) == str(b.input["text"])


def errors(findings: tuple[Finding, ...]) -> list[Finding]:
    return [finding for finding in findings if finding.level == "error"]


@settings(deadline=None)
@given(cases, st.randoms(use_true_random=False))
def test_whether_there_are_errors_does_not_depend_on_order(
    drawn: list[Case], generator: random.Random
) -> None:
    shuffled = list(drawn)
    generator.shuffle(shuffled)
    assert bool(errors(find_duplicates(drawn))) == bool(errors(find_duplicates(shuffled)))


@settings(deadline=None)
@given(st.text())
def test_folding_is_idempotent_and_loosening_never_loses_everything(text: str) -> None:
    assert loosen(fold(text)).strip() or not fold(text)
    assert loosen(loosen(fold(text))) == loosen(loosen(loosen(fold(text))))


@settings(deadline=None)
@given(st.text(), st.text())
def test_what_is_equal_in_one_form_is_equal_in_every_laxer_one(one: str, other: str) -> None:
    for text in (one, other, one + " " + other, one + "." + other, one.upper() + "\t" + other):
        if fold(text) == fold(one):
            assert loosen(fold(text)) == loosen(fold(one))
        if loosen(fold(text)) == loosen(fold(one)):
            assert bare(text) == bare(one)


def test_signs_and_numbers_alone_are_still_told_apart_in_the_bare_form() -> None:
    assert len({bare(text) for text in ("<", ">", "-", "")}) == 4
    one, other = (Case(str(n), {"n": n}, "a", "a", "dev") for n in (1, 2))
    assert bare(comparable(one)) != bare(comparable(other))


def test_blocks_find_the_same_pairs_as_one_product() -> None:
    generator = random.Random(5)
    vocabulary = [f"word{n}" for n in range(60)]
    texts = [" ".join(generator.choices(vocabulary, k=12)) for _ in range(1100)]
    planted = {(10, 700), (511, 512), (3, 1099)}
    for first, second in planted:
        texts[second] = " ".join(reversed(texts[first].split()))
    pairs = near_duplicates(texts, 0.9)
    assert {(pair.first, pair.second) for pair in pairs} == planted
    assert all(0.9 <= pair.similarity <= 1.0 for pair in pairs)


@pytest.mark.parametrize("mark", ["\u200b", "\u00ad", "\u200d", "\ufe0f", "\x08"])
def test_a_leak_is_found_through_characters_that_show_nothing(mark: str) -> None:
    hidden = case("y", f"char{mark}ged tw{mark}ice", split="dev")
    assert found(case("x", "Charged twice"), hidden) == [LEAK]


def test_flags_that_differ_in_their_tags_are_not_the_same_text() -> None:
    england, scotland = (
        "\U0001f3f4" + "".join(chr(0xE0000 + ord(c)) for c in code) + "\U000e007f"
        for code in ("gbeng", "gbsct")
    )
    assert fold(f"whose flag is {england}") != fold(f"whose flag is {scotland}")
    assert fold("\u2764\ufe0f") == fold("\u2764")


def test_a_question_that_differs_in_its_row_number_alone_is_a_warning() -> None:
    text = "What is the capital of France?"
    one = Case("x", {"text": text, "row": 1}, "a", "a", "train", path="c.jsonl", line=1)
    two = Case("y", {"text": text, "row": 20394}, "a", "a", "dev", path="c.jsonl", line=2)
    (finding,) = find_duplicates([one, two])
    assert (finding.level, finding.code) == ("warning", "same_question")
    assert "read the same but for row" in finding.message
