"""The working process as pytest's process sees it: one question, one answer, one at a time."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tunegate.pytesting.records import SuiteFaultError

Progress = Callable[[str, int, int], None]
"""Called with (what is being done, done, of how many)."""

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
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps({"do": what, **request}).encode() + b"\n")
            process.stdin.flush()
            for line in process.stdout:
                message = json.loads(line)
                if "progress" in message:
                    progress(*message["progress"])
                elif "error" in message:
                    raise SuiteFaultError(message["error"])
                else:
                    return message["reply"]
        except BrokenPipeError:
            pass  # it died; said below
        except KeyboardInterrupt:
            self.close()
            raise
        raise SuiteFaultError(
            f"the process that runs models ended with code {process.wait()}; what it finished is "
            "kept, and the same command goes on there"
        )

    def close(self) -> None:
        """End the process. What it finished is stored."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        process.kill()
        process.stdin.close()
        process.stdout.close()
        process.wait()

    def _alive(self) -> subprocess.Popen[bytes] | None:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self.close()
        return None

    def _started(self) -> subprocess.Popen[bytes]:
        # -P: the folder that pytest was started in is no place to import from.
        command = [sys.executable, "-P", "-c", _START, str(_HOME)]
        return subprocess.Popen(  # noqa: S603 - our own code in our own interpreter
            command, cwd=self._folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
