from __future__ import annotations

import pytest

from tests.tuning.data.lint.poisoned import asking, lint, named, sealed_case
from tuning.data.lint.undisguised import undisguised


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Café Übung", "cafe ubung"),
        ("r\u0435p\u043ert", "report"),
        ("\u039f\u03bene \u039dOTE", "o\u03bene note"),
        ("h\u0338e\u0301\u200b\u0302llo", "hello"),
        ("a&nbsp;b &eacute;&#101; &amp;eacute;", "a b ee e"),
        ("%65rror%20now, 100% sure, %ff", "error now, 100% sure, %ff"),
        (r"\u0065rr\x6fr\nnow \ud83d\ude00", "error now \U0001f600"),
        ("latency > 5", "latency > 5"),
    ],
)
def test_what_hides_letters_is_taken_off(text: str, plain: str) -> None:
    assert undisguised(text) == plain


@pytest.mark.parametrize("text", ["가나다", "が", "हिन्दी", "กี่", "שָׁלוֹם"])
def test_marks_that_belong_to_a_script_stay(text: str) -> None:
    assert undisguised(text) == undisguised(undisguised(text))
    assert len(undisguised(text)) == len(text)


@pytest.mark.parametrize(
    "letters", ["абвгдежзийклмнопрстуфхцчшщъыьэюя", "αβγδεζηθικλμνξοπρστυφχψω"]
)
def test_letters_of_one_script_stay_apart(letters: str) -> None:
    assert len(set(undisguised(letters))) == len(letters)


LOOK_ALIKE = str.maketrans({"e": "\u0435", "o": "\u043e", "a": "\u0430"})


@pytest.mark.parametrize(
    "disguise",
    [
        lambda text: text.replace("e", "é").replace("a", "ä"),
        lambda text: text.translate(LOOK_ALIKE),
        "\u0336".join,
        lambda text: text.replace(" ", "&nbsp;"),
        lambda text: "".join(f"&#{ord(letter)};" for letter in text),
        lambda text: text.replace(" ", "%20").replace("e", "%65"),
        lambda text: text.replace("e", "\\u0065"),
    ],
    ids=["accents", "cyrillic", "marks", "blanks", "entities", "percent", "escapes"],
)
def test_a_disguised_case_is_a_leak_alone_and_within_other_text(disguise: object) -> None:
    text = disguise(str(sealed_case("test-0004").input["text"]))  # type: ignore[operator]
    assert lint(asking(text))["overlap_leak"].rows == (named(6),)
    found = lint(asking(f"Somebody wrote {text} and left, so what now?"))["overlap_leak"]
    assert found.rows == (named(6),)
    assert "test case test-0004" in found.message
