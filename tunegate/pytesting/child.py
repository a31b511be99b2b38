"""The working process as pytest's process sees it: one question, one answer, one at a time."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from tunegate.pytesting.records import SuiteFaultError

Progress = Callable[[str, int, int], None]
"""Called with (what is being done, done, of how many); 0 of 0 where nothing is counted."""

_HOME = Path(__file__).resolve().parents[2]
# The four packages are imported from beside this file, whatever a project calls its own; then
# that folder gives up its place at the front, where it could hide the standard library.
_START = """\
import sys
home = sys.argv[1]
sys.path.insert(0, home)
import evals, tuning, reports, tunegate
sys.path.pop(0)
if home not in sys.path:
    sys.path.append(home)
from tunegate.pytesting.serve import main
main()
"""


class Child:
    """A process that knows suites and models, started with the first question."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, what: str, request: Mapping[str, Any], progress: Progress) -> Any:
        """Send one request and wait for its reply.

        Raises SuiteFaultError with what was wrong, and where the process died.
        """
        process = self._process = self._alive() or self._started()
        question = json.dumps({"do": what, **request}).encode() + b"\n"
        try:
            message = _exchange(process, question, progress)
        except BaseException:
            # Ctrl-C, or a test's time limit: a late answer must not be taken for the next one's.
            self.close()
            raise
        if message is None:
            raise SuiteFaultError(
                f"the process that runs models {_ended(process.wait())}; what it finished is kept, "
                "and the same command goes on there"
            )
        if "error" in message:
            raise SuiteFaultError(message["error"], exit_code=message["exit_code"])
        return message["reply"]

    def close(self) -> None:
        """End the process. What it finished is stored."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        process.kill()
        process.wait()
        with suppress(BrokenPipeError):  # half a question was still to be written
            process.stdin.close()
        process.stdout.close()

    def _alive(self) -> subprocess.Popen[bytes] | None:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self.close()
        return None

    def _started(self) -> subprocess.Popen[bytes]:
        # -P: the folder that pytest was started in is no place to import from. A session of its
        # own: Ctrl-C is for pytest to hear, which then ends this process.
        command = [sys.executable, "-P", "-c", _START, str(_HOME)]
        return subprocess.Popen(  # noqa: S603 - our own code in our own interpreter
            command,
            cwd=self._folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )


def _exchange(
    process: subprocess.Popen[bytes], question: bytes, progress: Progress
) -> dict[str, Any] | None:
    """The message that answers a question, or None where the process ended instead."""
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(question)
        process.stdin.flush()
    except BrokenPipeError:
        return None
    for line in process.stdout:
        message: dict[str, Any] = json.loads(line)
        if "progress" not in message:
            return message
        progress(*message["progress"])
    return None


def _ended(code: int) -> str:
    """How a process ended, in words."""
    if code >= 0:
        return f"ended with code {code}; its last words stand under captured stderr"
    name = signal.Signals(-code).name
    memory = ", as the system does where memory runs out" if name == "SIGKILL" else ""
    return f"was killed ({name}{memory})"
