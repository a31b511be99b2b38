"""The scripts a text is written in, by the names of its letters in Unicode.

Scripts, not languages: French in place of English is not seen. What there is to tell languages
apart is unsure of the short answers that suites expect, and a wrong claim is worse than none.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from functools import lru_cache

READ = 2_000
"""Characters of a text that are looked at."""
LEAST_LETTERS = 4
"""An answer with fewer letters says too little; a Han or Hangul sign counts as two."""
MOST_OF = 0.6
"""A text is in a script that has this share of its letters."""

_EAST_ASIAN = frozenset({"CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO"})
_WHOLE_WORDS = frozenset({"CJK", "HANGUL"})


def other_script(answer: str, wanted: str, shown: str) -> str | None:
    """The script of `answer`, where `wanted` has letters and none of that script; else None.

    A script that stands in `shown` (the input) is not held against the answer: it may quote.
    """
    written = main_script(answer)
    if written is None:
        return None
    expected = scripts(wanted)
    if not expected or written in expected or written in scripts(shown):
        return None
    return written


def main_script(text: str) -> str | None:
    """The script of most of the text's letters; None where there are few, or no such script."""
    found = scripts(text)
    total = found.total()
    if total < LEAST_LETTERS:
        return None
    name, count = max(found.items(), key=lambda item: (item[1], item[0]))
    return name if count >= MOST_OF * total else None


def scripts(text: str) -> Counter[str]:
    """Letters of the text by script; Han and kana are one, as Japanese mixes them."""
    beginning = text[:READ]
    if beginning.isascii():
        latin = sum(map(str.isalpha, beginning))
        return Counter({"Latin": latin} if latin else {})
    found: Counter[str] = Counter()
    for letter, count in Counter(unicodedata.normalize("NFKC", beginning)).items():
        script = _script(letter)
        if script:
            found["East Asian" if script in _EAST_ASIAN else script.capitalize()] += count * (
                2 if script in _WHOLE_WORDS else 1
            )
    return found


@lru_cache(maxsize=4096)
def _script(letter: str) -> str:
    """The first word of the letter's name, e.g. LATIN; empty for what is no letter."""
    if not unicodedata.category(letter).startswith("L"):
        return ""
    first = unicodedata.name(letter, "").split(" ")[0].split("-")[0]
    return "" if first in {"", "MODIFIER", "FEMININE", "MASCULINE"} else first
