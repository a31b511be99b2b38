"""Texts without what changes their signs and not how they read: entities, accents, look-alikes.

Only to compare. All texts are changed alike, so texts that were equal stay equal, and Russian or
Greek is still told apart letter by letter: no two of a script's letters become one, "ё" and "е"
apart.
"""

from __future__ import annotations

import html
import re
import unicodedata

from evals.suite.folding import fold

_TIMES = 2  # an entity may itself be written with entities
# What stands within text that was written for a page, an address or a program.
_PERCENT = re.compile("(?:%[0-9A-Fa-f]{2})+")
_ESCAPE = re.compile(
    r"\\(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|U(000[0-9A-Fa-f]{5}|0010[0-9A-Fa-f]{4})|[nrt])"
)
# Blocks of marks that go with any letter. Marks that are vowels or voicing stand elsewhere.
_ON_LETTERS = "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_MARKS = re.compile(f"(?<=[a-z])[{_ON_LETTERS}]+")
# Letters that look like Latin ones, most of them as capitals (after Unicode's confusables.txt).
_ALIKE = str.maketrans(
    "авекмнорстухѕіјԁԛԝαβεζηικμνορτυχıøłđħɑɡ",
    "abekmhopctyxsijdqwabezhikmnoptyxioldhag",
)


def undisguised(text: str) -> str:
    """The folded text with entities and escapes read, and marked or look-alike letters plain."""
    for _ in range(_TIMES):
        before, text = text, _read(text)
        if text == before:
            break
    folded = fold(text)
    if folded.isascii():
        return folded
    plain = unicodedata.normalize("NFKD", folded).translate(_ALIKE)
    return unicodedata.normalize("NFKC", _MARKS.sub("", plain))


def _read(text: str) -> str:
    if "&" in text:
        text = html.unescape(text)
    if "%" in text:
        text = _PERCENT.sub(_octets, text)
    if "\\" in text:
        text = _ESCAPE.sub(_escaped, text)
        # Two escapes that are the halves of one character.
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _octets(found: re.Match[str]) -> str:
    """What percent-encoding says, where that is UTF-8."""
    try:
        return bytes.fromhex(found[0].replace("%", "")).decode()
    except UnicodeDecodeError:
        return found[0]


def _escaped(found: re.Match[str]) -> str:
    code = found[1] or found[2] or found[3]
    return chr(int(code, 16)) if code else " "
