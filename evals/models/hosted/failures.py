"""What a failed request means: try again, give the case up, or end the work.

Statuses and error bodies follow OpenAI's protocol, with what vLLM, Azure and others do
otherwise. Bodies are hostile: bounded, one line, without the key.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from evals.errors import InfrastructureError, ModelError, TunegateError
from evals.models.hosted.endpoint import Endpoint
from evals.models.hosted.wire import SENT, parse
from evals.records import Json
from evals.text import visible

Follows = Literal["again", "case", "end"]
Charge = Literal["none", "perhaps"]

RETRIED = frozenset({408, 409, 425, 429})
CONGESTED = frozenset({429, 503})
_PERHAPS_CHARGED = frozenset({408, 502, 504})
"""A gateway that gave up: what stands behind it may have answered."""
LONGEST_BACKOFF = 30.0
_SHOWN = 300
_QUOTA = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
_FILTERED = frozenset({"content_filter", "content_policy_violation"})


@dataclass(frozen=True)
class Failure:
    """Why one request gave no answer, and what follows.

    `unreached` is set where no connection came about, `timed_out` where the time ran out.
    `congested` asks for fewer requests at once; `wait` are the seconds that the endpoint named.
    `renamed` says that it wants `max_completion_tokens` for `max_tokens`. `error` is what ends
    the work.
    """

    reason: str
    follows: Follows = "again"
    charge: Charge = "perhaps"
    congested: bool = False
    unreached: bool = False
    timed_out: bool = False
    status: int = 0
    wait: float | None = None
    renamed: bool = False
    error: TunegateError | None = None


class Refused(NamedTuple):
    """A reply with a status other than 200."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def of_status(
    refused: Refused, endpoint: Endpoint, model: str, longest_wait: float, now: datetime
) -> Failure:
    """What a status other than 200 means. `longest_wait` is in seconds."""
    status, headers, body = refused
    said = read_error(body)
    detail = shown(said.message, endpoint)
    reason = f"HTTP {status}" + (f": {detail}" if detail else "")
    if 300 <= status < 400:
        return _ends(_redirected(headers, endpoint), status)
    if status >= 500 or (status in RETRIED and said.code not in _QUOTA):
        wait = retry_after(headers, now)
        if wait is not None and wait > longest_wait:
            return _ends(_too_patient(wait, longest_wait, reason, endpoint), status)
        return _later(status, reason, wait)
    if ending := _ending(status, said, detail, endpoint, model):
        return _ends(ending, status)
    if said.code in _FILTERED:
        reason = f"the endpoint's content filter refused the request: {detail}"
    return Failure(reason, "case", "none", status=status, renamed=_renamed(said))


@dataclass(frozen=True)
class Said:
    """What an error body says; empty where it says nothing."""

    message: str = ""
    code: str = ""
    param: str = ""


def read_error(body: bytes) -> Said:
    """The error of a body: OpenAI's object, a plain `message` or `detail`, or any text."""
    try:
        value = parse(body)
    except ValueError:
        return Said(body.decode("utf-8", "replace"))
    found = value.get("error", value) if isinstance(value, dict) else value
    if not isinstance(found, dict):
        return Said(found if isinstance(found, str) else body.decode("utf-8", "replace"))
    message = found.get("message") or found.get("detail") or body.decode("utf-8", "replace")
    code = found.get("code")
    if not isinstance(code, str) or not code:
        code = found.get("type")
    if not isinstance(message, str):
        message = body.decode("utf-8", "replace")
    return Said(message, _word(code), _word(found.get("param")))


def shown(text: str, endpoint: Endpoint) -> str:
    """Text of an endpoint as a line of an error: no key, nothing invisible, not long."""
    return visible(" ".join(endpoint.redact(text).split()), _SHOWN)


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds that the endpoint asks to wait: `retry-after-ms`, or Retry-After in either form."""
    if (exact := _number(headers.get("retry-after-ms", ""))) is not None:
        return exact / 1000
    stated = headers.get("Retry-After", "").strip()
    if (seconds := _number(stated)) is not None:
        return seconds
    try:
        date = parsedate_to_datetime(stated)
    except (ValueError, IndexError):
        return None
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, (date - now).total_seconds())


def backoff(attempt: int, base: float, rng: random.Random) -> float:
    """Seconds before the attempt after `attempt` (from 1): exponential, with full jitter.

    After "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015).
    """
    return rng.uniform(0.0, min(LONGEST_BACKOFF, base * 2.0 ** min(attempt - 1, 30)))


def _later(status: int, reason: str, wait: float | None) -> Failure:
    return Failure(
        reason,
        charge="perhaps" if status in _PERHAPS_CHARGED else "none",
        congested=status in CONGESTED,
        status=status,
        wait=wait,
    )


def _too_patient(
    wait: float, longest: float, reason: str, endpoint: Endpoint
) -> InfrastructureError:
    return InfrastructureError(
        f"{endpoint.host} asks to wait {wait:.0f} s before the next request, more than "
        f"{longest:.0f} s ({reason})",
        hint="what was answered is kept; repeat the command then",
    )


def _ending(
    status: int, said: Said, detail: str, endpoint: Endpoint, model: str
) -> TunegateError | None:
    """The error that ends the work, where a refusal will be the same for every case."""
    host = endpoint.host
    if status in (401, 403, 407):
        return InfrastructureError(
            f"{host} refuses access (HTTP {status}): {detail}",
            hint=_access_hint(endpoint) if status != 407 else "check the proxy's credentials",
        )
    if status == 402 or said.code in _QUOTA:
        return InfrastructureError(
            f"the quota at {host} is used up (HTTP {status}): {detail}",
            hint="what was answered is kept; repeat the command when there is quota again",
        )
    if status == 404 or said.code == "model_not_found":
        return ModelError(
            f"{host} has no chat completions of a model {model!r} (HTTP {status}): {detail}",
            hint="check the model's name, and that OPENAI_BASE_URL ends as the server wants "
            "it (often /v1)",
        )
    if status in (405, 501):
        return ModelError(
            f"{host} takes no chat completions at that path (HTTP {status}): {detail}",
            hint="check the path of OPENAI_BASE_URL",
        )
    name = said.param.split(".")[0].split("[")[0]
    if name in SENT and not _too_long(said) and not _renamed(said):
        return ModelError(
            f"{host} refuses `{name}` for model {model!r}: {detail}", hint=_HINTS.get(name)
        )
    return None


_HINTS = {
    name: f"nothing is dropped silently: change `decoding.{name}` in suite.yaml"
    for name in ("temperature", "top_p", "seed", "stop")
} | {
    "max_tokens": "change `decoding.max_tokens` in suite.yaml",
    "max_completion_tokens": "change `decoding.max_tokens` in suite.yaml",
    "response_format": "take `decoding.schema` out of suite.yaml, or use another endpoint",
    "logprobs": "cases with `choices` need log-probabilities: use another endpoint",
    "top_logprobs": "cases with `choices` need 20 log-probabilities: use another endpoint",
}


def _access_hint(endpoint: Endpoint) -> str:
    if endpoint.key is None:
        return "OPENAI_API_KEY is not set"
    return "check OPENAI_API_KEY, and that it may use this model"


def _redirected(headers: Mapping[str, str], endpoint: Endpoint) -> InfrastructureError:
    try:
        target = urlsplit(headers.get("Location", "")).hostname or endpoint.host
    except ValueError:
        target = "an address that cannot be read"
    return InfrastructureError(
        f"{endpoint.host} redirects to {visible(endpoint.redact(target), 100)}; redirects are not "
        "followed: the key goes to no other address",
        hint="set OPENAI_BASE_URL to the address that answers",
    )


def _renamed(said: Said) -> bool:
    """Whether a refusal is that of a newer model, which wants the limit's other name."""
    known = "max_completion_tokens" in said.message or said.code == "unsupported_parameter"
    return said.param == "max_tokens" and known


def _too_long(said: Said) -> bool:
    text = said.message.lower()
    return said.code == "context_length_exceeded" or "context length" in text


def _ends(error: TunegateError, status: int) -> Failure:
    return Failure(error.message, "end", "none", status=status, error=error)


def _word(value: Json) -> str:
    return value if isinstance(value, str) else ""


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"[0-9]{1,12}(\.[0-9]{0,9})?", text.strip()) else None
