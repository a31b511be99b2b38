"""Many requests under way at once, in a thread of their own, handed out as they finish.

Requests are begun one by one as slots become free, and no more finished ones wait than
`outbox.BOUND`, so memory does not grow with the number of cases.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from typing import Any, Protocol

from evals.errors import BudgetSpentError
from evals.models.execution import Stream
from evals.models.hosted.attempts import Asker
from evals.models.hosted.outbox import Outbox
from evals.models.protocol import Batch
from evals.records import Output

Done = tuple[Batch, list[Output]]


class Opening(Protocol):
    """Makes the asker within the loop, uses it, and closes it again."""

    def __call__(self, use: Callable[[Asker], Awaitable[None]]) -> Coroutine[Any, Any, None]:
        """Run `use` with an open asker."""
        ...


Answer = Callable[[Asker, Batch], Awaitable[list[Output]]]


class Dispatcher:
    """One stream of batches: a thread with an event loop, and tasks that share the batches."""

    def __init__(
        self, batches: Sequence[Batch], opening: Opening, answer: Answer, tasks: int
    ) -> None:
        self._batches: Iterator[Batch] = iter(batches)
        self._opening = opening
        self._answer = answer
        self._count = min(tasks, len(batches))
        self._main: asyncio.Task[None] | None = None

    def stream(self) -> Stream:
        """Groups of finished batches. Closing ends everything under way."""
        self._loop = asyncio.new_event_loop()
        self._outbox: Outbox[Done] = Outbox(self._loop)
        thread = threading.Thread(target=self._run, name="tunegate-hosted", daemon=True)
        thread.start()
        try:
            while group := self._outbox.take():
                yield group
        except KeyboardInterrupt:  # what was answered is handed over before it ends
            self._stop(thread)
            if group := self._outbox.rest():
                yield group
            raise
        finally:
            self._stop(thread)

    def _stop(self, thread: threading.Thread) -> None:
        """End everything under way, and wait for the thread."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: it has ended
            self._loop.call_soon_threadsafe(self._interrupt)
        thread.join()

    def _interrupt(self) -> None:
        if self._main is not None:
            self._main.cancel()

    def _run(self) -> None:
        """The thread's work. Every way to end is told to the outbox, and nothing is raised."""
        asyncio.set_event_loop(self._loop)
        error: BaseException | None = None
        try:
            self._main = self._loop.create_task(self._opening(self._work))
            self._loop.run_until_complete(self._main)
        except BaseException as raised:  # noqa: BLE001 - raised again in the thread that asked
            error = raised
        finally:
            self._loop.close()
        self._outbox.end(error)

    async def _work(self, asker: Asker) -> None:
        """Share the batches among tasks. Raises what ended the work early."""
        tasks = [asyncio.create_task(self._worker(asker)) for _ in range(self._count)]
        try:
            await self._finish(asker, tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if asker.stopped is not None:
            raise asker.stopped

    async def _finish(self, asker: Asker, tasks: list[asyncio.Task[None]]) -> None:
        """Wait for the tasks; where the budget is spent, only for what is on its way."""
        left = set(tasks)
        while left:
            done, left = await asyncio.wait(left, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                error = None if task.cancelled() else task.exception()
                if isinstance(error, BudgetSpentError):
                    asker.stopped = asker.stopped or error
                elif error is not None:
                    raise error
            if asker.stopped is not None:
                for task in left - asker.posting - asker.talking:
                    task.cancel()

    async def _worker(self, asker: Asker) -> None:
        for batch in self._batches:
            if asker.stopped is not None:
                return
            await self._outbox.put((batch, await self._answer(asker, batch)))
