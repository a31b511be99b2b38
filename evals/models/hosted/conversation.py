"""One request of a suite, asked turn by turn, as one output."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from evals.models.conversation import continued, goes_on, joined
from evals.models.hosted.attempts import Asked, Asker
from evals.models.hosted.failures import Failure
from evals.models.hosted.ranking import rank
from evals.models.hosted.reply import Reply
from evals.models.hosted.settings import Reservation
from evals.models.hosted.wire import chat_body, encode
from evals.records import Decoding, Output, Request
from evals.spending.usage import Usage

_FRAME = 128
"""Bytes that two more messages take besides what they say."""


async def answer(asker: Asker, request: Request, decoding: Decoding) -> Output:
    """The output of one request; its `seconds` are the latency of the attempts that succeeded.

    Raises what ends all work.
    """
    if not request.follow_ups:
        return await _turn(asker, request, decoding, None)
    aside = deque(await asker.set_aside(_sizes(asker, request, decoding)))
    task = asyncio.current_task()
    if aside:
        asker.talking.add(task)
    made: list[Output] = []
    asked = request
    try:
        while not made or goes_on(asked, made):
            asked = continued(asked, made[-1]) if made else asked
            made.append(await _turn(asker, asked, decoding, aside.popleft() if aside else None))
    finally:
        asker.talking.discard(task)
        asker.give_back(aside)
    return _counted(joined(made), made)


def _counted(output: Output, turns: Sequence[Output]) -> Output:
    """A conversation's output; without tokens where they were not counted on every turn."""
    if all(turn.prompt_tokens for turn in turns if turn.error is None):
        return output
    return replace(output, prompt_tokens=0, completion_tokens=0, cached_tokens=0)


def _sizes(asker: Asker, request: Request, decoding: Decoding) -> list[tuple[int, int]]:
    """The most that each turn can hold: bytes of what is known, tokens of the replies before it."""
    size = len(encode(chat_body(asker.model, request, decoding), asker.state.dialect))
    sizes = [(size, decoding.max_tokens)]
    for follow_up in request.follow_ups:
        size += len(follow_up.encode("utf-8", "surrogatepass")) + decoding.max_tokens + _FRAME
        sizes.append((size, decoding.max_tokens))
    return sizes


async def _turn(
    asker: Asker, request: Request, decoding: Decoding, aside: Reservation | None
) -> Output:
    """One reply to a request; its follow-ups are not looked at."""
    asked = await asker.ask(chat_body(asker.model, request, decoding), aside)
    attempts = asked.attempts if asked.attempts > 1 else 0
    if isinstance(asked.found, Failure):
        passing = asked.found.follows == "again"
        reason = asked.found.reason
        return Output(None, "error", error=reason, transient=passing, attempts=attempts)
    return _output(request, asked, asked.found, attempts)


def _output(request: Request, asked: Asked, reply: Reply, attempts: int) -> Output:
    usage = reply.usage or Usage()
    output = Output(
        reply.text,
        reply.finish,
        usage.prompt_tokens,
        usage.completion_tokens,
        asked.seconds,
        tool_calls=reply.calls,
        cached_tokens=usage.cached_tokens,
        attempts=attempts,
    )
    if not request.choices:
        return output
    ranked = rank(request.choices, reply.candidates)
    if ranked.error is not None:
        return replace(output, text=None, finish_reason="error", error=ranked.error)
    best = request.choices[ranked.best]
    return replace(output, text=best, finish_reason="choice", logprobs=ranked.logprobs)
