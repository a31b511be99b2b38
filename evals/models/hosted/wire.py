"""What is sent: a conversation with its decoding as the JSON of one chat completions request."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

import msgspec

from evals.codec import plain
from evals.records import Decoding, Json, Request
from evals.suite.listed import listed_choices

WIRE_VERSION = "chat@1"
"""Part of the fingerprint: a change of what is asked is another model."""

TOP_LOGPROBS = 20

_ANSWER = "answer"
HELD_TO = frozenset({"grammar", "regex"})
"""Names of a body's parts that go by other names on the wire: see `Dialect.held`."""

SENT = frozenset(
    {
        "logprobs",
        "max_completion_tokens",
        "max_tokens",
        "model",
        "n",
        "response_format",
        "seed",
        "stop",
        "stream",
        "temperature",
        "tool_choice",
        "top_logprobs",
        "top_p",
    }
)
"""Parameters that are the same for every case: an endpoint that refuses one refuses all."""


Held = Literal["structured_outputs", "guided", "grammar", "enum"]
"""How servers are told of a grammar or a regex, which the protocol itself does not know: vLLM,
older vLLM, and llama.cpp, which takes no regex. `enum` is for the rest: a grammar that only lists
texts, sent as a JSON schema whose one value is unwrapped again (see `unwrapped`)."""


@dataclass
class Dialect:
    """How this endpoint wants the parameters that have several names.

    The limit's is learnt from its refusal, that of a grammar by trial.
    """

    limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    held: Held = "structured_outputs"


def chat_body(model: str, request: Request, decoding: Decoding) -> dict[str, Json]:
    """The request's JSON; `max_tokens`, `grammar` and `regex` are renamed where it is sent.

    A seed is sent where it matters: above temperature 0. For choices, one token is asked for,
    with the log-probabilities of those that could have stood there.
    """
    body: dict[str, Json] = {
        "model": model,
        "messages": request.messages,
        "n": 1,
        "stream": False,
        "max_tokens": 1 if request.choices else decoding.max_tokens,
        "temperature": decoding.temperature,
        "top_p": decoding.top_p,
    }
    if request.choices:
        return body | {"logprobs": True, "top_logprobs": TOP_LOGPROBS}
    if decoding.temperature > 0:
        body["seed"] = decoding.seed
    if decoding.stop:
        body["stop"] = decoding.stop
    if decoding.schema is not None:
        body["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "answer", "strict": True, "schema": decoding.schema},
        }
    if decoding.grammar:
        body["grammar"] = decoding.grammar
    if decoding.regex:
        body["regex"] = decoding.regex
    if request.tools:
        body["tools"] = [{"type": "function", "function": tool} for tool in request.tools]
    return body


def encode(body: dict[str, Json], dialect: Dialect) -> bytes:
    """A body as JSON. Lone surrogates, which UTF-8 cannot hold, are sent as JSON escapes."""
    if dialect.limit != "max_tokens":
        body = {dialect.limit if key == "max_tokens" else key: body[key] for key in body}
    for name in HELD_TO & body.keys():
        body = {key: body[key] for key in body if key != name} | _held(name, body[name], dialect)
    try:
        return msgspec.json.encode(body, enc_hook=plain)
    except UnicodeEncodeError:
        return encode_value(body).encode("ascii")


def _held(name: str, text: Json, dialect: Dialect) -> dict[str, Json]:
    """A grammar or regex as the endpoint's server takes it."""
    match dialect.held:
        case "structured_outputs":
            return {"structured_outputs": {name: text}}
        case "guided":
            return {f"guided_{name}": text}
        case "grammar":
            return {name: text}
        case "enum":
            listed = {"type": "string", "enum": listed_choices(text) or []}
            schema = {
                "type": "object",
                "properties": {_ANSWER: listed},
                "required": [_ANSWER],
                "additionalProperties": False,
            }
            form = {"name": _ANSWER, "strict": True, "schema": schema}
            return {"response_format": {"type": "json_schema", "json_schema": form}}


def unwrapped(text: str, grammar: str) -> str | None:
    """The text that a reply to the dialect `enum` holds; None where it holds none of the list."""
    try:
        value = parse(text)
    except ValueError:
        return None
    answer = value.get(_ANSWER) if isinstance(value, dict) else None
    return answer if answer in (listed_choices(grammar) or []) else None


def parse(text: str | bytes) -> Any:
    """The value of a JSON text that came from an endpoint.

    Raises ValueError where it is none, also for NaN and for nesting beyond the interpreter's
    limit. Lone surrogates in escapes are read as they are.
    """
    try:
        return msgspec.json.decode(text)
    except RecursionError:
        raise ValueError("nested too deep") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    try:  # slower, and takes the lone surrogates that msgspec refuses
        return json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def encode_value(value: Json) -> str:
    """A JSON value as one line of ASCII. Raises ValueError for what JSON cannot hold."""
    try:
        return json.dumps(value, separators=(",", ":"), allow_nan=False, default=plain)
    except RecursionError:
        raise ValueError("nested too deep") from None
