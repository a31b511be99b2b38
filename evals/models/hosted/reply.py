"""What comes back: a reply's JSON as text, calls, tokens and the first token's alternatives.

Everything is taken for hostile. What cannot be read may come out right when it is asked again
(`again`); what the endpoint was told and did not do is an error of the case that names it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from evals.models.hosted.constraint import breach
from evals.models.hosted.endpoint import Endpoint
from evals.models.hosted.failures import Failure, shown
from evals.models.hosted.wire import encode_value
from evals.records import FinishReason, Json, ToolCall
from evals.spending.usage import Usage

_MOST_TOKENS = 10_000_000
"""A count above this is no count."""

_FINISHES: dict[str, FinishReason] = {
    "stop": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "tool_calls": "tools",
    "function_call": "tools",
}


class Candidate(NamedTuple):
    """A token that could have stood first, and its natural-log probability."""

    token: str
    logprob: float


class Reply(NamedTuple):
    """One reply that could be read. `usage` is None where the endpoint counted nothing."""

    text: str
    finish: FinishReason
    calls: tuple[ToolCall, ...] = ()
    usage: Usage | None = None
    candidates: tuple[Candidate, ...] = ()
    served: str = ""
    system: str = ""


def read_usage(value: Json) -> Usage | None:
    """The tokens that a reply's JSON counts, or None where it gives no believable count."""
    found = value.get("usage") if isinstance(value, dict) else None
    if not isinstance(found, dict):
        return None
    prompt, completion = _count(found.get("prompt_tokens")), _count(found.get("completion_tokens"))
    if prompt is None or completion is None:
        return None
    details = found.get("prompt_tokens_details")
    cached = _count(details.get("cached_tokens")) if isinstance(details, dict) else None
    return Usage(prompt, completion, min(cached or 0, prompt))


def read_reply(value: Json, asked: Mapping[str, Json], endpoint: Endpoint) -> Reply | Failure:
    """The reply to `asked` (a body of `wire.chat_body`), or why there is none."""
    choice = _only_choice(value, endpoint)
    if isinstance(choice, Failure):
        return choice
    message = choice.get("message")
    if not isinstance(message, dict):
        return Failure("the reply has no message")
    finish = choice.get("finish_reason")
    if finish == "content_filter":
        return _final("the endpoint's content filter stopped the reply")
    calls = _calls(message)
    if isinstance(calls, Failure):
        return calls
    text = _text(message)
    if text is None and not calls:
        return _no_text(finish, asked)
    reply = _read(value, choice, text or "", calls, asked)
    return reply if isinstance(reply, Failure) else _accepted(reply, value, asked, endpoint)


def _only_choice(value: Json, endpoint: Endpoint) -> dict[str, Any] | Failure:
    if not isinstance(value, dict):
        return Failure("the reply is no JSON object")
    choices = value.get("choices")
    if not isinstance(choices, list) or not choices:
        error = value.get("error")
        if error:
            said = error.get("message") if isinstance(error, dict) else error
            return Failure(f"an error instead of a reply: {shown(str(said), endpoint)}")
        return Failure("the reply has no choices")
    if len(choices) > 1:
        return _final(f"the endpoint ignored `n`: {len(choices)} replies instead of one")
    if not isinstance(choices[0], dict):
        return Failure("the reply has no message")
    return choices[0]


def _text(message: dict[str, Any]) -> str | None:
    """The text of a message, whole or in parts, or its refusal; None where there is none."""
    content = message.get("content")
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        content = "".join(part for part in parts if isinstance(part, str)) if parts else None
    if isinstance(content, str) and content:
        return content
    refusal = message.get("refusal")
    if isinstance(refusal, str) and refusal:
        return refusal
    return content if isinstance(content, str) else None


def _no_text(finish: Json, asked: Mapping[str, Json]) -> Failure:
    if isinstance(finish, str) and _FINISHES.get(finish) == "length":
        return _final(
            f"all of max_tokens ({asked['max_tokens']}) went before any text came: raise "
            "`decoding.max_tokens` in suite.yaml"
        )
    return Failure("the reply has neither text nor tool calls")


def _leaks(endpoint: Endpoint, text: str, calls: tuple[ToolCall, ...]) -> bool:
    said = [text, *(call.name for call in calls), *(call.arguments for call in calls)]
    return any(map(endpoint.leaks, said))


def _calls(message: dict[str, Any]) -> tuple[ToolCall, ...] | Failure:
    found = message.get("tool_calls")
    if not found:
        return ()
    calls = []
    for call in found if isinstance(found, list) else [found]:
        function = call.get("function") if isinstance(call, dict) else None
        function = function if isinstance(function, dict) else {}
        name = function.get("name")
        if not isinstance(name, str):
            return Failure("the reply has a tool call without a name")
        arguments = function.get("arguments")
        if not isinstance(arguments, str):  # some servers send the object itself
            arguments = "" if arguments is None else encode_value(arguments)
        calls.append(ToolCall(name, arguments))
    return tuple(calls)


def _ended(
    finish: Json,
    calls: tuple[ToolCall, ...],
    usage: Usage | None,
    asked: Mapping[str, Json],
    endpoint: Endpoint,
) -> FinishReason | Failure:
    """Why the reply ended. One that names no reason is judged by its length."""
    if calls:
        return "length" if finish == "length" else "tools"
    if finish is None:
        full = usage is not None and usage.completion_tokens >= asked["max_tokens"]
        return "length" if full else "stop"
    known = _FINISHES.get(finish.lower()) if isinstance(finish, str) else None
    if known is None:
        return Failure(f"the reply ended for an unknown reason: {shown(str(finish), endpoint)!r}")
    if known == "tools":
        return Failure("the reply says that it calls tools, and calls none")
    return known


def _ignored(
    text: str, finish: FinishReason, called: bool, value: dict[str, Any], asked: Mapping[str, Json]
) -> str | None:
    """What of the request the endpoint plainly did not do."""
    if (limit := asked["max_tokens"]) < (made := _written_tokens(value)):
        return f"`max_tokens`: {made} tokens instead of at most {limit}"
    if found := next((stop for stop in asked.get("stop", ()) if stop and stop in text), None):
        return f"`stop`: {found!r} stands in the reply"
    if called and "tools" not in asked:
        return "that no tools were offered: it called one"
    form = asked.get("response_format")
    if form and finish == "stop":
        broken = breach(text, form["json_schema"]["schema"])
        return broken and f"`response_format`: {broken}"
    return None


def _written_tokens(value: dict[str, Any]) -> int:
    """Completion tokens without those of hidden reasoning, which some do not limit."""
    usage = read_usage(value)
    if usage is None:
        return 0
    details = value["usage"].get("completion_tokens_details")
    hidden = _count(details.get("reasoning_tokens")) if isinstance(details, dict) else None
    return usage.completion_tokens - (hidden or 0)


def _candidates(choice: dict[str, Any]) -> tuple[Candidate, ...]:
    """The likeliest first tokens; empty where the endpoint gives none."""
    logprobs = choice.get("logprobs")
    positions = logprobs.get("content") if isinstance(logprobs, dict) else None
    if not isinstance(positions, list) or not positions or not isinstance(positions[0], dict):
        return ()
    listed = positions[0].get("top_logprobs")
    found: dict[str, float] = {}
    for entry in listed if isinstance(listed, list) else ():
        token, logprob = (
            (entry.get("token"), entry.get("logprob")) if isinstance(entry, dict) else (None, None)
        )
        if isinstance(token, str) and isinstance(logprob, int | float) and math.isfinite(logprob):
            found.setdefault(token, min(0.0, float(logprob)))
    return tuple(Candidate(token, logprob) for token, logprob in found.items())


def _name(value: Json, endpoint: Endpoint) -> str:
    return shown(value, endpoint)[:100] if isinstance(value, str) else ""


def _count(value: Json) -> int | None:
    """A believable number of tokens, or None."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MOST_TOKENS:
        return None
    return value


def _final(reason: str) -> Failure:
    return Failure(reason, "case")
