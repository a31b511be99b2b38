"""What endpoints do instead of answering: the table that tests/hosted_server.py serves from."""

from __future__ import annotations

import asyncio
import functools
import json
import time
import zlib
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

from aiohttp import web

from tests.hosted_server import Call, HostedServer, Misbehaviour, Reply, completion, refusal

HUGE_BYTES = 100 << 20
BOMB_BYTES = 400 << 20
DEPTH = 100_000


def _refuse(status: int, message: str, **rest: str) -> Misbehaviour:
    async def misbehave(server: HostedServer, call: Call, request: web.Request) -> web.Response:
        return refusal(status, message, **rest)

    return misbehave


def _say(text: Callable[[dict[str, Any]], str], content_type: str) -> Misbehaviour:
    """A status of 200 over a body made from the honest document."""

    async def misbehave(server: HostedServer, call: Call, request: web.Request) -> web.Response:
        return web.Response(text=text(server.honest(call)), content_type=content_type)

    return misbehave


def _alter(change: Callable[[dict[str, Any]], object]) -> Misbehaviour:
    """The honest document with a change made in place."""

    async def misbehave(server: HostedServer, call: Call, request: web.Request) -> web.Response:
        document = server.honest(call)
        change(document)
        return web.json_response(document)

    return misbehave


def _choice(**changes: Any) -> Misbehaviour:
    return _alter(lambda document: document["choices"][0].update(changes))


def _usage(usage: Any) -> Misbehaviour:
    return _alter(lambda document: document.update(usage=usage))


async def _date(server: HostedServer, call: Call, request: web.Request) -> web.Response:
    return refusal(429, "slow down", Retry_After=formatdate(time.time() + 1, usegmt=True))


async def _hang(server: HostedServer, call: Call, request: web.Request) -> web.Response:
    await asyncio.sleep(3600)
    raise AssertionError("nobody waits that long")


async def _drip(server: HostedServer, call: Call, request: web.Request) -> web.StreamResponse:
    """One byte a second, so that no wait for the next byte is ever long."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    for byte in json.dumps(server.honest(call)).encode():
        await response.write(bytes([byte]))
        await asyncio.sleep(1)
    return response


def _cut(head: bytes, chunked: bool = False) -> Misbehaviour:
    """Half the body under a head that promises all of it, then the end of the connection."""

    async def misbehave(server: HostedServer, call: Call, request: web.Request) -> web.Response:
        half = json.dumps(server.honest(call)).encode()[:40]
        if chunked:
            half = b"%x\r\n%s\r\n" % (len(half), half)
        assert request.transport is not None
        request.transport.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + head)
        request.transport.write(b"\r\n" + half)
        request.transport.close()
        return web.Response()

    return misbehave


async def _close(server: HostedServer, call: Call, request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


async def _huge(server: HostedServer, call: Call, request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    await response.write(b'{"choices": [{"message": {"role": "assistant", "content": "')
    for _ in range(HUGE_BYTES >> 20):
        await response.write(b"x" * (1 << 20))
    await response.write(b'"}, "finish_reason": "stop"}]}')
    return response


@functools.cache
def _bomb_body() -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [packer.compress(b'{"choices": [{"message": {"content": "')]
    parts += [packer.compress(b"0" * (10 << 20)) for _ in range(BOMB_BYTES // (10 << 20))]
    parts += [packer.compress(b'"}, "finish_reason": "stop"}]}'), packer.flush()]
    return b"".join(parts)


async def _bomb(server: HostedServer, call: Call, request: web.Request) -> web.Response:
    body = await asyncio.to_thread(_bomb_body)
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    return web.Response(body=body, headers=headers)


def _redirect(status: int) -> Misbehaviour:
    async def misbehave(server: HostedServer, call: Call, request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": f"{server.elsewhere}{call.path}"})

    return misbehave


def _needs(limit: str) -> Misbehaviour:
    """Newer models of the protocol's inventor know one name of the limit and refuse the other."""
    other = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}[limit]

    async def misbehave(server: HostedServer, call: Call, request: web.Request) -> web.Response:
        if other in call.body:
            text = (
                f"Unsupported parameter: '{other}' is not supported with this model. "
                f"Use '{limit}' instead."
            )
            error = {"message": text, "type": "invalid_request_error", "param": other}
            document = {"error": error | {"code": "unsupported_parameter"}}
            return web.json_response(document, status=400)
        return web.json_response(server.honest(call))

    return misbehave


def _key(call: Call) -> str:
    return call.headers.get("Authorization", "no key came")


def _echo_error(status: int) -> Misbehaviour:
    async def misbehave(server: HostedServer, call: Call, request: web.Request) -> web.Response:
        return refusal(status, f"Incorrect API key provided: {_key(call)}", kind=_key(call))

    return misbehave


async def _echo_reply(server: HostedServer, call: Call, request: web.Request) -> web.Response:
    return web.json_response(completion(call.body, Reply(f"your header is {_key(call)}")))


async def _echo_tools(server: HostedServer, call: Call, request: web.Request) -> web.Response:
    document = completion(call.body, Reply(""))
    function = {"name": _key(call), "arguments": json.dumps({"key": _key(call)})}
    calls = [{"id": _key(call), "type": "function", "function": function}]
    document["choices"][0]["message"] = {"content": None, "tool_calls": calls}
    return web.json_response(document | {"model": _key(call)})


async def _echo_header(server: HostedServer, call: Call, request: web.Request) -> web.Response:
    return refusal(500, "failed", X_Request_Id=_key(call), Retry_After=_key(call))


async def _echo_head(server: HostedServer, call: Call, request: web.Request) -> web.Response:
    """In the reason beside the status, and in the content type."""
    head = {"Content-Type": f"text/html; charset={_key(call).split()[-1]}"}
    return web.Response(status=500, reason=_key(call), body=_key(call).encode(), headers=head)


async def _echo_broken(server: HostedServer, call: Call, request: web.Request) -> web.Response:
    """Where a parser's own error would quote it."""
    return web.Response(text=f'{{"choices": [{_key(call)}]}}', content_type="application/json")


async def _echo_finish(server: HostedServer, call: Call, request: web.Request) -> web.Response:
    reply = Reply("billing", finish_reason=_key(call))
    return web.json_response(completion({**call.body, "stop": None}, reply))


ECHOES: dict[str, Misbehaviour] = {
    "echo in 400": _echo_error(400),
    "echo in 401": _echo_error(401),
    "echo in 429": _echo_error(429),
    "echo in 500": _echo_error(500),
    "echo in reply": _echo_reply,
    "echo in tool call": _echo_tools,
    "echo in header": _echo_header,
    "echo in status line": _echo_head,
    "echo in broken JSON": _echo_broken,
    "echo in finish reason": _echo_finish,
}
"""Endpoints that hand the key back, in every place where an error might quote it."""

BUSY: dict[str, Misbehaviour] = {
    "429 with seconds": _refuse(429, "slow down", Retry_After="1"),
    "429 with date": _date,
    "429": _refuse(429, "slow down"),
    "500": _refuse(500, "internal error"),
    "503": _refuse(503, "overloaded"),
}
BROKEN: dict[str, Misbehaviour] = {
    "closed": _close,
    "cut": _cut(b"Content-Length: 5000\r\n"),
    "cut chunked": _cut(b"Transfer-Encoding: chunked\r\n", chunked=True),
    "html": _say(lambda _: "<html><body>Bad gateway</body></html>", "text/html"),
    "invalid JSON": _say(lambda document: json.dumps(document)[:-9], "application/json"),
}
UNREADABLE: dict[str, Misbehaviour] = {
    "deep JSON": _say(lambda _: "[" * DEPTH + "]" * DEPTH, "application/json"),
    "no object": _say(lambda _: '"billing"', "application/json"),
    "empty choices": _alter(lambda document: document.update(choices=[])),
    "no choices": _alter(lambda document: document.pop("choices")),
    "no message": _alter(lambda document: document["choices"][0].pop("message")),
    "null content": _choice(message={"role": "assistant", "content": None}),
    "number content": _choice(message={"role": "assistant", "content": 17}),
    "lone surrogate": _choice(message={"role": "assistant", "content": "\ud800"}),
    "content filter": _choice(
        finish_reason="content_filter", message={"role": "assistant", "content": ""}
    ),
    "error in 200": _say(lambda _: '{"error": {"message": "no"}}', "application/json"),
}
USABLE: dict[str, Misbehaviour] = {
    "unknown finish": _choice(finish_reason="eos_token"),
    "negative usage": _usage({"prompt_tokens": -7, "completion_tokens": -1}),
    "text usage": _usage({"prompt_tokens": "many", "completion_tokens": None}),
    "huge usage": _usage({"prompt_tokens": 10**40, "completion_tokens": 1e308}),
    "list usage": _usage([1, 2]),
    "no usage": _alter(lambda document: document.pop("usage")),
}
"""Strange, with an answer all the same."""

REFUSED: dict[str, Misbehaviour] = {
    "400 context": _refuse(
        400,
        "This model's maximum context length is 8192 tokens. However, your messages resulted in "
        "9001 tokens.",
        kind="context_length_exceeded",
    ),
    "400": _refuse(400, "messages: not like this"),
    "401": _refuse(401, "Incorrect API key provided.", kind="invalid_api_key"),
    "403": _refuse(403, "not allowed here"),
    "404": _refuse(404, "The model `stub` does not exist.", kind="model_not_found"),
}
SLOW: dict[str, Misbehaviour] = {"hang": _hang, "drip": _drip}
LARGE: dict[str, Misbehaviour] = {"huge": _huge, "gzip bomb": _bomb}
REDIRECTS: dict[str, Misbehaviour] = {
    "301": _redirect(301),
    "302": _redirect(302),
    "307": _redirect(307),
    "308": _redirect(308),
}
LIMITS: dict[str, Misbehaviour] = {
    "only max_tokens": _needs("max_tokens"),
    "only max_completion_tokens": _needs("max_completion_tokens"),
}
MISBEHAVIOURS: dict[str, Misbehaviour] = (
    BUSY | BROKEN | UNREADABLE | USABLE | REFUSED | SLOW | LARGE | REDIRECTS | LIMITS | ECHOES
)
