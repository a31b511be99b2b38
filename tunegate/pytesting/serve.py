"""The working process: reads one request a line, does it, answers with one line.

Standard output belongs to the answers. Whatever else writes to it goes to standard error.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Thread
from typing import Any, NoReturn

from evals.errors import TunegateError
from evals.fingerprint import canonical
from evals.generating import Progress
from evals.text import inert, visible
from tunegate.pytesting.work import Worker


class Answers:
    """The stream of answers; a narrator whose progress goes to pytest's process."""

    def __init__(self, descriptor: int) -> None:
        self._out = os.fdopen(descriptor, "w", encoding="ascii")

    def send(self, **message: Any) -> None:
        """Send one message. Ends this process where nobody listens any more."""
        try:
            self._out.write(json.dumps(canonical(message)) + "\n")
            self._out.flush()
        except BrokenPipeError:
            os._exit(0)

    @contextmanager
    def progress(self, label: str) -> Iterator[Progress]:
        """Work that reports (cases done, cases in all)."""
        yield lambda done, total: self.send(progress=(visible(label), done, total))

    @contextmanager
    def fraction(self, label: str) -> Iterator[Callable[[str, float], None]]:
        """Work that reports (what is being done, share done)."""
        yield lambda _what, share: self.send(progress=(visible(label), round(100 * share), 100))


def main() -> NoReturn:
    """Answer requests for as long as standard input is open."""
    answers = Answers(os.dup(1))
    os.dup2(2, 1)
    worker = Worker(answers)
    requests: SimpleQueue[str] = SimpleQueue()
    Thread(target=_listen, args=(requests,), daemon=True).start()
    while True:
        request: Mapping[str, Any] = json.loads(requests.get())
        try:
            answers.send(reply=worker.do(request))
        except TunegateError as error:
            answers.send(error=inert(visible(str(error))), exit_code=error.exit_code)
        except OSError as error:
            said = f"{error.filename or ''}: {error.strerror or error}"
            answers.send(error=inert(visible(said)), exit_code=TunegateError.exit_code)


def _listen(requests: SimpleQueue[str]) -> None:
    """Pass requests on; when pytest's process is gone, however it went, end this one at once.

    What was generated is stored batch by batch, so nothing is lost that was paid for.
    """
    for line in sys.stdin:
        requests.put(line)
    os._exit(0)
