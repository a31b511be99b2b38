"""What a proxy is told: the requests as they go over the wire, kept by a socket."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from evals.errors import InfrastructureError
from evals.models.hosted.model import open_hosted
from evals.models.hosted.settings import HostedSettings
from evals.models.protocol import Batch
from evals.records import Decoding, Message, Request

KEY = "sk-Secret0123456789"
ASKED = Batch((0,), (Request((Message("user", "the prompt"),)),), Decoding())


@pytest.fixture
def proxy() -> Iterator[tuple[str, list[str]]]:
    """A proxy that keeps what it is told and refuses everything: its address, and what it heard."""
    heard: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    heard.append(connection.recv(1 << 16).decode())
                    connection.sendall(b"HTTP/1.1 407 no\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}", heard
        listening.shutdown(socket.SHUT_RDWR)
    thread.join()


@pytest.mark.parametrize("credentials", ["", "me:s3cret@"])
def test_a_proxy_that_opens_a_tunnel_is_told_neither_key_nor_prompt(proxy, credentials):
    address, heard = proxy
    environ = {
        "OPENAI_BASE_URL": "https://models.example/v1",
        "OPENAI_API_KEY": KEY,
        "HTTPS_PROXY": f"http://{credentials}{address}",
    }
    model = open_hosted("openai:m", HostedSettings(backoff_seconds=0.01), environ)
    with pytest.raises(InfrastructureError, match=r"the proxy refused the connection .HTTP 407."):
        model.run(ASKED)
    told = heard[0]
    assert told.startswith("CONNECT models.example:443 ")
    assert KEY not in told
    assert "the prompt" not in told
    assert ("Proxy-Authorization: Basic bWU6czNjcmV0" in told) is bool(credentials)
    assert "Authorization: Bearer" not in told


def test_the_credentials_of_a_proxy_stay_out_of_the_error(proxy):
    address, _ = proxy
    environ = {
        "OPENAI_BASE_URL": "http://models.example/v1",
        "HTTP_PROXY": f"http://me:s3cret@{address}",
    }
    model = open_hosted("openai:m", HostedSettings(backoff_seconds=0.01), environ)
    with pytest.raises(InfrastructureError, match="407") as raised:
        model.run(ASKED)
    assert "s3cret" not in str(raised.value)
    assert "check the proxy's credentials" in str(raised.value)
