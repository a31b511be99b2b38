"""What comes back: a reply's JSON as text, calls, tokens and the first token's alternatives.

Everything is taken for hostile. What cannot be read may come out right when it is asked again
(`again`); what the endpoint was told and did not do is an error of the case that names it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from evals.models.hosted.constraint import breach
from evals.models.hosted.endpoint import Endpoint
from evals.models.hosted.failures import Failure, shown
from evals.models.hosted.wire import encode_value
from evals.records import FinishReason, Json, ToolCall
from evals.spending.usage import Usage

IGNORED = "the endpoint ignored"
_MOST_TOKENS = 10_000_000
"""A count above this is no count."""

_LEAST_LOGPROB = 1e4
"""Some endpoints write -9999 for what is all but impossible; what is below is no number."""

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
    """One reply that could be read. `usage` is None where the endpoint counted nothing.

    `served` and `system` are what it calls the model and its setting, as they came.
    """

    text: str
    finish: FinishReason
    calls: tuple[ToolCall, ...] = ()
    usage: Usage | None = None
    candidates: tuple[Candidate, ...] = ()
    served: Json = None
    system: Json = None


def read_usage(value: Json) -> Usage | None:
    """The tokens that a reply's JSON counts, or None where it gives no believable count."""
    found = value.get("usage") if isinstance(value, dict) else None
    if not isinstance(found, dict):
        return None
    prompt, completion = _count(found.get("prompt_tokens")), _count(found.get("completion_tokens"))
    if not prompt or completion is None:  # a prompt of no tokens was not counted
        return None
    details = found.get("prompt_tokens_details")
    cached = _count(details.get("cached_tokens")) if isinstance(details, dict) else None
    return Usage(prompt, completion, min(cached or 0, prompt))


def read_reply(  # noqa: PLR0911 - what can be wrong, one after another
    value: Json, asked: Mapping[str, Json], endpoint: Endpoint
) -> Reply | Failure:
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
    ended = _ended(finish, calls, read_usage(value), asked, endpoint)
    if isinstance(ended, Failure):
        return ended
    reply = Reply(
        text or "",
        ended,
        calls,
        read_usage(value),
        _candidates(choice),
        value.get("model"),
        value.get("system_fingerprint"),
    )
    return _refused(reply, value, asked, endpoint) or reply


def _refused(
    reply: Reply, value: dict[str, Any], asked: Mapping[str, Json], endpoint: Endpoint
) -> Failure | None:
    """Why a reply is not taken: it gives the key away, or is not what was asked for."""
    if _leaks(endpoint, reply.text, reply.calls):
        return _final("the reply holds the endpoint's own key, and is not kept")
    if ignored := _ignored(reply, value, asked):
        return _final(f"{IGNORED} {ignored}")
    return None


def _only_choice(value: Json, endpoint: Endpoint) -> dict[str, Any] | Failure:
    if not isinstance(value, dict):
        return Failure("the reply is no JSON object")
    choices = value.get("choices")
    if not isinstance(choices, list) or not choices:
        error = value.get("error")
        if error:
            said = error.get("message") if isinstance(error, dict) else error
            told = shown(said, endpoint) if isinstance(said, str) else "it says no more"
            return Failure(f"an error instead of a reply: {told}")
        return Failure("the reply has no choices")
    if len(choices) > 1:
        return _final(f"{IGNORED} `n`: {len(choices)} replies instead of one")
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


def _is_refusal(value: dict[str, Any]) -> bool:
    """Whether the one reply says why it is none, in the protocol's own place for that."""
    message = value["choices"][0]["message"]
    return bool(message.get("refusal")) and not message.get("content")


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
            try:
                arguments = "" if arguments is None else encode_value(arguments)
            except ValueError:
                return Failure("the reply has a tool call with arguments that cannot be read")
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
    named = finish if isinstance(finish, str) else "no text"
    known = _FINISHES.get(named.lower())
    if known is None:
        return Failure(f"the reply ended for an unknown reason: {shown(named, endpoint)}")
    if known == "tools":
        return Failure("the reply says that it calls tools, and calls none")
    return known


def _ignored(reply: Reply, value: dict[str, Any], asked: Mapping[str, Json]) -> str | None:
    """What of the request the endpoint plainly did not do."""
    if (limit := asked["max_tokens"]) < (made := _written_tokens(value)):
        return f"`max_tokens`: {made} tokens instead of at most {limit}"
    stops = (stop for stop in asked.get("stop", ()) if stop and stop in reply.text)
    if found := next(stops, None):
        return f"`stop`: {found!r} stands in the reply"
    if reply.calls and "tools" not in asked:
        return "that no tools were offered: it called one"
    form = asked.get("response_format")
    held = form is not None and not _is_refusal(value)  # no schema binds a refusal
    broken = breach(reply.text, form["json_schema"]["schema"]) if form and held else None
    return f"`response_format`: {broken}" if broken and reply.finish == "stop" else None


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
        token, logprob = _entry(entry)
        if token is not None and logprob is not None:
            found.setdefault(token, logprob)
    return tuple(Candidate(token, logprob) for token, logprob in found.items())


def _entry(entry: Json) -> tuple[str | None, float | None]:
    """A listed token and its log-probability; None for what is not to be believed."""
    told = entry if isinstance(entry, dict) else {}
    token, logprob = told.get("token"), told.get("logprob")
    if not isinstance(token, str) or not isinstance(logprob, int | float):
        return None, None
    believable = -_LEAST_LOGPROB <= logprob <= 0.1
    return token, min(0.0, float(logprob)) if believable else None


def _count(value: Json) -> int | None:
    """A believable number of tokens, or None."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MOST_TOKENS:
        return None
    return value


def _final(reason: str) -> Failure:
    return Failure(reason, "case")
