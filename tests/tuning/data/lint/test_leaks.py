from __future__ import annotations

import json
import random
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.errors import TrainingError
from evals.records import Case, Message
from evals.suite import load_suite
from evals.suite.spec import Suite
from tests.sample_suite import write_suite
from tests.tuning.data.lint.poisoned import (
    QUESTIONS,
    TUNE,
    ask,
    asking,
    clean_rows,
    clean_suite,
    file_row,
    lint,
    named,
    saying,
    sealed_case,
    with_row,
)
from tuning.data.dataset import build_examples
from tuning.data.lint import Lengths, lint_examples, refuse_errors

LEAKS = {"leak", "overlap_leak", "near_leak", "answer_leak", "alike"}
LONG = (
    "On the third of May the keeper of the northern lighthouse wrote down that the lamp had gone "
    "out twice, that the oil was thick with cold, and that nobody had come to relieve him."
)
REPLY = (
    "The keeper should be relieved before the week is over, because the lamp needs two people "
    "at night and the oil has to be warmed by hand every hour."
)


def text_of(case: Case) -> str:
    return str(case.input["text"])


def leaks(found: dict[str, object]) -> set[str]:
    return LEAKS & found.keys()


def long_suite(tmp_path: Path, **changes: object) -> Suite:
    """The suite with one test case of a long input and a long answer, judged by its text."""

    def change(row: dict[str, object]) -> dict[str, object]:
        return row | changes if row["id"] == "test-0003" else row

    folder = write_suite(tmp_path / "s", extra=TUNE, change=change)
    stated = (folder / "suite.yaml").read_text()
    stated = stated.replace(
        "{scorer: label@1, labels: [billing, login, shipping]}", "{scorer: exact@1}"
    )
    (folder / "suite.yaml").write_text(stated)
    return load_suite(folder)


def test_clean_rows_leak_nothing() -> None:
    assert not leaks(lint(clean_rows()))


def test_five_leaked_test_cases_are_refused_naming_all_five() -> None:
    rows = clean_rows()
    for number in range(5):
        text = text_of(sealed_case(f"test-{number:04}"))
        rows[number] = file_row(number + 1, ask(text), answer="billing")
    found = lint(rows)["leak"]
    assert found.rows == tuple(named(number) for number in range(1, 6))
    with pytest.raises(TrainingError) as caught:
        refuse_errors([found])
    for number in range(5):
        assert f"train row {named(number + 1)} is also test case test-{number:04}" in str(
            caught.value
        )
        assert f"test.jsonl:{number + 1}" in str(caught.value)


def test_of_more_leaks_five_are_spelled_out_and_all_are_rows() -> None:
    rows = [
        file_row(n + 1, ask(text_of(sealed_case(f"dev-{n:04}"))), answer="billing")
        for n in range(8)
    ]
    found = lint(rows)["leak"]
    assert found.rows == tuple(named(number) for number in range(1, 9))
    assert "dev-0004" in found.message
    assert "dev-0005" not in found.message
    assert found.message.endswith("and 3 more")


@pytest.mark.parametrize("split", ["dev", "test"])
@pytest.mark.parametrize(
    "place",
    [
        lambda text: file_row(6, Message("system", text), ask("And what now?"), answer="Nothing."),
        lambda text: file_row(6, ask("What was asked then?"), answer=text),
        lambda text: file_row(
            6, ask("Hello there."), Message("assistant", text), ask("Thanks."), answer="Welcome."
        ),
        lambda text: file_row(
            6, ask(text), Message("assistant", "billing"), ask("Thanks."), answer="Welcome."
        ),
    ],
    ids=["system", "answer", "reply", "turn"],
)
def test_a_case_is_found_wherever_a_conversation_holds_it(split: str, place: object) -> None:
    text = text_of(sealed_case(f"{split}-0011"))
    found = lint(with_row(place(text)))["leak"]  # type: ignore[operator]
    assert found.rows == (named(6),)
    assert f"{split} case {split}-0011" in found.message


def test_an_example_that_bears_the_id_of_a_sealed_case_is_a_leak() -> None:
    row = replace(clean_rows()[0], case_id="dev-0002", source="sampled small")
    assert "dev case dev-0002" in lint([row])["leak"].message


def test_a_row_of_a_file_that_claims_to_be_a_train_case_is_searched_all_the_same() -> None:
    row = asking(text_of(sealed_case("test-0005")))[5]
    claims = replace(row, case_id="train-0003", source="suite")
    found = lint([claims])["leak"]
    assert found.rows == ("train-0003 (data/extra.jsonl:6)",)
    assert "test case test-0005" in found.message


def test_a_short_case_is_found_as_a_line_or_quoted_or_after_a_label(tmp_path: Path) -> None:
    suite = long_suite(tmp_path, input={"text": "Lamp is out"})
    for text in (
        "Ticket: lamp is out!\nTeam:",
        'Somebody wrote "Lamp is out" and left.',
        "Read this.\n\n  LAMP IS OUT\n\nWhich team?",
    ):
        found = lint(asking(text), suite=suite)["overlap_leak"]
        assert found.level == "error"
        assert found.rows == (named(6),)
        assert "test case test-0003" in found.message


def test_what_anybody_says_is_no_leak_within_a_conversation(tmp_path: Path) -> None:
    suite = long_suite(tmp_path, input={"text": "Thank you"})
    talk = file_row(
        6, ask(clean_rows()[0].messages[0].content), Message("assistant", "So."), ask("Thank you"),
        answer="Welcome.",
    )  # fmt: skip
    assert not leaks(lint(with_row(talk), suite=suite))
    assert "leak" in lint(asking("Thank you"), suite=suite)


def test_a_long_part_of_a_case_is_found_in_other_words(tmp_path: Path) -> None:
    suite = long_suite(tmp_path, input={"text": LONG})
    part = LONG[30:120].upper().replace(" ", "  ")
    found = lint(asking(f"Is it true? {part} - so they say."), suite=suite)["overlap_leak"]
    assert found.rows == (named(6),)
    assert "test case test-0003" in found.message


def test_a_few_words_in_common_are_no_leak(tmp_path: Path) -> None:
    suite = long_suite(tmp_path, input={"text": LONG})
    assert not leaks(lint(asking("The keeper of the northern lighthouse came."), suite=suite))


def test_a_long_part_of_an_expected_answer_is_found(tmp_path: Path) -> None:
    suite = long_suite(tmp_path, expected=REPLY)
    for rows in (saying(f"Well: {REPLY[10:110]}"), asking(f"Rephrase this: {REPLY[:100]}")):
        found = lint(rows, suite=suite)["answer_leak"]
        assert found.level == "error"
        assert found.rows == (named(6),)
        assert "test case test-0003" in found.message


def test_answers_in_json_are_alike_by_their_keys_and_no_leak(tmp_path: Path) -> None:
    record = {"category": "invoices", "urgency": "high", "language": "english", "person": False}
    text = json.dumps(record)
    suite = long_suite(tmp_path, expected=text)
    assert not leaks(lint(saying(text), suite=suite))


def test_a_text_that_many_sealed_cases_share_is_an_instruction(tmp_path: Path) -> None:
    def change(row: dict[str, object]) -> dict[str, object]:
        return row | {"input": {"schema": LONG, "text": row["input"]["text"]}}  # type: ignore[index]

    suite = load_suite(write_suite(tmp_path / "s", extra=TUNE, change=change))
    assert not leaks(lint(asking(f"{LONG} Which lamp?"), suite=suite))
    text = str(next(c for c in suite.cases if c.id == "dev-0007").input["text"])
    assert (
        "dev-0007" in lint(asking(f"{LONG} So: {text} Why?"), suite=suite)["overlap_leak"].message
    )


def test_a_case_with_a_word_exchanged_is_nearly_a_leak(tmp_path: Path) -> None:
    suite = long_suite(tmp_path, input={"text": LONG[:60] + " and that the lamp was broken."})
    near = (LONG[:60] + " and that the lamp is broken.").replace("third", "forth")
    assert lint(asking(near), suite=suite)["overlap_leak"].rows == (named(6),)
    near = "Charged for plan and cannot reset the pasword when the parcel was lost near Antwerp"
    suite = long_suite(tmp_path / "b", input={"text": near.replace("pasword", "password")})
    assert lint(asking(near), suite=suite)["near_leak"].rows == (named(6),)


def test_short_texts_that_differ_by_a_letter_are_nearly_a_leak(tmp_path: Path) -> None:
    suite = long_suite(tmp_path, input={"text": "rate zenith angles chronicle poorly"})
    found = lint(asking("rate zenith angles chronicles poorly"), suite=suite)["near_leak"]
    assert found.level == "error"
    assert found.rows == (named(6),)
    assert "test case test-0003" in found.message


def test_texts_that_differ_in_a_sign_that_matters_are_not_called_the_same(tmp_path: Path) -> None:
    suite = long_suite(tmp_path, input={"text": "latency of checkout > 5"})
    found = lint(asking("latency of checkout < 5"), suite=suite)
    assert "leak" not in found
    assert "near_leak" in found
    assert "1 2" not in lint(asking("12"), suite=suite)


def test_a_train_case_of_the_suite_is_searched_by_its_input_and_answer(tmp_path: Path) -> None:
    def change(row: dict[str, object]) -> dict[str, object]:
        if row["id"] == "train-0004":
            return row | {"answer": f"{LONG} {row['expected']}"}
        return row | {"input": {"text": LONG}} if row["id"] == "test-0003" else row

    suite = load_suite(write_suite(tmp_path / "s", extra=TUNE, change=change))
    found = lint([], suite=suite)["overlap_leak"]
    assert "train-0004" in found.message
    assert "test case test-0003" in found.message


def test_many_rows_of_one_form_are_a_warning(tmp_path: Path) -> None:
    """Cases that differ in a name alone, with answers of their own, resemble each other all."""
    form = f"{LONG} {REPLY} The harbour master zeb{{}} agrees. {QUESTIONS[0]} {QUESTIONS[1]}"

    def change(row: dict[str, object]) -> dict[str, object]:
        number = str(row["id"])[-4:].translate(str.maketrans("0123456789", "abcdefghij"))
        return row | {"input": {"text": form.format(str(row["id"])[1] + number)}}

    found = lint([], suite=load_suite(write_suite(tmp_path / "s", extra=TUNE, change=change)))
    assert leaks(found) == {"alike"}
    assert found["alike"].level == "warning"


SEALED = [case for case in clean_suite().cases if case.split != "train"]
UNSEEN = "\u200b\u00ad\u2060\ufeff\u200d"
BLANKS = [" ", "  ", "\t", "\n", "\u00a0", "\u3000"]


def disguised(text: str, rng: random.Random) -> str:
    """The same to a reader: other cases, blanks, marks of sentences, and what is not seen."""
    letters = [
        rng.choice([letter, letter.upper(), letter.lower(), *([letter + rng.choice(UNSEEN)])])
        for letter in text
        if letter != " " or rng.random() < 2
    ]
    words = "".join(letters).split(" ")
    marks = ["", "", ",", "!", " -", ";", "…"]
    joined = "".join(word + rng.choice(marks) + rng.choice(BLANKS) for word in words)
    wide = joined if rng.random() < 0.7 else "".join(map(_wide, joined))
    return unicodedata.normalize(rng.choice(["NFC", "NFD"]), wide)


def _wide(letter: str) -> str:
    return chr(ord(letter) + 0xFEE0) if letter.isascii() and letter.isalpha() else letter


@given(
    case=st.sampled_from(SEALED),
    rng=st.randoms(use_true_random=False),
    before=st.sampled_from(["", "Please sort this one for me:", "*", "«", "Q1. ", "Ticket - "]),
    after=st.sampled_from(["", "Thanks a lot, Anna", "*", "»", "(answer with one word)", " ??"]),
    role=st.sampled_from(["user", "answer", "system"]),
)
@settings(max_examples=60, deadline=None)
def test_any_sealed_case_is_caught_however_it_is_spelled_and_wrapped(
    case: Case, rng: random.Random, before: str, after: str, role: str
) -> None:
    text = f"{before} {disguised(text_of(case), rng)} {after}"
    rows = {
        "user": file_row(1, ask(text), answer="x"),
        "answer": file_row(1, ask("Which?"), answer=text),
        "system": file_row(1, Message("system", text), ask("Which?"), answer="x"),
    }
    suite = clean_suite()
    found = lint_examples(suite, "terse", [rows[role]], (), Lengths(512))
    caught = [f for f in found if f.code in {"leak", "overlap_leak", "near_leak"}]
    assert [f.level for f in caught] == ["error"]
    assert f"{case.split} case {case.id}" in caught[0].message
    assert caught[0].rows == (named(1),)


@given(number=st.integers(0, 29), case=st.sampled_from(SEALED))
@settings(max_examples=15, deadline=None)
def test_a_sealed_input_in_place_of_a_train_input_is_always_a_leak(number: int, case: Case) -> None:
    suite = clean_suite()
    name = f"train-{number:04}"
    cases = tuple(
        replace(each, input=case.input) if each.id == name else each for each in suite.cases
    )
    spoiled = replace(suite, cases=cases)
    examples = build_examples(spoiled, "terse")
    found = {f.code: f for f in lint_examples(spoiled, "terse", examples, (), Lengths(512))}
    assert found["leak"].rows[0].startswith(name)
    assert f"{case.split} case {case.id}" in found["leak"].message
