"""One request of a suite, asked turn by turn, as one output."""

from __future__ import annotations

from dataclasses import replace

from evals.models.conversation import continued, goes_on, joined
from evals.models.hosted.attempts import Asked, Asker
from evals.models.hosted.failures import Failure
from evals.models.hosted.ranking import rank
from evals.models.hosted.reply import Reply
from evals.models.hosted.wire import chat_body
from evals.records import Decoding, Output, Request
from evals.spending.usage import Usage


async def answer(asker: Asker, request: Request, decoding: Decoding) -> Output:
    """The output of one request; its `seconds` are the latency of the attempts that succeeded.

    Raises what ends all work.
    """
    made: list[Output] = []
    asked = request
    while not made or goes_on(asked, made):
        asked = continued(asked, made[-1]) if made else asked
        made.append(await _turn(asker, asked, decoding))
    return joined(made) if request.follow_ups else made[0]


async def _turn(asker: Asker, request: Request, decoding: Decoding) -> Output:
    """One reply to a request; its follow-ups are not looked at."""
    asked = await asker.ask(chat_body(asker.model, request, decoding))
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
