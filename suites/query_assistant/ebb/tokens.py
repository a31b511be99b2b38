"""Text to tokens, bounded and without backtracking; the error that names a place."""

from __future__ import annotations

import re
from typing import NamedTuple

from ebb.tree import WORD

MAX_CHARS = 2_000
_TOKEN = re.compile(
    rf'(?P<space>\s+)|(?P<word>{WORD.pattern})|(?P<quoted>"[^"\n]*")'
    r"|(?P<op>!=|!~|!\^|>=|<=|==|<>|[=><~^])|(?P<mark>[|,&()\[\]+\-@])"
)


class QueryError(ValueError):
    """The text is no query; `position` counts characters from 1."""

    def __init__(self, position: int, expected: str, found: str) -> None:
        super().__init__(f"at character {position}: expected {expected}, found {found}")
        self.position = position


class Token(NamedTuple):
    """A piece of a query and the index of its first character."""

    kind: str
    text: str
    start: int


def tokenize(text: str) -> list[Token]:
    """Words, quoted text, operators and marks, ending with an `end` token."""
    if len(text) > MAX_CHARS:
        raise QueryError(MAX_CHARS + 1, f"at most {MAX_CHARS} characters", f"{len(text)}")
    tokens: list[Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise QueryError(position + 1, "a word, operator or |", repr(text[position]))
        kind = match.lastgroup or ""
        if kind != "space":
            tokens.append(Token(kind, match[0], position))
        position = match.end()
    return [*tokens, Token("end", "", len(text))]
