"""A real pseudo-terminal of a stated width, on which a command prints in this process."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import NamedTuple, TextIO
from unittest import mock

from rich.cells import cell_len

from tunegate.__main__ import main

_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_ASKED = ("COLUMNS", "FORCE_COLOR", "NO_COLOR", "CI", "GITHUB_ACTIONS", "TF_BUILD")


class Screen(NamedTuple):
    """What a command wrote to a terminal, both streams together, and its exit code."""

    code: int
    raw: str

    @property
    def text(self) -> str:
        """Without escape codes, with line ends as in a file."""
        return _ESCAPE.sub("", self.raw).replace("\r\n", "\n")

    @property
    def words(self) -> str:
        """All of it on one line, as if nothing had been wrapped."""
        return " ".join(self.text.split())

    @property
    def longest(self) -> str:
        """The longest line, also of those that were drawn over."""
        return max(re.split(r"[\r\n]", self.text), key=cell_len)


def set_width(terminal: int, width: int) -> None:
    """Make the terminal so many columns wide."""
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))


def call_on_terminal(width: int, *arguments: object, **environ: str) -> Screen:
    """Call `main` with both streams on a terminal of `width` columns, in a plain environment."""
    ours, theirs = pty.openpty()
    set_width(theirs, width)
    seen: list[bytes] = []
    reader = Thread(target=_read, args=(ours, seen))
    reader.start()
    kept = {name: value for name, value in os.environ.items() if name not in _ASKED}
    stated = {**kept, "TERM": "xterm-256color", **environ}
    with mock.patch.dict(os.environ, stated, clear=True), _streams(theirs):
        code = main([str(argument) for argument in arguments])
    reader.join()
    os.close(ours)
    return Screen(code, b"".join(seen).decode("utf-8"))


@contextmanager
def _streams(terminal: int) -> Iterator[None]:
    """Standard output and error on `terminal`, which is closed at the end."""
    out, err = _open(terminal), _open(terminal)
    os.close(terminal)
    with out, err, mock.patch.object(sys, "stdout", out), mock.patch.object(sys, "stderr", err):
        yield


def _open(terminal: int) -> TextIO:
    return os.fdopen(os.dup(terminal), "w", encoding="utf-8", buffering=1)


def _read(terminal: int, seen: list[bytes]) -> None:
    try:
        while block := os.read(terminal, 1 << 16):
            seen.append(block)
    except OSError:  # how a terminal says that its other side has closed
        pass
