"""One request asked until it is answered: paced, paid, retried, and watched as a whole."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from evals.errors import BudgetSpentError, TunegateError
from evals.models.hosted.breaker import Breaker
from evals.models.hosted.client import Answer, Client
from evals.models.hosted.endpoint import Endpoint
from evals.models.hosted.failures import Failure, backoff
from evals.models.hosted.pace import Pace
from evals.models.hosted.reply import IGNORED, Reply, read_reply, read_usage
from evals.models.hosted.settings import PREFIX, HostedSettings, Reservation
from evals.models.hosted.wire import Dialect, encode, unwrapped
from evals.records import Json

_NAMES_KEPT = 8
_UNLISTED = f"{IGNORED} `response_format`: the reply is none of the texts that it lists"
_LONGEST_NAME = 500
_LATE = 0.5  # of the time limit: a reply that takes longer asks for fewer requests at once


class Asked(NamedTuple):
    """How asking ended: a reply, or the last failure. `seconds` are those of the last attempt."""

    found: Reply | Failure
    attempts: int
    seconds: float


@dataclass
class State:
    """What is learnt about an endpoint and kept for as long as the model is open."""

    pace: Pace
    dialect: Dialect = field(default_factory=Dialect)
    proven: set[str] = field(default_factory=set)
    served: set[str] = field(default_factory=set)  # as they came: hostile
    systems: set[str] = field(default_factory=set)

    def saw(self, reply: Reply) -> None:
        """Remember which model answered."""
        for name, seen in ((reply.served, self.served), (reply.system, self.systems)):
            if isinstance(name, str) and 0 < len(name) <= _LONGEST_NAME and len(seen) < _NAMES_KEPT:
                seen.add(name)


@dataclass
class Asker:
    """Asks one endpoint. Lives within one event loop.

    `posting` are the tasks whose request is on its way, `talking` those within a conversation
    that money is set aside for; `paid` wakes who waits for money when a request has been
    counted. Once `stopped` is set, no other request is begun any more: it is raised instead.
    """

    client: Client
    endpoint: Endpoint
    model: str
    settings: HostedSettings
    state: State
    breaker: Breaker
    rng: random.Random
    clock: Callable[[], float] = time.perf_counter
    proving: asyncio.Lock = field(default_factory=asyncio.Lock)
    posting: set[asyncio.Task[Any] | None] = field(default_factory=set)
    talking: set[asyncio.Task[Any] | None] = field(default_factory=set)
    paid: asyncio.Event = field(default_factory=asyncio.Event)
    stopped: TunegateError | None = None
    _slowed: float = 0.0
    _rounds: int = 0

    async def ask(self, body: dict[str, Json], aside: Reservation | None = None) -> Asked:
        """Ask until there is a reply, a failure that stays, or no attempt left.

        `aside` is what was set aside for the first attempt. Raises BudgetSpentError, and the
        error of what ends all work.
        """
        pace = self.state.pace
        attempt, begun = 0, self.breaker.replies
        while True:
            await self._enter(aside)
            sent, limit = self.clock(), self.state.dialect.limit
            try:
                found = await self._once(body, aside)
            finally:
                pace.leave()
                aside = None
            seconds = self.clock() - sent
            if isinstance(found, Failure) and found.renamed and limit == "max_tokens":
                self.state.dialect.limit = "max_completion_tokens"
                continue
            attempt += 1
            if isinstance(found, Reply):
                self._went_well(found, seconds)
            elif await self._again(found, attempt, sent, begun):
                continue
            return Asked(found, attempt, seconds)

    async def _enter(self, aside: Reservation | None) -> None:
        """Wait for the turn of one request. Raises `stopped` where it may not be begun.

        What was set aside for before the budget was spent is still made.
        """
        held = [aside] if aside else []
        finishes = bool(held) and isinstance(self.stopped, BudgetSpentError)
        if self.stopped is not None and not finishes:
            self.give_back(held)
            raise self.stopped
        try:
            await self.state.pace.enter()
        except asyncio.CancelledError:
            self.give_back(held)
            raise

    async def set_aside(self, sizes: Sequence[tuple[int, int]]) -> list[Reservation]:
        """The worst cases of several requests, all of them or none; empty without a budget.

        `sizes` are bytes of the prompt and most tokens of the reply. So a conversation is not
        begun that would have to be left in the middle. Raises BudgetSpentError.
        """
        purse = self.settings.purse
        while self.stopped is None and purse is not None:
            held: list[Reservation] = []
            try:
                for size, tokens in sizes:
                    held.append(purse.reserve(PREFIX + self.model, size, tokens))
            except BudgetSpentError as error:
                self.give_back(held)
                await self._wait_for_money(error)
            else:
                return held
        if self.stopped is not None:
            raise self.stopped
        return []

    def give_back(self, held: Sequence[Reservation]) -> None:
        """Close reservations of requests that were not made, and wake who waits for them."""
        for reservation in held:
            reservation.cancel()
        self._money_came()

    async def _once(self, body: dict[str, Json], aside: Reservation | None) -> Reply | Failure:
        """One HTTP request, paid for whatever comes of it."""
        data = encode(body, self.state.dialect)
        reservation = aside or await self._reserve(len(data), body["max_tokens"])
        answer: Answer | Failure | None = None
        task = asyncio.current_task()
        self.posting.add(task)
        try:
            answer = await self.client.post(data)
        finally:
            self.posting.discard(task)
            if reservation:
                _pay(reservation, answer)
                self._money_came()
        if isinstance(answer, Failure):
            return answer
        reply = read_reply(answer.value, body, self.endpoint)
        if isinstance(reply, Failure) or self.state.dialect.held != "enum" or "grammar" not in body:
            return reply
        text = unwrapped(reply.text, body["grammar"])
        if text is not None:
            return reply._replace(text=text)
        return reply if reply.finish == "length" else Failure(_UNLISTED, "case")

    async def _reserve(self, size: int, tokens: int) -> Reservation | None:
        """Have a request's worst case set aside, as soon as what is under way leaves enough."""
        while self.stopped is None:
            if self.settings.purse is None:
                return None
            try:
                return self.settings.purse.reserve(PREFIX + self.model, size, tokens)
            except BudgetSpentError as error:
                await self._wait_for_money(error)
        raise self.stopped

    async def _wait_for_money(self, error: BudgetSpentError) -> None:
        """Wait until a request was paid, if that may help; else no more are begun."""
        if error.may_pass:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.paid.wait(), self.settings.request_seconds)
                return
        self.stopped = self.stopped or error

    def _money_came(self) -> None:
        """Who waits now is woken, who comes later waits."""
        self.paid.set()
        self.paid.clear()

    def _went_well(self, reply: Reply, seconds: float) -> None:
        share = seconds / self.settings.request_seconds
        if share > _LATE:
            self.state.pace.asked_for_less()
        elif share <= _LATE / 2:
            self.state.pace.went_well()
        self.state.saw(reply)
        self.breaker.went_well()
        self._rounds = 0

    async def _again(self, failure: Failure, attempt: int, sent: float, begun: int) -> bool:
        """Wait for another attempt if there is one. Raises what ends all work."""
        if failure.wait is not None:
            self.state.pace.hold(failure.wait)
        if failure.congested:
            self._slow_down(failure, sent)
        last = attempt >= self.settings.attempts
        ending = failure.error
        if failure.follows == "again":
            ending = self.breaker.failed(failure, attempt, begun)
            if last and ending is None:
                ending = self.breaker.gave_up(failure, begun)
        elif failure.follows == "case" and failure.status:
            ending = self.breaker.refused(failure)
        if ending is not None:
            self.stopped = ending
            raise ending
        if last or failure.follows == "case":
            return False
        if self.stopped is None:
            await asyncio.sleep(backoff(attempt, self.settings.backoff_seconds, self.rng))
        return True

    def _slow_down(self, failure: Failure, sent: float) -> None:
        """Fewer at once. Where nothing goes well between two rounds of refusals, all wait."""
        if not failure.timed_out:
            self.state.pace.asked_for_less()
        if sent < self._slowed:
            return  # it was on its way when another one brought the news
        if failure.timed_out:
            self.state.pace.timed_out()
        self._slowed = self.clock()
        self._rounds += 1
        if failure.wait is None and failure.status and self._rounds > 1:
            seconds = backoff(self._rounds - 1, self.settings.backoff_seconds, self.rng)
            self.state.pace.hold(seconds)


def _pay(reservation: Reservation, answer: Answer | Failure | None) -> None:
    """Close a reservation; None stands for a request that was broken off."""
    usage = read_usage(answer.value) if isinstance(answer, Answer) else None
    if usage is not None:
        reservation.settle(usage)
    elif isinstance(answer, Failure) and answer.charge == "none":
        reservation.release()
    else:
        reservation.forfeit()
