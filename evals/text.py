r"""Hostile text made visible: model output and case data on their way to a terminal or file.

Control characters, ANSI escapes, direction overrides, invisible characters, lone surrogates
and marks stacked without end become escapes such as `\x1b` and `\u202e`; everything else stays
as it is. What a CI runner would take for a command from its log is a further matter: `inert`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from unicodedata import category

if TYPE_CHECKING:
    from rich.text import Text

# C0 and C1 controls with DEL; line and paragraph separators; marks and overrides of
# direction (they reorder what is read); zero-width and other invisible characters that
# hide text (joiners stay: scripts and emoji need them); tag characters and variation
# selectors beyond the emoji ones (invisible alphabets); surrogates; the noncharacters and
# annotation marks that XML or terminals refuse.
_CONTROLS = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f"
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\ufffe\uffff"
    "\U000e0000-\U000e0fff"
)
_SURROGATES = "\ud800-\udfff"
_HOSTILE = re.compile(f"[{_CONTROLS}{_SURROGATES}]")
_HOSTILE_OR_LAYOUT = re.compile(f"[\t\n{_CONTROLS}{_SURROGATES}]")
_LONE = re.compile(f"[{_SURROGATES}]")

# A line's beginning as CI runners trim it, colours included, when "::" comes next.
_COMMAND = re.compile(r"(?:\s|\x1b\[[0-9;]*m)*(:)(?=:)")
_DOUBLE_HASH = re.compile("#(?=#)")

MOST_MARKS = 8
"""Combining marks on one letter that are shown as they are."""

_NAMED = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}


def visible(text: str, limit: int | None = None, *, layout: bool = False) -> str:
    r"""`text` with everything that is not plainly visible written as an escape.

    With `layout`, newlines and tabs stay; otherwise they too are escapes (`\n`, `\t`) and
    the result is one line. `limit` bounds the result's characters, "…" included, and
    never cuts an escape. The result can be encoded as UTF-8 and stand in XML. Backslashes
    are not doubled: this is for reading, not for parsing back. No markup of rich is
    escaped: see `visible_text`.
    """
    pattern = _HOSTILE if layout else _HOSTILE_OR_LAYOUT
    if limit is None:
        return _unstacked(pattern.sub(_escape, text))
    whole = text[: limit + 1]  # a character becomes at least one, so more is never shown
    stacked = _stacked(whole)
    pieces = [
        _escape_one(one) if pattern.match(one) or place in stacked else one
        for place, one in enumerate(whole)
    ]
    if sum(map(len, pieces)) <= limit:
        return "".join(pieces)
    kept, room = [], limit - 1
    for piece in pieces:
        if len(piece) > room:
            break
        kept.append(piece)
        room -= len(piece)
    return "".join(kept) + ("…" if limit > 0 else "")


def _unstacked(text: str) -> str:
    """The text with escapes for the marks that `_stacked` finds."""
    if places := _stacked(text):
        return "".join(_escape_one(c) if i in places else c for i, c in enumerate(text))
    return text


def _stacked(text: str) -> frozenset[int]:
    """Where a combining mark follows so many that no script has them: no line breaks there."""
    if text.isascii():
        return frozenset()
    places, run = set(), 0
    for place, one in enumerate(text):
        run = run + 1 if one > "\u02ff" and category(one)[0] == "M" else 0
        if run > MOST_MARKS:
            places.add(place)
    return frozenset(places)


def hidden_in(text: str) -> tuple[str, ...]:
    """The different characters of a text that `visible` with `layout` writes as escapes."""
    return tuple(dict.fromkeys(_HOSTILE.findall(text)))


def visible_text(
    text: str, limit: int | None = None, *, layout: bool = False, style: str = ""
) -> Text:
    """`visible` as a rich Text: square brackets in it are text and never markup."""
    from rich.text import Text

    return Text(visible(text, limit, layout=layout), style=style)


def visible_markup(text: str, limit: int | None = None, *, layout: bool = False) -> str:
    """`visible` with rich's markup escaped, for use inside a marked-up string."""
    from rich.markup import escape

    shown = visible(text, limit, layout=layout)
    body = shown.rstrip("\\")
    # rich halves backslashes before a tag and only there: double the last ones, end with a tag.
    tail = "\\" * 2 * (len(shown) - len(body))
    return f"[none]{escape(body)}{tail}[/none]" if tail else escape(body)


def inert(text: str) -> str:
    r"""`text` with nothing in it that a CI runner takes for a command from its log.

    GitHub takes lines that begin with `::`, white space apart, and `##[` anywhere; Azure and
    TeamCity take `##vso[` and `##teamcity[`. The first colon of such a line is written as
    `\x3a`, and every hash before another as `\x23`. What needs a control character is not
    looked for: `visible` leaves none.
    """
    lines = map(_inert_start, text.splitlines(keepends=True))
    return _DOUBLE_HASH.sub(_escape, "".join(lines))


def encodable(text: str) -> str:
    r"""`text` with each lone surrogate written as `\udXXX`, so that it encodes as UTF-8."""
    return _LONE.sub(_escape, text)


def _inert_start(line: str) -> str:
    begins = _COMMAND.match(line)
    if begins is None:
        return line
    return line[: begins.start(1)] + _escape_one(":") + line[begins.end(1) :]


def _escape(match: re.Match[str]) -> str:
    return _escape_one(match[0])


def _escape_one(character: str) -> str:
    if character in _NAMED:
        return _NAMED[character]
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
