"""How many requests are under way at once, and when the next may be sent.

It doubles with every round trip until the endpoint first asks for less; after that it grows by
about one in a round trip, and faster the longer all goes well. Each reply that asks for less
takes half a slot away: where all do, that halves the limit; where a few do, it settles below
what they come from. (The proportional cut is that of DCTCP, RFC 8257.) Replies that come late
say the same before it is said: a server with few slots lets the others wait.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

START = 8
_CUT = 0.5
_LATE_CUT = 4.0


class Pace:
    """The slots of one endpoint. Used within one event loop at a time."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.most = most
        self.limit = float(min(START, most))
        self.busy = 0
        self._clock = clock
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._open_from = 0.0
        self._doubling = True
        self._healthy = 0

    async def enter(self) -> None:
        """Wait for a slot, and until the endpoint may be asked; then `leave` must follow."""
        if self.busy < int(self.limit) and not self._waiting:
            self.busy += 1
        else:
            await self._slot()
        try:
            while (wait := self._open_from - self._clock()) > 0:
                await asyncio.sleep(wait)
        except asyncio.CancelledError:
            self.leave()
            raise

    def leave(self) -> None:
        """Give a slot back."""
        self.busy -= 1
        while self._waiting and self.busy < int(self.limit):
            waiter = self._waiting.popleft()
            if not waiter.done():
                self.busy += 1
                waiter.set_result(None)

    def went_well(self) -> None:
        """A reply came: more can be asked at once."""
        self._healthy += 1
        step = 1.0 if self._doubling else max(1.0, self._healthy / self.limit) / self.limit
        self.limit = min(float(self.most), self.limit + step)

    def asked_for_less(self) -> None:
        """The endpoint had too much to do."""
        self._doubling = False
        self._healthy = 0
        self.limit = max(1.0, self.limit - _CUT)

    def timed_out(self) -> None:
        """No reply came in time: whoever waits behind many others needs far fewer of them."""
        self._doubling = False
        self._healthy = 0
        self.limit = max(1.0, self.limit / _LATE_CUT)

    def hold(self, seconds: float) -> None:
        """Nobody sends for so long."""
        self._open_from = max(self._open_from, self._clock() + seconds)

    async def _slot(self) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self.leave()  # it was given the slot just before
            raise
