"""The command line's front: parse, run one command, turn errors into exit codes."""

from __future__ import annotations

import os
import sqlite3
import sys
import warnings
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from evals.errors import RunWarning, TunegateError
from tunegate.cli.console import Terminal
from tunegate.cli.failures import as_deliberate
from tunegate.cli.output import refuse_overwriting
from tunegate.cli.parser import build_parser

COMMANDS = {
    "aa": "wavering",
    "accept": "accepting",
    "adapters": "adapters",
    "audit": "suites",
    "check": "suites",
    "ci": "regression",
    "compare": "records",
    "curve": "learning",
    "data": "data",
    "eval": "running",
    "gate": "deciding",
    "import": "importing",
    "init": "suites",
    "models": "records",
    "report": "reporting",
    "run": "deciding",
    "runs": "records",
    "show": "records",
    "tradeoff": "tradeoff",
    "tune": "deciding",
}
"""Which module of this package holds each command's function."""

RESUMED = frozenset({"aa", "audit", "ci", "curve", "eval", "run", "tradeoff", "tune"})
"""Commands that keep what they did as they go, and find it again; `data` does with --sample."""
INTERRUPTED = 130
NOBODY_READS = 141
"""As of a program that SIGPIPE ended: what was asked for was not delivered."""


def run_command(arguments: list[str]) -> int:
    """Run one command line. What goes wrong becomes one message and its exit code.

    Deliberate errors say themselves what they are; those of the file system and of the
    ledger's database become one (`tunegate.cli.failures`). Any other is a bug and shows.
    """
    _open_closed_streams()
    terminal = Terminal(as_json="--json" in arguments)
    ledger: Path | None = None
    resumes = False
    code = NOBODY_READS
    try:
        options = build_parser().parse_args(arguments)
        if options.command:
            ledger, terminal.as_json = options.ledger, options.json
            resumes = _resumes(options)
        with _warnings_told(terminal):
            code = _dispatch(options, terminal)
        sys.stdout.flush()  # here, where a closed pipe can still be told from success
    except TunegateError as error:
        return terminal.error(error)
    except KeyboardInterrupt:
        return terminal.interrupted(INTERRUPTED, resumes=resumes)
    except BrokenPipeError:
        _forget_stdout()
        return code  # the command's own where it came to an end before the pipe was missed
    except (OSError, sqlite3.DatabaseError) as error:
        return terminal.error(as_deliberate(error, ledger, resumes=resumes))
    return code


def _resumes(options: Namespace) -> bool:
    """Whether a command that was cut off goes on where it was when it is given again."""
    if getattr(options, "rescore", False):
        return False
    drawing = options.command == "data" and options.sample is not None
    return drawing or options.command in RESUMED


@contextmanager
def _warnings_told(terminal: Terminal) -> Iterator[None]:
    """Our own warnings become lines for a person; those of libraries stay what they are."""
    with warnings.catch_warnings():
        show = warnings.showwarning

        def tell(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
            if issubclass(category, RunWarning):
                terminal.note(f"warning: {message}")
            else:
                show(message, category, *place, **more)

        warnings.simplefilter("always", RunWarning)
        warnings.showwarning = tell
        yield


def _open_closed_streams() -> None:
    """A stream that was closed before we began (`>&-`) takes what is written to nobody."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115


def _dispatch(options: Namespace, terminal: Terminal) -> int:
    if options.command is None:
        build_parser().print_help()
        return 2
    refuse_overwriting(options)
    module = import_module(f"tunegate.cli.{COMMANDS[options.command]}")
    function: Callable[[Namespace, Terminal], int] = getattr(module, f"{options.command}_command")
    return function(options, terminal)


def _forget_stdout() -> None:
    """Whoever read has gone: what is still buffered must not fail again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
