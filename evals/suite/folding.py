"""When two inputs count as the same text: the one answer for all that guards against leaks.

From strict to lax: *folded* (NFKC, casefolded, single spaces, no character that shows nothing);
*loose* (also without sentence punctuation, while signs that carry meaning, "<", "+", "3.5", "-5",
stay); *bare* (letters and digits only). Each is made from the one before, so texts that are equal
in one form are equal in all that follow. What refuses data (leak detection, the lint of training
data) compares loose forms: "latency > 5" does not contradict "latency < 5". What only
chooses demonstrations can afford the bare form, and so never shows what detection calls a leak.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping

from evals.fingerprint import canonical_json
from evals.records import Case, Json


def input_text(case: Case) -> str:
    """All leaves of a case's input, by key: texts as they are, anything else as JSON."""
    return "\n".join(leaves(case.input))


def comparable(case: Case) -> str:
    """All text of a case that a model could see: its input by key, its choices, its turns."""
    return "\n".join([*leaves(case.input), *case.choices, *(turn.user for turn in case.turns)])


# What shows nothing: Unicode's Default_Ignorable_Code_Point (DerivedCoreProperties), marks of
# annotation, and controls that are no blanks. Joiners choose between shapes of one word: to
# compare they may go. Tags after a black flag say whose flag it is, and stay.
_UNSEEN = re.compile(
    "(\U0001f3f4[\U000e0021-\U000e007e]{1,8}\U000e007f)"
    "|[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]+"
)


def hides(text: str) -> bool:
    """Whether `text` holds characters that show nothing and are dropped to compare."""
    return any(found[1] is None for found in _UNSEEN.finditer(text))


def fold(text: str) -> str:
    """NFKC, casefolded, with single spaces, without what shows nothing (soft hyphens, joiners)."""
    seen = _UNSEEN.sub(lambda found: found[1] or "", text)
    return " ".join(unicodedata.normalize("NFKC", seen).casefold().split())


# A mark between two digits belongs to a number; a hyphen is dropped only between letters.
_SENTENCE_MARKS = re.compile(
    r"(?<![0-9])[.,:]|[.,:](?![0-9])|[;!?¡¿…\"'`´‘’“”„«»()\[\]{}。、！？]"
    r"|(?<=[^\W\d_])[-‐‑–—](?=[^\W\d_])"
)


def loosen(text: str) -> str:
    """Folded text without sentence punctuation; the text itself where nothing is left."""
    return " ".join(_SENTENCE_MARKS.sub(" ", text).split()) or text


# All but what `str.isalnum` says yes to, which is what `re` counts as a word, "_" apart.
_SIGNS = re.compile(r"[\W_]+")


def bare(text: str) -> str:
    """Any text as words of letters and digits only; its loose form where nothing is left."""
    loose = loosen(fold(text))
    return _SIGNS.sub(" ", loose).strip() or loose


def leaves(value: Json) -> Iterator[str]:
    """The texts within a value, those of numbers and the like as JSON, keys in order."""
    if isinstance(value, Mapping):
        for key in sorted(value):
            yield from leaves(value[key])
    elif isinstance(value, list | tuple):
        for item in value:
            yield from leaves(item)
    else:
        yield value if isinstance(value, str) else canonical_json(value)
