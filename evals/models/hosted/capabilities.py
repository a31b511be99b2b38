"""Whether an endpoint does what it accepts: some ignore parameters without a word.

Before a plan relies on one, it is tried with a request that can only come out right if the
parameter is obeyed. What is found out holds for as long as the model is open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal

from evals.errors import ModelError
from evals.models.hosted.attempts import Asker
from evals.models.hosted.failures import Failure
from evals.models.hosted.reply import Reply
from evals.models.hosted.wire import chat_body, json_format, parse
from evals.models.protocol import Batch
from evals.records import Decoding, Json

Need = Literal["response_format", "logprobs", "tools"]

_ROOM = 512
"""Tokens for a probe's reply: models that think first need some before they answer."""

_ADVICE: dict[Need, str] = {
    "response_format": "take `decoding.schema` out of suite.yaml, or use an endpoint that has "
    "structured output",
    "logprobs": "cases with `choices` need them: use an endpoint that gives log-probabilities, "
    "or score a written label with label@1",
    "tools": "use a model and an endpoint that call tools (some servers must be started so)",
}


def needs_of(batches: Iterable[Batch]) -> set[Need]:
    """What the requests of a plan rely on."""
    found: set[Need] = set()
    for batch in batches:
        if batch.decoding.schema is not None and not all(r.choices for r in batch.requests):
            found.add("response_format")
        for request in batch.requests:
            if request.choices:
                found.add("logprobs")
            elif request.tools:
                found.add("tools")
    return found


async def prove(asker: Asker, needs: Iterable[Need]) -> None:
    """Try what was not tried before.

    Raises ModelError naming endpoint, model and parameter where one is ignored or refused,
    and what ends all work.
    """
    for need in sorted(set(needs) - asker.state.proven):
        nonce = f"{asker.rng.getrandbits(40):010x}"
        body, obeyed = _PROBES[need](asker.model, nonce)
        found = (await asker.ask(body)).found
        where = f"{asker.endpoint.host}: the endpoint of model {asker.model!r}"
        if isinstance(found, Failure) and not found.reason.startswith("the endpoint ignored"):
            raise ModelError(f"{where} failed a trial of `{need}`: {found.reason}")
        if isinstance(found, Failure) or not obeyed(found):
            raise ModelError(
                f"{where} accepts `{need}` and ignores it", key=None, hint=_ADVICE[need]
            )
        asker.state.proven.add(need)


Probe = tuple[dict[str, Json], Callable[[Reply], bool]]


def _response_format(model: str, nonce: str) -> Probe:
    """A schema whose one value stands nowhere in the conversation."""
    schema = {
        "type": "object",
        "properties": {"word": {"type": "string", "enum": [nonce]}},
        "required": ["word"],
        "additionalProperties": False,
    }
    body = chat_body(model, [_user("Greet me as JSON.")], Decoding(max_tokens=_ROOM))
    body["response_format"] = json_format(schema)

    def obeyed(reply: Reply) -> bool:
        try:
            return bool(parse(reply.text) == {"word": nonce})
        except ValueError:
            return False

    return body, obeyed


def _logprobs(model: str, nonce: str) -> Probe:
    del nonce
    body = chat_body(model, [_user("Answer with A or B.")], Decoding(), ranking=True)
    return body, lambda reply: len(reply.candidates) > 1


def _tools(model: str, nonce: str) -> Probe:
    """One function, and the demand to call it."""
    name = f"report_{nonce}"
    tool = {
        "name": name,
        "description": "Takes a report.",
        "parameters": {"type": "object", "properties": {"text": {"type": "string"}}},
    }
    body = chat_body(
        model, [_user(f"Call {name} with the text ok.")], Decoding(max_tokens=_ROOM), [tool]
    )
    body["tool_choice"] = "required"
    return body, lambda reply: any(call.name == name for call in reply.calls)


def _user(text: str) -> dict[str, Json]:
    return {"role": "user", "content": text}


_PROBES: dict[Need, Callable[[str, str], Probe]] = {
    "response_format": _response_format,
    "logprobs": _logprobs,
    "tools": _tools,
}
