"""Conversations of several turns: a scripted user, and a model that answers each time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from evals.records import Message, Output, Request

Ask = Callable[[Sequence[Request]], list[Output]]
"""One reply for each request, in order; follow-ups are not looked at."""


def converse(ask: Ask, requests: Sequence[Request]) -> list[Output]:
    """Outputs in order; where a request has follow-ups, each is asked after the reply before.

    The first turns of all are asked together, then the second ones, and so on. A turn that
    ends in an error ends its conversation.
    """
    turns: list[list[Output]] = [[output] for output in ask(requests)]
    asked = list(requests)
    while going := [n for n, made in enumerate(turns) if goes_on(asked[n], made)]:
        for n in going:
            asked[n] = continued(asked[n], turns[n][-1])
        for n, output in zip(going, ask([asked[n] for n in going]), strict=True):
            turns[n].append(output)
    return [joined(made) if requests[n].follow_ups else made[0] for n, made in enumerate(turns)]


def goes_on(request: Request, made: Sequence[Output]) -> bool:
    """Whether a follow-up is left to ask, after a reply."""
    return bool(request.follow_ups) and made[-1].error is None


def continued(request: Request, reply: Output) -> Request:
    """The request with the reply and the next follow-up at its end."""
    said = Message("assistant", reply.said or "")
    user = Message("user", request.follow_ups[0])
    return replace(
        request, messages=(*request.messages, said, user), follow_ups=request.follow_ups[1:]
    )


def joined(made: Sequence[Output]) -> Output:
    """The turns of one conversation as one output: the last reply, and what all of them took."""
    last = made[-1]
    turn = f"turn {len(made)}: " if last.error else ""
    return replace(
        last,
        error=f"{turn}{last.error}" if last.error else None,
        replies=() if last.error else tuple(output.text or "" for output in made),
        tool_calls=tuple(call for output in made for call in output.tool_calls),
        prompt_tokens=sum(output.prompt_tokens for output in made),
        completion_tokens=sum(output.completion_tokens for output in made),
        cached_tokens=sum(output.cached_tokens for output in made),
        seconds=sum(output.seconds for output in made),
        attempts=sum(output.attempts or 1 for output in made)
        if any(output.attempts for output in made)
        else 0,
    )
