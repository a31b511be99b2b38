"""The command line's front: parse, run one command, turn errors into exit codes."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable
from importlib import import_module

from evals.errors import TunegateError
from tunegate.cli.console import Terminal
from tunegate.cli.parser import build_parser

COMMANDS = {
    "audit": "suites",
    "check": "suites",
    "compare": "records",
    "eval": "running",
    "gate": "deciding",
    "init": "suites",
    "models": "records",
    "report": "deciding",
    "run": "deciding",
    "runs": "records",
    "show": "records",
    "tune": "deciding",
}
"""Which module of this package holds each command's function."""

INTERRUPTED = 130


def run_command(arguments: list[str]) -> int:
    """Run one command line. Deliberate errors become one message and their exit code."""
    parser = build_parser()
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help()
        return 2
    terminal = Terminal(as_json=options.json)
    try:
        return _command(options.command)(options, terminal)
    except TunegateError as error:
        terminal.error(error)
        return error.exit_code
    except KeyboardInterrupt:
        terminal.note("interrupted; the same command goes on where it was")
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return 0


def _command(name: str) -> Callable[[Namespace, Terminal], int]:
    module = import_module(f"tunegate.cli.{COMMANDS[name]}")
    function: Callable[[Namespace, Terminal], int] = getattr(module, f"{name}_command")
    return function
