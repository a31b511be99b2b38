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
from contextlib import AbstractContextManager, contextmanager
from io import TextIOWrapper
from typing import Any

from rich.text import Text

from evals.errors import TunegateError
from evals.fingerprint import canonical
from evals.generating import Progress
from evals.text import visible
from tunegate.cli.ci_log import inert_json
from tunegate.cli.progress import Report, barred, logged
from tunegate.cli.streams import Stream
from tunegate.cli.tables import read_columns, table_lines
from tunegate.environment import in_ci


class Terminal:
    """The two streams of one command, made for a person or (`as_json`) for a program."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        for stream in (sys.stdout, sys.stderr):
            # A terminal that cannot show a character gets an escape, never a crash.
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        self._in_ci = in_ci(os.environ)
        self._out = Stream(sys.stdout, os.environ)
        self._err = Stream(sys.stderr, os.environ)

    def line(self, text: str = "", style: str | None = None) -> None:
        """Print one line of untrusted text: no markup is read in it."""
        if not self.as_json:
            self._out.print_line(text, style or "")

    def pieces(self, pieces: Sequence[tuple[str, str]]) -> None:
        """Print untrusted text of several lines, in pieces that each have a style of their own."""
        if self.as_json:
            return
        shown = [(visible(text, layout=True).expandtabs(4), style) for text, style in pieces]
        self._out.print_pieces(Text.assemble(*shown))

    def note(self, text: str) -> None:
        """Print one line on standard error."""
        self._err.print_line(text, "dim")

    def command(self, line: str) -> None:
        """Write one command for the CI's runner on standard error, just as it is.

        Raises ValueError where it is more than one line. Nothing in it is made harmless: that
        is for whoever writes it (`reports.ci.render_annotations`).
        """
        if line.splitlines() != [line]:
            raise ValueError(f"a command for the runner is one line, not {line!r}")
        self._err.raw.command(line)
        self._err.raw.flush()

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Print a table. Heads beginning with '>' (numbers) or '!' (names) are not wrapped.

        What has no room in a row stands below it: see `tunegate.cli.tables`. Empty lines part it
        from what stands above and below.
        """
        if self.as_json:
            return
        width = self._out.table_width
        if not self._out.ends_blank:
            self._out.print_line("")
        if title:
            self._out.print_line(title, "italic")
        for line, style in table_lines(read_columns(columns, rows), width, self._out.console):
            self._out.print_whole(line, style)
        self._out.print_line("")

    def result(self, document: Any) -> None:
        """Print the command's JSON document when a program reads; silent for a person."""
        if self.as_json:
            text = json.dumps(canonical(document), indent=2)
            sys.stdout.write((inert_json(text) if self._in_ci else text) + "\n")

    def error(self, error: TunegateError) -> int:
        """Print a deliberate error once, for whoever reads; returns its exit code."""
        self._err.print_line(str(error), head="error: ")
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
        """A bar on standard error; where nothing can be redrawn, a line now and then."""
        with self._following(label) as report:
            yield lambda done, total: report(
                f"{done:,} of {total:,}", done / total if total else 1.0
            )

    @contextmanager
    def fraction(self, label: str) -> Iterator[Callable[[str, float], None]]:
        """Like `progress`, for work that reports (what is being done, share done in [0, 1])."""
        with self._following(label) as report:
            yield lambda what, share: report(f"{what} {share:.0%}".strip(), share)

    def _following(self, label: str) -> AbstractContextManager[Report]:
        if not self._err.can_redraw:
            return logged(label, self.note)
        return barred(label, self._err.console, self._err.line_width or 0)


def percent(share: float | None) -> str:
    """A score in [0, 1] as a percentage with one decimal; a dash where there is none."""
    return "–" if share is None else f"{100 * share:.1f}%"
