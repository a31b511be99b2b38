"""What a command prints: tables for a person, or one JSON document for a program.

Standard output carries the result and nothing else; progress and errors go to standard
error. Everything that came from a file or a model passes through `evals.text.visible`, and
in continuous integration all of it through `tunegate.cli.ci_log`, so that no line is a command.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from typing import IO, TYPE_CHECKING, Any, cast

from evals.errors import TunegateError
from evals.fingerprint import canonical
from evals.generating import Progress
from evals.text import visible
from tunegate.cli.ci_log import InertStream, inert_json
from tunegate.environment import in_ci

if TYPE_CHECKING:
    from rich.console import Console, RenderableType


_CELL_EDGES = 3  # padding on both sides and a separator
_WRAPPED_WIDTH = 12  # a column that wraps is not squeezed below this


class Terminal:
    """The two streams of one command, made for a person or (`as_json`) for a program."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        for stream in (sys.stdout, sys.stderr):
            # A terminal that cannot show a character gets an escape, never a crash.
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        self._in_ci = in_ci(os.environ)
        self._raw_err = InertStream(sys.stderr)
        self.err: Console = _console(self._raw_err if self._in_ci else None, stderr=True)
        self._out: Console = _console(InertStream(sys.stdout) if self._in_ci else None)

    def show(self, renderable: RenderableType = "") -> None:
        """Print one rich renderable for a person; silent when a program reads."""
        if not self.as_json:
            self._out.print(renderable)

    def line(self, text: str = "", style: str | None = None) -> None:
        """Print one line of untrusted text: no markup is read in it."""
        if not self.as_json:
            _print_line(self._out, text, style or "")

    def pieces(self, pieces: Sequence[tuple[str, str]]) -> None:
        """Print untrusted text of several lines, in pieces that each have a style of their own."""
        from rich.text import Text

        if self.as_json:
            return
        shown = [(visible(text, layout=True).expandtabs(4), style) for text, style in pieces]
        self._out.print(Text.assemble(*shown), soft_wrap=not self._out.is_terminal)

    def note(self, text: str) -> None:
        """Print one line on standard error."""
        _print_line(self.err, text, "dim")

    def command(self, line: str) -> None:
        """Write one command for the CI's runner on standard error, just as it is.

        Raises ValueError where it is more than one line. Nothing in it is made harmless: that
        is for whoever writes it (`reports.ci.render_annotations`).
        """
        if line.splitlines() != [line]:
            raise ValueError(f"a command for the runner is one line, not {line!r}")
        self._raw_err.command(line)
        self._raw_err.flush()

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Print a table. Heads beginning with '>' (numbers) or '!' (names) are not wrapped.

        Nor are they ever cut: a table that needs more room than there is runs over the edge.
        """
        from rich import box
        from rich.table import Table
        from rich.text import Text

        if self.as_json:
            return
        least = _least_width(columns, rows)
        table = Table(
            title=title or None,
            box=box.SIMPLE_HEAD,
            title_justify="left",
            width=least if least > self._out.width else None,
        )
        for column in columns:
            table.add_column(
                column.lstrip(">!"),
                justify="right" if column.startswith(">") else "left",
                no_wrap=column.startswith((">", "!")),
                overflow="fold",
            )
        for row in rows:
            table.add_row(*(Text(visible(str(cell))) for cell in row))
        self._out.print(table, crop=False, no_wrap=True, overflow="ignore")

    def result(self, document: Any) -> None:
        """Print the command's JSON document when a program reads; silent for a person."""
        if self.as_json:
            text = json.dumps(canonical(document), indent=2)
            sys.stdout.write((inert_json(text) if self._in_ci else text) + "\n")

    def error(self, error: TunegateError) -> int:
        """Print a deliberate error once, for whoever reads; returns its exit code."""
        _print_line(self.err, str(error), head="error: ")
        self.result(
            {
                "error": {
                    "type": type(error).__name__,
                    "message": error.message,
                    "path": error.path,
                    "line": error.line,
                    "key": error.key,
                    "hint": error.hint,
                    "exit_code": error.exit_code,
                }
            }
        )
        return error.exit_code

    def interrupted(self, exit_code: int, *, resumes: bool) -> int:
        """Say that a person stopped the command, and return `exit_code`.

        `resumes` says whether the same command goes on where it was.
        """
        said = "interrupted" + "; the same command goes on where it was" * resumes
        self.note(said)
        self.result({"error": {"type": "Interrupted", "message": said, "exit_code": exit_code}})
        return exit_code

    @contextmanager
    def progress(self, label: str) -> Iterator[Progress]:
        """A progress bar on standard error; without a terminal, a line at start and end."""
        if not self.err.is_terminal:
            self.note(f"{label} ...")
            yield lambda _done, _total: None
            return
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self.err, transient=False) as bar:
            task = bar.add_task(visible(label).replace("[", r"\["), total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)

    @contextmanager
    def fraction(self, label: str) -> Iterator[Callable[[str, float], None]]:
        """Like `progress`, for work that reports (what is being done, share done in [0, 1])."""
        with self.progress(label) as progress:
            yield lambda _what, share: progress(round(100 * share), 100)


def _print_line(console: Console, text: str, style: str = "", head: str = "") -> None:
    """One line: wrapped at words for a person, never wrapped in a pipe or a log."""
    from rich.text import Text

    line = Text.assemble((head, "bold red"), (visible(text), style))
    console.print(line, soft_wrap=not console.is_terminal)


def percent(share: float | None) -> str:
    """A score in [0, 1] as a percentage with one decimal; a dash where there is none."""
    return "–" if share is None else f"{100 * share:.1f}%"


def _console(stream: InertStream | None, *, stderr: bool = False) -> Console:
    """A console on `stream`, or else on a standard one.

    It leaves a closed pipe to the one place that handles it: by itself rich would end with
    exit code 1, which means a failed quality here.
    """
    from rich.console import Console

    def pass_on() -> None:
        raise BrokenPipeError

    console = Console(
        file=cast("IO[str]", stream) if stream else None, stderr=stderr, highlight=False
    )
    console.on_broken_pipe = pass_on  # type: ignore[method-assign]
    return console


def _least_width(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> int:
    """Screen columns that a table takes when only its wrapping columns give way."""
    from rich.cells import cell_len

    width = 2
    for index, column in enumerate(columns):
        cells = [column.lstrip(">!"), *(visible(str(row[index])) for row in rows)]
        longest = max(map(cell_len, cells))
        width += _CELL_EDGES + (
            longest if column.startswith((">", "!")) else min(longest, _WRAPPED_WIDTH)
        )
    return width
