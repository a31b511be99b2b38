"""One of the two streams of a command: how wide it is, whether it is a terminal, its colours.

A terminal gets lines wrapped at its width. A pipe, a file or a log gets every line whole, since
it is searched and cut by programs; a `COLUMNS` that is stated there fits tables to it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import IO, TextIO, cast

from rich.console import Console
from rich.text import Text

from evals.text import visible
from tunegate.cli.ci_log import InertStream
from tunegate.cli.tables import wrap
from tunegate.environment import in_ci

_DUMB = {"dumb", "unknown"}
_USUAL_WIDTH = 80
_HANGING = 2  # further indent of the lines that go on with an indented one


class Stream:
    """Where a command prints for a person. In continuous integration no line is a command."""

    def __init__(self, file: TextIO, environ: Mapping[str, str]) -> None:
        self._file = file
        self._stated = _stated_width(environ.get("COLUMNS", ""))
        self.is_terminal = file.isatty()
        is_dumb = environ.get("TERM", "").lower() in _DUMB
        self.can_redraw = self.is_terminal and not is_dumb and not in_ci(environ)
        self.raw = InertStream(file)
        self.ends_blank = True  # nothing stands above what comes next, or an empty line does
        # By itself rich takes COLUMNS=0 at its word, and prints nothing at all.
        is_void = bool(environ.get("COLUMNS")) and not self._stated
        shown = self.raw if in_ci(environ) else file
        width = _width_of(file) if is_void else None
        self.console = _console(shown, environ, width, is_terminal=self.is_terminal)

    @property
    def table_width(self) -> int | None:
        """Screen columns that a table may take; None is as many as there need be."""
        return self._stated or (_width_of(self._file) if self.is_terminal else None)

    @property
    def line_width(self) -> int | None:
        """Screen columns at which lines are wrapped; None is not at all."""
        return self.table_width if self.is_terminal else None

    def print_line(self, text: str, style: str = "", head: str = "") -> None:
        """One line of untrusted text, in which no markup is read; `head` is in red."""
        shown, width = visible(text), self.line_width
        if width is None:
            self.print_whole(Text.assemble((head, "bold red"), (shown, style)))
            return
        for number, piece in enumerate(self._wrapped(head + shown, width)):
            first = len(head) if number == 0 else 0
            self.print_whole(Text.assemble((piece[:first], "bold red"), (piece[first:], style)))

    def print_pieces(self, text: Text) -> None:
        """Text of several lines, already made visible."""
        width = self.line_width
        self.console.print(text, soft_wrap=width is None, width=width)
        self.ends_blank = False

    def print_whole(self, line: Text, style: str = "") -> None:
        """One line as it is, however long."""
        self.console.print(line, style=style, soft_wrap=True)
        self.ends_blank = not line.plain

    def _wrapped(self, text: str, width: int) -> Iterator[str]:
        """An indented line goes on further in, so that its beginning can be seen."""
        body = text.lstrip(" ")
        indent = len(text) - len(body)
        hanging = indent + _HANGING if indent else 0
        for number, piece in enumerate(wrap(body, max(width - hanging, 1), self.console)):
            yield " " * (hanging if number else indent) + piece


def _console(
    file: TextIO | InertStream, environ: Mapping[str, str], width: int | None, *, is_terminal: bool
) -> Console:
    """A console that obeys NO_COLOR and FORCE_COLOR, where they are not empty.

    It leaves a closed pipe to the one place that handles it: by itself rich would end with
    exit code 1, which means a failed quality here.
    """

    def pass_on() -> None:
        raise BrokenPipeError

    colourless = bool(environ.get("NO_COLOR"))
    forced = bool(environ.get("FORCE_COLOR")) and not colourless
    console = Console(
        file=cast("IO[str]", file),
        width=width,
        highlight=False,
        force_terminal=is_terminal or forced,
        no_color=colourless,
    )
    console.on_broken_pipe = pass_on  # type: ignore[method-assign]
    return console


def _stated_width(columns: str) -> int:
    """Screen columns that `COLUMNS` states; 0 where it states none."""
    return int(columns) if columns.isdecimal() else 0


def _width_of(terminal: TextIO) -> int:
    """Screen columns of a terminal, also of one that says nothing of itself."""
    try:
        return os.get_terminal_size(terminal.fileno()).columns or _USUAL_WIDTH
    except OSError:
        return _USUAL_WIDTH
