"""Finished work on its way from the event loop's thread to the one that stores it: bounded."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import Generic, TypeVar

T = TypeVar("T")

GROUP = 64
LINGER_SECONDS = 0.05
BOUND = 4 * GROUP


class Outbox(Generic[T]):
    """One coroutine side that puts, one thread that takes groups."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._items: list[T] = []
        self._changed = threading.Condition()
        self._room = asyncio.Event()
        self._ended = False
        self._error: BaseException | None = None

    async def put(self, item: T) -> None:
        """Hand an item over; waits, with the item already handed over, while there are many."""
        with self._changed:
            self._items.append(item)
            waiting = len(self._items)
            if waiting in (1, GROUP):
                self._changed.notify()
            if waiting >= BOUND:
                self._room.clear()
        if waiting >= BOUND:
            await self._room.wait()

    def end(self, error: BaseException | None = None) -> None:
        """Nothing more comes; `error` is raised once everything has been taken."""
        with self._changed:
            self._ended, self._error = True, error
            self._changed.notify()

    def rest(self) -> list[T]:
        """What has come and was not taken; nothing is waited for."""
        with self._changed:
            taken, self._items = self._items, []
        return taken

    def take(self) -> list[T]:
        """What is there, waiting a little for more; empty when nothing more comes.

        Raises the error that the work ended with, after everything has been taken.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._ended)
            self._changed.wait_for(lambda: len(self._items) >= GROUP or self._ended, LINGER_SECONDS)
            taken, self._items = self._items, []
            ended, error = self._ended, self._error
        if not ended:
            with contextlib.suppress(RuntimeError):  # it has ended since, and closed the loop
                self._loop.call_soon_threadsafe(self._room.set)
        if not taken and error is not None:
            raise error
        return taken
