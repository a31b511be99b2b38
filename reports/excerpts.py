"""Texts cut to a length that a page can hold, and JSON values as text."""

from __future__ import annotations

import json
from dataclasses import dataclass

from evals.records import Json

MOST_CHARACTERS = 2_000


class Passage(str):
    """A text that was cut on purpose already: shown whole, where a name would be cut."""

    __slots__ = ()


@dataclass(frozen=True)
class Excerpt:
    """The beginning of a text, and how many characters of it are not shown."""

    text: Passage
    hidden: int = 0

    @property
    def rest(self) -> str:
        """What to say about the part that is not shown; empty where all is."""
        return f"… {self.hidden:,} more characters" if self.hidden else ""


def excerpt(text: str, most: int = MOST_CHARACTERS) -> Excerpt:
    """The first `most` characters of `text`."""
    return Excerpt(Passage(text[:most]), max(0, len(text) - most))


def one_line(text: str, most: int) -> str:
    """A text for a table or a summary: white space collapsed, cut with an ellipsis."""
    line = " ".join(text[: most * 4].split())
    return line if len(line) <= most and len(text) <= most * 4 else line[:most].rstrip() + "…"


def as_text(value: Json) -> str:
    """A case's value as a person reads it: strings as they are, the rest as JSON."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)


def compact_text(value: Json) -> str:
    """A case's value on as little room as possible: strings as they are, the rest as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
