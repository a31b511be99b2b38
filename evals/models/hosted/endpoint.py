"""Where a hosted model is and who asks: from the ecosystem's environment variables alone.

`OPENAI_BASE_URL`, `OPENAI_API_KEY`, `OPENAI_ORG_ID`, `OPENAI_PROJECT_ID`, and the proxy
variables (`HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`). No netrc file is read. A value that is
refused is never shown: people paste keys into the wrong variable.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn
from urllib.parse import SplitResult, unquote, urlsplit

from evals.errors import ModelError

DEFAULT_ADDRESS = "https://api.openai.com/v1"
BASE, KEY = "OPENAI_BASE_URL", "OPENAI_API_KEY"
_ACCOUNT = {"OPENAI_ORG_ID": "OpenAI-Organization", "OPENAI_PROJECT_ID": "OpenAI-Project"}

REDACTED = "[key]"
_SECRET_LENGTH = 12
"""Shorter keys are what local servers are given ("EMPTY", "ollama"): words, not secrets."""


_ESCAPE = re.compile(r"\\+u([0-9a-fA-F]{4})")
_PIECE = 16
"""Characters of a key that are not shown either where it is quoted in part."""


class Secret:
    """A key that no repr, format, pickle or error shows; `reveal` is called in one place."""

    __slots__ = ("_pattern", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._pattern = None
        if len(text) >= _SECRET_LENGTH:
            # In any case: the names of hosts and types come out in lower case.
            self._pattern = re.compile(re.escape(text), re.IGNORECASE)

    def __repr__(self) -> str:
        return "Secret(hidden)"

    __str__ = __repr__

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written down")

    def reveal(self) -> str:
        """The key itself, for the header that carries it."""
        return self._text

    def within(self, text: str) -> bool:
        """Whether `text` holds the key, also in JSON's escapes, which scorers read.

        A key too short to be secret is in no text.
        """
        if self._pattern is None:
            return False
        plain = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text).replace("\\/", "/")
        return bool(self._pattern.search(text) or self._pattern.search(plain))

    def redact(self, text: str) -> str:
        """`text` with every occurrence of the key, or of a long piece of it, replaced."""
        if self._pattern is None:
            return text
        whole = self._pattern.sub(REDACTED, text)
        for start in range(len(self._text) - _PIECE + 1):  # the earliest takes the rest along
            piece = re.escape(self._text[start : start + _PIECE])
            whole = re.sub(piece + r"[^\s\"']*", REDACTED, whole, flags=re.IGNORECASE)
        return whole


@dataclass(frozen=True)
class Proxy:
    """A proxy's address without its credentials, which are kept apart and never shown."""

    address: str
    user: str = field(default="", repr=False)
    password: Secret | None = None


@dataclass(frozen=True)
class Endpoint:
    """An address of chat completions, with what is sent along in headers.

    `base` has no user, query or fragment and ends without a slash.
    """

    base: str
    key: Secret | None = None
    account: Mapping[str, str] = field(default_factory=dict)
    proxy: Proxy | None = None

    @property
    def host(self) -> str:
        """`host` or `host:port`: what errors and records name."""
        return urlsplit(self.base).netloc

    @property
    def place(self) -> str:
        """Host and path: the part of the address that tells one endpoint from another."""
        parts = urlsplit(self.base)
        return parts.netloc + parts.path

    @property
    def chat_url(self) -> str:
        """Where requests are posted."""
        return f"{self.base}/chat/completions"

    @property
    def exposed(self) -> bool:
        """Whether the key would travel unencrypted to another machine."""
        parts = urlsplit(self.base)
        return bool(self.key) and parts.scheme == "http" and not is_loopback(parts.hostname or "")

    def redact(self, text: str) -> str:
        """`text` without the key and the proxy's password."""
        for secret in (self.key, self.proxy.password if self.proxy else None):
            text = secret.redact(text) if secret else text
        return text

    def leaks(self, text: str) -> bool:
        """Whether `text`, which came from the endpoint, holds the key."""
        return self.key is not None and self.key.within(text)


def endpoint_from(environ: Mapping[str, str]) -> Endpoint:
    """The endpoint that the environment names.

    Raises ModelError for an address, key or account that cannot be used, and for a missing
    key where the address is the default one.
    """
    stated = environ.get(BASE, "").strip()
    base = _checked_base(stated or DEFAULT_ADDRESS)
    text = _printable(environ, KEY)
    if not (text or stated):
        raise ModelError(
            f"no key for {urlsplit(base).netloc}: {KEY} is not set",
            hint=f"set it, or set {BASE} to a server that needs none",
        )
    account = {
        header: value
        for variable, header in _ACCOUNT.items()
        if (value := _printable(environ, variable))
    }
    return Endpoint(base, Secret(text) if text else None, account, proxy_for(base, environ))


def proxy_for(base: str, environ: Mapping[str, str]) -> Proxy | None:
    """The proxy that the environment names for an address; never one for this machine itself.

    Raises ModelError for one that is no http address.
    """
    parts = urlsplit(base)
    host = parts.hostname or ""
    names = (f"{parts.scheme}_proxy", f"{parts.scheme}_proxy".upper(), "all_proxy", "ALL_PROXY")
    found = next(((name, environ[name]) for name in names if environ.get(name)), None)
    excepted = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    if found is None or is_loopback(host) or _excepted(host, parts.netloc, excepted):
        return None
    name, address = found
    split = _split(address if "://" in address else f"http://{address}", name)
    if split.scheme not in ("http", "https") or not split.hostname:
        raise ModelError(f"{name} names no http:// proxy", hint="others are not supported")
    password = Secret(unquote(split.password)) if split.password else None
    bare = f"{split.scheme}://{split.netloc.rpartition('@')[2]}"
    return Proxy(bare, unquote(split.username or ""), password)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself, by its name or number."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _excepted(host: str, netloc: str, names: str) -> bool:
    """Whether `NO_PROXY` names a host: itself, a domain above it, or all (`*`)."""
    for name in names.split(","):
        domain = name.strip().lower().lstrip("*").lstrip(".")
        if name.strip() == "*" or (domain and netloc == domain):
            return True
        if domain and (host == domain or host.endswith(f".{domain}")):
            return True
    return False


def _checked_base(address: str) -> str:
    parts = _split(address, BASE)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise _bad_base("is no http:// or https:// address")
    if "@" in parts.netloc:
        raise _bad_base("holds a user or a password", f"a key goes into {KEY}")
    if parts.query or parts.fragment or address.endswith(("?", "#")):
        raise _bad_base("holds a query or a fragment", "give the address up to its path")
    if parts.path.rstrip("/").endswith("/chat/completions"):
        raise _bad_base("holds the path of chat completions", "leave /chat/completions away")
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}"


def _split(address: str, variable: str) -> SplitResult:
    """`urlsplit`, strict. Raises ModelError without the address: it may hold a password."""
    if not all("!" <= character <= "~" for character in address):
        raise ModelError(f"{variable} holds a space, a control character or one outside ASCII")
    try:
        parts = urlsplit(address)
        _ = parts.port  # reading it checks it
    except ValueError:
        parts = None
    if parts is None:
        raise ModelError(f"{variable} is no address", hint=f"such as {DEFAULT_ADDRESS}")
    return parts


def _bad_base(what: str, hint: str = f"expected something like {DEFAULT_ADDRESS}") -> ModelError:
    return ModelError(f"{BASE} {what}", hint=hint)


def _printable(environ: Mapping[str, str], variable: str) -> str:
    value = environ.get(variable, "")
    if not all("!" <= character <= "~" for character in value):
        raise ModelError(
            f"{variable} holds a space, a control character or one outside ASCII",
            hint="copy it again, without what stands around it",
        )
    return value
