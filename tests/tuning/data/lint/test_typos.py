from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tuning.data.lint.poisoned import ask, asking, file_row, lint, named
from tests.tuning.data.lint.test_leaks import leaks, long_suite
from tuning.data.lint.typos import Misspelt, Worded, _changed, misspelt

SENTENCE = (
    "Somebody from the accounts department wants to know why the printer on the second floor "
    "refuses every letter that was written before Easter."
)


def worded(text: str) -> Worded:
    words = text.lower().replace(".", "")
    return Worded(words, words.replace(" ", ""))


def never(like: Sequence[int]) -> bool:
    return False


def edits(pattern: str, text: str) -> int:
    """The same by the table of Sellers (1980), cell by cell."""
    row = [0] * (len(text) + 1)
    for n, one in enumerate(pattern, 1):
        above, row = row, [n]
        for m, other in enumerate(text, 1):
            row.append(min(above[m - 1] + (one != other), above[m] + 1, row[m - 1] + 1))
    return min(row)


@given(pattern=st.text("abc", min_size=1, max_size=70), text=st.text("abc", max_size=90))
def test_edits_are_those_of_the_plain_table(pattern: str, text: str) -> None:
    assert _changed(pattern, text) == edits(pattern, text)


MISTAKES = {
    "two letters": SENTENCE.replace("department", "departmant").replace("refuses", "refusas"),
    "three places": SENTENCE.replace("accounts", "acounts")
    .replace("floor", "flor")
    .replace("written", "writen"),
    "exchanged": SENTENCE.replace("department", "deparmtent").replace("refuses", "refuess"),
    "a blank": SENTENCE.replace("department", "departmant").replace(
        "floor refuses", "flo or refusas"
    ),
}


@pytest.mark.parametrize("text", MISTAKES.values(), ids=MISTAKES)
@pytest.mark.parametrize("around", ["{}", "Please look at this: {} Thanks, and greet everybody."])
def test_a_case_with_mistakes_in_spelling_is_nearly_a_leak(
    tmp_path: Path, text: str, around: str
) -> None:
    suite = long_suite(tmp_path, input={"text": SENTENCE})
    found = lint(asking(around.format(text)), suite=suite)["near_leak"]
    assert found.level == "error"
    assert found.rows == (named(6),)
    assert "test case test-0003" in found.message


def test_a_sentence_of_fifty_letters_may_have_three_wrong_ones(tmp_path: Path) -> None:
    sentence = "Why does the lamp of the northern lighthouse go out so very often?"
    suite = long_suite(tmp_path, input={"text": sentence})
    text = sentence.replace("lamp", "lanp").replace("northern", "nothern").replace("ten", "tan")
    found = lint(asking(text), suite=suite)["near_leak"]
    assert f"{named(6)} holds, but for 3 letters, test case test-0003" in found.message


def test_one_sentence_of_a_longer_case_is_found(tmp_path: Path) -> None:
    suite = long_suite(tmp_path, input={"text": f"Good morning to all. {SENTENCE} Best wishes."})
    found = lint(asking(MISTAKES["two letters"]), suite=suite)
    assert found["near_leak"].rows == (named(6),)


@pytest.mark.parametrize(
    "text",
    [
        SENTENCE.replace("printer", "scanner").replace("letter", "notice"),
        SENTENCE.replace("second", "third").replace("Easter", "noon"),
        "Somebody from the other department wants to know why we moved.",
    ],
)
def test_other_words_are_no_mistakes(tmp_path: Path, text: str) -> None:
    suite = long_suite(tmp_path, input={"text": SENTENCE})
    assert not leaks(lint(asking(text), suite=suite)) - {"overlap_leak"}


def test_other_numbers_are_no_mistakes() -> None:
    text = "how many errors did the service write in the last 24 hours of the 3 days"
    other = text.replace("24", "48").replace("3", "5")
    assert not list(misspelt([worded(other)], [worded(text)], never))


def test_a_form_that_many_texts_fill_in_is_no_text_of_its_own(tmp_path: Path) -> None:
    form = "show me each parcel of the harbour that was sent to {} by the last boat in winter"
    names = [f"zeb{one}{other}" for one in "abcd" for other in "abcd"]
    suite = long_suite(tmp_path, input={"text": form.format("zebee")})
    rows = [file_row(n, ask(form.format(name)), answer=name) for n, name in enumerate(names, 1)]
    assert not {"near_leak", "overlap_leak"} & lint(rows, suite=suite).keys()


def test_words_that_many_texts_have_are_no_mistakes() -> None:
    form = "show me every parcel of the harbour office that was sent to {} by the night boat"
    texts = [worded(form.format(town)) for town in ("varna", "parma", "viana")]
    pattern = [worded(form.format("vanna"))]
    others = [worded(f"{town} {n}") for town in ("varna", "parma", "viana") for n in "abc"]
    assert not list(misspelt([*texts, *others], pattern, never))
    assert list(misspelt(texts[:1], pattern, never)) == [Misspelt(0, 0, 1)]
