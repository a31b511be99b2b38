"""Whether an endpoint does what it accepts: some ignore parameters without a word.

Before a plan relies on one, it is tried with a request that can only come out right if the
parameter is obeyed. What is found out holds for as long as the model is open.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from evals.errors import ModelError
from evals.models.hosted.attempts import Asker
from evals.models.hosted.failures import Failure
from evals.models.hosted.reply import IGNORED, Reply
from evals.models.hosted.wire import chat_body, parse
from evals.models.protocol import Batch
from evals.records import Decoding, Json, Message, Request

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


def needs_of(batch: Batch) -> set[Need]:
    """What the requests of a batch rely on."""
    found: set[Need] = set()
    for request in batch.requests:
        if request.choices:
            found.add("logprobs")
            continue
        if batch.decoding.schema is not None:
            found.add("response_format")
        if request.tools:
            found.add("tools")
    return found


async def prove(asker: Asker, needs: set[Need]) -> None:
    """Try what was not tried before; whoever else needs it waits for the outcome.

    Raises ModelError naming endpoint, model and parameter where one is ignored or refused,
    and what ends all work.
    """
    if needs <= asker.state.proven:
        return
    async with asker.proving:
        for need in sorted(needs - asker.state.proven):
            await _prove(asker, need)


async def _prove(asker: Asker, need: Need) -> None:
    nonce = f"{asker.rng.getrandbits(40):010x}"
    body, obeyed = _PROBES[need](asker.model, nonce)
    found = (await asker.ask(body)).found
    if error := _disproved(asker, need, found, obeyed):
        asker.stopped = error  # who waits for the outcome tries no more
        raise error
    asker.state.proven.add(need)


def _disproved(
    asker: Asker, need: Need, found: Reply | Failure, obeyed: Callable[[Reply], bool]
) -> ModelError | None:
    where = f"{asker.endpoint.host}: the endpoint of model {asker.model!r}"
    if isinstance(found, Failure) and not found.reason.startswith(IGNORED):
        return ModelError(f"{where} failed a trial of `{need}`: {found.reason}")
    if isinstance(found, Failure) or not obeyed(found):
        return ModelError(f"{where} accepts `{need}` and ignores it", hint=_ADVICE[need])
    return None


Probe = tuple[dict[str, Json], Callable[[Reply], bool]]


def _response_format(model: str, nonce: str) -> Probe:
    """A schema whose one value stands nowhere in the conversation."""
    schema = {
        "type": "object",
        "properties": {"word": {"type": "string", "enum": [nonce]}},
        "required": ["word"],
        "additionalProperties": False,
    }
    asked = Request((Message("user", "Greet me as JSON."),))
    body = chat_body(model, asked, Decoding(max_tokens=_ROOM, schema=schema))

    def obeyed(reply: Reply) -> bool:
        try:
            return bool(parse(reply.text) == {"word": nonce})
        except ValueError:
            return False

    return body, obeyed


def _logprobs(model: str, nonce: str) -> Probe:
    del nonce
    asked = Request((Message("user", "Answer with A or B."),), choices=("A", "B"))
    return chat_body(model, asked, Decoding()), lambda reply: bool(reply.candidates)


def _tools(model: str, nonce: str) -> Probe:
    """One function, and the demand to call it."""
    name = f"report_{nonce}"
    tool = {
        "name": name,
        "description": "Takes a report.",
        "parameters": {"type": "object", "properties": {"text": {"type": "string"}}},
    }
    asked = Request((Message("user", f"Call {name} with the text ok."),), tools=(tool,))
    body = chat_body(model, asked, Decoding(max_tokens=_ROOM)) | {"tool_choice": "required"}
    return body, lambda reply: any(call.name == name for call in reply.calls)


_PROBES: dict[Need, Callable[[str, str], Probe]] = {
    "response_format": _response_format,
    "logprobs": _logprobs,
    "tools": _tools,
}
