"""A real server of the chat completions protocol on the loopback: honest, or as told to be.

It answers by a function of the messages, keeps every request it got, and misbehaves (see
`tests.hosted_misbehaviours`) for the requests that a `Plan` picks. Each runs in a thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from aiohttp import web

Messages = list[dict[str, Any]]


@dataclass(frozen=True)
class Reply:
    """What the model behind the endpoint says: text, or calls of (name, arguments)."""

    text: str | None = ""
    tool_calls: tuple[tuple[str, str], ...] = ()
    finish_reason: str = "stop"
    first_token: Mapping[str, float] = field(default_factory=dict)
    """Log-probabilities of what the first token could have been, for `top_logprobs`."""


Answer = Callable[[Messages], str | Reply]


@dataclass
class Call:
    """One request as it came. `attempt` counts those with the same body, from 1."""

    path: str
    headers: dict[str, str]
    body: Any
    attempt: int
    started: float
    behaviour: str | None = None
    finished: float | None = None
    """When the reply was sent whole; None where none was."""

    @property
    def text(self) -> str:
        """The last message."""
        return str(self.body["messages"][-1]["content"])


Plan = Callable[[Call], str | None]
"""The name of the misbehaviour for a request, or None for an honest reply."""

Misbehaviour = Callable[["HostedServer", Call, web.Request], Awaitable[web.StreamResponse]]


def never(_call: Call) -> str | None:
    """An honest endpoint."""
    return None


def always(name: str) -> Plan:
    """Every request, every time."""
    return lambda _call: name


def at_first(name: str, attempts: int = 1) -> Plan:
    """The first attempts of every request; then it is answered."""
    return lambda call: name if call.attempt <= attempts else None


def for_texts(name: str, texts: Collection[str]) -> Plan:
    """Requests whose last message contains one of the texts, every time."""
    return lambda call: name if any(text in call.text for text in texts) else None


def at_random(names: Sequence[str], share: float, seed: int) -> Plan:
    """A share of requests, each in a random way; the order in which they come is no matter."""

    def plan(call: Call) -> str | None:
        drawn = random.Random(f"{seed} {call.attempt} {json.dumps(call.body, sort_keys=True)}")
        return drawn.choice(names) if drawn.random() < share else None

    return plan


@dataclass
class HostedServer:
    """An endpoint; `with HostedServer(...) as server` starts and ends it.

    `latency` is in seconds. `ignores` are parameters that an honest reply takes no notice
    of: "logprobs", "response_format", "tools", "stop", "max_tokens". `holds` are the parameters
    that it takes a grammar by, of "structured_outputs", "grammar", "guided_grammar" and
    "guided_regex": others it does not know and lets pass. `elsewhere` is where a
    redirect leads, `retry_after` how many seconds are asked for with 429. `served` is the
    model that replies name, that which was asked for where it is empty.
    """

    answer: Answer = lambda messages: str(messages[-1]["content"])
    plan: Plan = never
    latency: float = 0.0
    ignores: Collection[str] = ()
    holds: Collection[str] = ()
    elsewhere: str = ""
    retry_after: float = 1
    port: int = 0
    served: str = ""
    calls: list[Call] = field(default_factory=list)
    strays: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    """Method, path and headers of all that was not a POST of chat completions."""
    most_at_once: int = 0

    def __post_init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._ready = threading.Event()
        self._attempts: Counter[str] = Counter()
        self._open = 0
        self._runner: web.AppRunner | None = None

    @property
    def root(self) -> str:
        """Scheme, host and port."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """What belongs into OPENAI_BASE_URL."""
        return f"{self.root}/v1"

    @property
    def answered(self) -> list[Call]:
        """The requests that got an honest reply, whole."""
        return [call for call in self.calls if call.behaviour is None and call.finished]

    def saw(self, secret: str) -> bool:
        """Whether a secret was in anything that came here."""
        return secret in repr(self.calls) or secret in repr(self.strays)

    def forget(self) -> None:
        """Start counting anew."""
        self.calls.clear()
        self.strays.clear()
        self._attempts.clear()
        self.most_at_once = 0

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10), "the server did not start"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._start())
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._end())
        self._loop.close()

    async def _start(self) -> None:
        application = web.Application(client_max_size=64 << 20)
        application.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(
            application, access_log=None, handler_cancellation=True, shutdown_timeout=0.1
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, backlog=1024)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def _end(self) -> None:
        assert self._runner is not None
        await self._runner.cleanup()
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if request.method != "POST" or request.path != "/v1/chat/completions":
            self.strays.append((request.method, request.path_qs, dict(request.headers)))
            return refusal(404, "not found", kind="not_found")
        raw = await request.text()
        self._attempts[raw] += 1
        headers = dict(request.headers)
        body = json.loads(raw)
        call = Call(request.path_qs, headers, body, self._attempts[raw], time.monotonic())
        call.behaviour = self.plan(call)
        self.calls.append(call)
        self._open += 1
        self.most_at_once = max(self.most_at_once, self._open)
        try:
            return await self._respond(call, request)
        finally:
            self._open -= 1

    async def _respond(self, call: Call, request: web.Request) -> web.StreamResponse:
        from tests.hosted_misbehaviours import MISBEHAVIOURS

        if self.latency:
            await asyncio.sleep(self.latency)
        if call.behaviour is not None:
            return await MISBEHAVIOURS[call.behaviour](self, call, request)
        response = web.json_response(self.honest(call))
        await response.prepare(request)
        await response.write_eof()
        call.finished = time.monotonic()
        return response

    def honest(self, call: Call) -> dict[str, Any]:
        """The document of an honest reply."""
        asked = {key: value for key, value in call.body.items() if key not in self.ignores}
        said: str | Reply = self.answer(call.body["messages"])
        if held := next((asked[name] for name in self.holds if name in asked), None):
            said = _first_word(held)
        document = completion(asked, Reply(said) if isinstance(said, str) else said)
        return document | ({"model": self.served} if self.served else {})


def completion(asked: Mapping[str, Any], reply: Reply) -> dict[str, Any]:
    """A reply as the protocol has it, with what was asked for honoured."""
    message: dict[str, Any] = {"role": "assistant", "content": reply.text}
    finish = reply.finish_reason
    text = reply.text or ""
    if reply.tool_calls and asked.get("tools"):
        message |= {"content": None, "tool_calls": _calls(reply)}
        finish, text = "tool_calls", ""
    elif schema := _asked_schema(asked):
        text = message["content"] = _obeying(schema, text)
    for stop in _as_list(asked.get("stop")):
        text = text.split(stop, 1)[0]
    words = text.split(" ")
    limit = asked.get("max_completion_tokens", asked.get("max_tokens"))
    if limit is not None and len(words) > limit:
        words, finish = words[:limit], "length"
    text = " ".join(words)
    if message["content"] is not None:
        message["content"] = text
    choice: dict[str, Any] = {"index": 0, "message": message, "finish_reason": finish}
    if asked.get("logprobs"):
        choice["logprobs"] = {"content": _logprobs(asked, reply, words)}
    prompt = sum(len(str(one.get("content")).split()) for one in asked["messages"])
    usage = {"prompt_tokens": prompt, "completion_tokens": len(words)}
    return {
        "id": "chatcmpl-stub",
        "object": "chat.completion",
        "created": 0,
        "model": asked["model"],
        "choices": [choice],
        "usage": usage | {"total_tokens": prompt + len(words)},
    }


def refusal(status: int, message: str, *, kind: str = "error", **headers: str) -> web.Response:
    """An error as the protocol has it. Headers are named with underscores."""
    error = {"message": message, "type": kind, "param": None, "code": kind}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return web.json_response({"error": error}, status=status, headers=named)


@contextlib.contextmanager
def refused_port() -> Iterator[str]:
    """The base URL of a port at which nobody listens, kept free meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        yield f"http://127.0.0.1:{bound.getsockname()[1]}/v1"


def _calls(reply: Reply) -> list[dict[str, Any]]:
    return [
        {"id": f"call_{n}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for n, (name, arguments) in enumerate(reply.tool_calls)
    ]


def _asked_schema(asked: Mapping[str, Any]) -> Any:
    return asked.get("response_format", {}).get("json_schema", {}).get("schema")


def _first_word(held: Any) -> str:
    """What a grammar of one rule allows first, or a regex without any operator."""
    text = str(next(iter(held.values())) if isinstance(held, Mapping) else held)
    return text.split('"')[1] if "::=" in text else text


def _obeying(schema: Any, text: str) -> str:
    """The text where it is a JSON document of the schema, else the first that comes to mind."""
    import jsonschema

    with contextlib.suppress(ValueError, jsonschema.ValidationError):
        jsonschema.validate(json.loads(text), schema)
        return text
    return json.dumps(_instance(schema))


def _instance(schema: Mapping[str, Any]) -> Any:
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            return {name: _instance(part) for name, part in schema.get("properties", {}).items()}
        case "array":
            return []
        case "integer" | "number":
            return 0
        case "boolean":
            return False
        case "null":
            return None
        case _:
            return ""


def _as_list(stop: str | list[str] | None) -> list[str]:
    return [stop] if isinstance(stop, str) else stop or []


def _logprobs(asked: Mapping[str, Any], reply: Reply, words: Sequence[str]) -> list[dict[str, Any]]:
    """Words stand for tokens."""
    top = asked.get("top_logprobs") or 0
    tokens = []
    for n, word in enumerate(words):
        rivals = {word: -0.1} | (dict(reply.first_token) if n == 0 else {})
        ranked = sorted(rivals.items(), key=lambda pair: -pair[1])[:top]
        entries = [_token(text, value) for text, value in ranked]
        tokens.append(_token(word, rivals[word]) | {"top_logprobs": entries})
    return tokens


def _token(text: str, value: float) -> dict[str, Any]:
    return {"token": text, "logprob": value, "bytes": list(text.encode())}
