"""The command line under test: in this process with its streams caught, or as a subprocess."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tunegate.__main__ import main

ROOT = Path(__file__).resolve().parents[2]


class Told(NamedTuple):
    """What a command said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on standard output; fails where there is more or less."""
        return json.loads(self.out)

    @property
    def without_steps(self) -> Told:
        """The same without the lines of its log, whose times differ from call to call."""
        lines = self.err.splitlines(keepends=True)
        return self._replace(err="".join(x for x in lines if not is_step(x.rstrip("\n"))))


_STEP = re.compile(r".+ \.\.\.|.+(, | in )([0-9.]+ (h|min|s) ?)+")


def is_step(line: str) -> bool:
    """Whether a line of a log tells how far a step is: its beginning, its end or between."""
    return _STEP.fullmatch(line) is not None


class CommandLine:
    """Calls `main` and catches what it prints."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: object) -> Told:
        self._capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        return Told(code, *self._capsys.readouterr())


def call_in(folder: Path, *arguments: object) -> Told:
    """Call `main` at work in `folder`, where no fixture is at hand."""
    out, err = StringIO(), StringIO()
    with chdir(folder), redirect_stdout(out), redirect_stderr(err):
        code = main([str(argument) for argument in arguments])
    return Told(code, out.getvalue(), err.getvalue())


def environment(**changes: str) -> dict[str, str]:
    """An environment for subprocesses: this checkout, one thread, no colours asked for."""
    kept = {k: v for k, v in os.environ.items() if k not in {"FORCE_COLOR", "NO_COLOR"}}
    return kept | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"} | changes


def hear_interrupts() -> None:
    """A shell may have had this whole process ignore Ctrl-C, and children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start(folder: Path, *arguments: object, **changes: str) -> subprocess.Popen[bytes]:
    """Start the command as its users do, in `folder`, leading a process group of its own."""
    command = [sys.executable, "-m", "tunegate", *(str(argument) for argument in arguments)]
    return subprocess.Popen(
        command,
        cwd=folder,
        env=environment(**changes),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=hear_interrupts,  # noqa: PLW1509 - it takes no lock
    )


def finish(process: subprocess.Popen[bytes], seconds: float = 300) -> Told:
    """Wait for the end and read both streams."""
    out, err = process.communicate(timeout=seconds)
    return Told(process.returncode, out.decode("utf-8"), err.decode("utf-8"))


def interrupt(process: subprocess.Popen[bytes]) -> Told:
    """Press Ctrl-C and see that the command ends as an interrupted one should."""
    process.send_signal(signal.SIGINT)
    told = finish(process)
    assert told.code == 130
    assert "the same command goes on where it was" in told.err
    assert "Traceback" not in told.err
    return told


def files_below(folder: Path) -> set[str]:
    """Every path below a folder, to see that nothing was written."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}
