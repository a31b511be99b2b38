"""One HTTP request: posted, timed, bounded; the reply's JSON, or why there is none.

aiohttp's exceptions carry the request's headers, the key among them, so none leaves this
module, not even as the cause or context of another error.
"""

from __future__ import annotations

import asyncio
import base64
import os
import zlib
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple

from evals.models.hosted.endpoint import Endpoint
from evals.models.hosted.failures import Failure, Refused, of_status, shown
from evals.models.hosted.settings import HostedSettings
from evals.models.hosted.wire import parse
from evals.records import Json

if TYPE_CHECKING:
    import aiohttp

_ERROR_BYTES = 64 << 10
_KEPT_ALIVE_SECONDS = 15.0  # servers close idle connections: below what most of them wait


class Answer(NamedTuple):
    """A reply with status 200 and the JSON in it."""

    value: Json


class Client:
    """A session with one endpoint, to be used as an async context manager in one loop."""

    def __init__(self, endpoint: Endpoint, model: str, settings: HostedSettings) -> None:
        self._endpoint = endpoint
        self._model = model
        self._settings = settings
        self._session: aiohttp.ClientSession
        # With each request: what is a session's own is also told to its proxy, the key included.
        self._headers = _headers(endpoint)
        # Through a tunnel, only the request that opens it is the proxy's.
        encrypted = endpoint.base.startswith("https:")
        self._to_proxy = _credentials(endpoint) if encrypted else None

    async def __aenter__(self) -> Client:
        import aiohttp

        proxy = self._endpoint.proxy
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=self._settings.concurrency, keepalive_timeout=_KEPT_ALIVE_SECONDS
            ),
            skip_auto_headers=["Accept-Encoding", "Accept"],
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,  # see `_unpacked`
            trust_env=False,  # it would read netrc; the proxy is the endpoint's own
            timeout=aiohttp.ClientTimeout(total=None, connect=self._settings.connect_seconds),
            proxy=proxy.address if proxy else None,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._session.close()

    async def post(self, body: bytes) -> Answer | Failure:
        """Post one request. Nothing of the network is raised; cancelling ends it at once."""
        import aiohttp

        failure: Failure | None = None
        try:
            async with (
                asyncio.timeout(self._settings.request_seconds),
                self._session.post(
                    self._endpoint.chat_url,
                    data=body,
                    headers=self._headers,
                    allow_redirects=False,
                    proxy_headers=self._to_proxy,
                ) as response,
            ):
                return await self._read(response)
        except aiohttp.ConnectionTimeoutError:
            seconds = self._settings.connect_seconds
            failure = _unreached(f"no connection within {seconds:g} s")
        except TimeoutError:
            seconds = self._settings.request_seconds
            failure = Failure(
                f"no whole reply within {seconds:g} s", congested=True, timed_out=True
            )
        except (aiohttp.ClientError, OSError, ValueError) as error:
            failure = _of_error(error)
        return failure  # after the handler: no context keeps aiohttp's error alive

    async def _read(self, response: aiohttp.ClientResponse) -> Answer | Failure:
        if response.status != 200:
            told = self._unpacked(response, await _bounded(response, _ERROR_BYTES) or b"")
            refused = Refused(response.status, response.headers, told or b"")
            longest = self._settings.longest_wait_seconds
            return of_status(refused, self._endpoint, self._model, longest, datetime.now(UTC))
        limit = self._settings.max_reply_bytes
        body = await _bounded(response, limit)
        unpacked = None if body is None else self._unpacked(response, body)
        if unpacked is None:
            return Failure(f"the reply is longer than {limit} bytes", "case")
        kind = response.headers.get("Content-Type", "untyped").split(";")[0].strip()
        if kind.lower() != "application/json" and not kind.lower().endswith("+json"):
            return Failure(f"the reply is {shown(kind, self._endpoint)}, not application/json")
        try:
            return Answer(parse(unpacked))
        except ValueError:
            return Failure("the reply is no valid JSON")

    def _unpacked(self, response: aiohttp.ClientResponse, body: bytes) -> bytes | None:
        """The body without compression (which was not asked for), or None where it is too long."""
        coding = response.headers.get("Content-Encoding", "identity").strip().lower()
        if coding not in ("gzip", "deflate", "x-gzip"):
            return body
        unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32)
        try:
            whole = unpacker.decompress(body, self._settings.max_reply_bytes)
        except zlib.error:
            return b""
        return None if unpacker.unconsumed_tail else whole


async def _bounded(response: aiohttp.ClientResponse, limit: int) -> bytes | None:
    """The body, or None (and no further reading) where it is longer than `limit`."""
    if (response.content_length or 0) > limit:
        response.close()
        return None
    chunks, size = [], 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > limit:
            response.close()
            return None
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _headers(endpoint: Endpoint) -> dict[str, str]:
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "User-Agent": "tunegate",
        **endpoint.account,
    }
    if endpoint.key is not None:
        headers["Authorization"] = f"Bearer {endpoint.key.reveal()}"
    return headers if endpoint.base.startswith("https:") else headers | _credentials(endpoint)


def _credentials(endpoint: Endpoint) -> dict[str, str]:
    """What a proxy wants to be told."""
    proxy = endpoint.proxy
    if proxy is None or not (proxy.user or proxy.password):
        return {}
    pair = f"{proxy.user}:{proxy.password.reveal() if proxy.password else ''}"
    return {"Proxy-Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def _of_error(error: Exception) -> Failure:
    """A failure of the network in words that hold no header and no address."""
    import aiohttp

    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ClientConnectorCertificateError):
        return _unreached(_why_unreached(error))
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return _unreached(f"the proxy refused the connection (HTTP {error.status})")
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return Failure("the connection was closed before a reply came")
    if isinstance(error, aiohttp.ClientPayloadError):
        return Failure("the reply was cut off")
    if isinstance(error, OSError) and error.errno:
        return Failure(f"the connection failed: {os.strerror(error.errno).lower()}")
    return Failure(f"the reply is no valid HTTP ({type(error).__name__})")


def _why_unreached(
    error: aiohttp.ClientConnectorError | aiohttp.ClientConnectorCertificateError,
) -> str:
    import aiohttp

    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        said = getattr(error.certificate_error, "verify_message", "") or "it is not trusted"
        return f"the host's certificate is refused: {said}"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "the host's name is not known"
    number = error.os_error.errno
    return os.strerror(number).lower() if number and number > 0 else "no connection"


def _unreached(reason: str) -> Failure:
    return Failure(reason, charge="none", unreached=True)
