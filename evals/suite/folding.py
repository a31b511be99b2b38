"""When two inputs count as the same text: the one answer for all that guards against leaks.

From strict to lax: *folded* (NFKC, casefolded, single spaces); *loose* (also without
sentence punctuation, while signs that carry meaning, "<", "+", "3.5", "-5", stay); *bare*
(letters and digits only). Each is made from the one before, so texts that are equal in one
form are equal in all that follow. What refuses data (leak detection, the lint of training
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
    return "\n".join(_leaves(case.input))


def comparable(case: Case) -> str:
    """All text of a case that a model could see: its input by key, its choices, its turns."""
    return "\n".join([*_leaves(case.input), *case.choices, *(turn.user for turn in case.turns)])


def fold(text: str) -> str:
    """NFKC, casefolded, with single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


# A mark between two digits belongs to a number; a hyphen is dropped only between letters.
_SENTENCE_MARKS = re.compile(
    r"(?<![0-9])[.,:]|[.,:](?![0-9])|[;!?¡¿…\"'`´‘’“”„«»()\[\]{}。、！？]"
    r"|(?<=[^\W\d_])[-‐‑–—](?=[^\W\d_])"
)


def loosen(text: str) -> str:
    """Folded text without sentence punctuation; the text itself where nothing is left."""
    return " ".join(_SENTENCE_MARKS.sub(" ", text).split()) or text


def bare(text: str) -> str:
    """Any text as words of letters and digits only; its loose form where nothing is left."""
    loose = loosen(fold(text))
    return " ".join("".join(c if c.isalnum() else " " for c in loose).split()) or loose


def _leaves(value: Json) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key in sorted(value):
            yield from _leaves(value[key])
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _leaves(item)
    else:
        yield value if isinstance(value, str) else canonical_json(value)
