"""A stream whose lines no runner of continuous integration obeys.

Runners read what a job prints for commands of their own, and case texts, model output and
names are not ours. Lines are made harmless where they leave, after wrapping and padding: a
line of a paragraph or a cell of a table can begin with anything.
"""

from __future__ import annotations

import re
from typing import TextIO

from evals.text import inert

_DOUBLE_HASH = re.compile("#(?=#)")


def inert_json(text: str) -> str:
    r"""A JSON document with the same content in which no two hashes stand side by side.

    A hash can only stand within a string there; no line of JSON begins with a colon.
    """
    return _DOUBLE_HASH.sub(r"\\u0023", text)


class InertStream:
    """Passes on what is written so that no line of it is a command: a file for rich."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._last = "\n"
        self.encoding = stream.encoding

    def write(self, text: str) -> int:
        """Write `text`, which may go on with a line that was begun before."""
        if not text:
            return 0
        shown = inert(text)
        if text[0] in ":#" and text[0] == self._last == shown[0]:
            shown = f"\\x{ord(text[0]):02x}{shown[1:]}"
        self._stream.write(shown)
        self._last = text[-1]
        return len(text)

    def command(self, line: str) -> None:
        """Write one line as it is, where a line begins: a command that is meant."""
        begin = "" if self._last == "\n" else "\n"
        self._stream.write(f"{begin}{line}\n")
        self._last = "\n"

    def flush(self) -> None:
        """Flush the stream behind."""
        self._stream.flush()

    def isatty(self) -> bool:
        """Whether the stream behind is a terminal."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """Of the stream behind."""
        return self._stream.fileno()
