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
from evals.models.hosted.wire import Held, chat_body, parse
from evals.models.protocol import Batch
from evals.records import Decoding, Json, Message, Request
from evals.suite.listed import choices_grammar, listed_choices

HeldTo = Literal["grammar", "choices", "regex"]
Need = Literal["response_format", "logprobs", "tools"] | HeldTo

_ROOM = 512
"""Tokens for a probe's reply: models that think first need some before they answer."""

_ADVICE: dict[str, str] = {
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
        if batch.decoding.grammar:
            found.add("choices" if listed_choices(batch.decoding.grammar) else "grammar")
        if batch.decoding.regex:
            found.add("regex")
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
    match need:
        case "grammar" | "choices" | "regex":
            error = await _try_dialects(asker, need)
        case _:
            found, obeyed = await _tried(asker, need)
            error = _disproved(asker, need, found, obeyed)
    if error is not None:
        asker.stopped = error  # who waits for the outcome tries no more
        raise error
    asker.state.proven.add(need)


async def _tried(asker: Asker, need: Need) -> tuple[Reply | Failure, Callable[[Reply], bool]]:
    nonce = f"{asker.rng.getrandbits(40):010x}"
    body, obeyed = _PROBES[need](asker.model, nonce)
    return (await asker.ask(body)).found, obeyed


async def _try_dialects(asker: Asker, need: HeldTo) -> ModelError | None:
    """Learn by which name the endpoint takes a grammar, a list of texts or a regex, if by any."""
    for held in _DIALECTS[need]:
        asker.state.dialect.held = held
        found, obeyed = await _tried(asker, need)
        if isinstance(found, Reply) and obeyed(found):
            return None
        if isinstance(found, Failure) and found.follows == "again":
            return _disproved(asker, need, found, obeyed)  # it may know the name all the same
    name = "regex" if need == "regex" else "grammar"
    names = ", ".join(_SPOKEN[held].format(name) for held in _DIALECTS[need])
    return ModelError(
        f"{asker.endpoint.host}: the endpoint of model {asker.model!r} holds no answer to a {name}"
        f" (tried: {names})",
        hint="use a JSON schema, which more endpoints know: `structure: {schema: ...}`",
    )


_DIALECTS: dict[HeldTo, tuple[Held, ...]] = {
    "grammar": ("structured_outputs", "grammar", "guided"),
    "choices": ("structured_outputs", "grammar", "guided", "enum"),
    "regex": ("structured_outputs", "guided"),
}
_SPOKEN: dict[Held, str] = {
    "structured_outputs": "structured_outputs.{0}",
    "grammar": "{0}",
    "guided": "guided_{0}",
    "enum": "response_format",
}


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


def _grammar(model: str, nonce: str) -> Probe:
    """A grammar of one word that stands nowhere in the conversation."""
    asked = Request((Message("user", "Greet me."),))
    body = chat_body(model, asked, Decoding(max_tokens=_ROOM, grammar=f'root ::= ("{nonce}")'))
    return body, lambda reply: reply.text.strip() == nonce


def _choices(model: str, nonce: str) -> Probe:
    asked = Request((Message("user", "Greet me."),))
    form = choices_grammar((nonce,))
    body = chat_body(model, asked, Decoding(max_tokens=_ROOM, grammar=form))
    return body, lambda reply: reply.text.strip() == nonce


def _regex(model: str, nonce: str) -> Probe:
    asked = Request((Message("user", "Greet me."),))
    body = chat_body(model, asked, Decoding(max_tokens=_ROOM, regex=nonce))
    return body, lambda reply: reply.text.strip() == nonce


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
    "grammar": _grammar,
    "choices": _choices,
    "regex": _regex,
    "logprobs": _logprobs,
    "tools": _tools,
}
