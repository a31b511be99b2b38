"""How an endpoint is asked: how many requests at once, how long each, how often again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from evals.errors import UsageError
from evals.spending.usage import Usage

PREFIX = "openai:"
MAX_CONCURRENCY = 64
CONNECT_SECONDS = 10.0
REQUEST_SECONDS = 120.0
ATTEMPTS = 6
BACKOFF_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 300.0
MAX_REPLY_BYTES = 8 << 20


class Reservation(Protocol):
    """What one request may cost, set aside until it is known; closed exactly once."""

    def settle(self, usage: Usage) -> None:
        """The request was answered, and this is what the endpoint counted."""
        ...

    def release(self) -> None:
        """Nothing was charged: the request was refused, or never reached the endpoint."""
        ...

    def forfeit(self) -> None:
        """It may have been charged: no reply came, or one that cannot be read."""
        ...

    def cancel(self) -> None:
        """The request was never made: nothing is counted."""
        ...


class Purse(Protocol):
    """What may be spent. Used from one thread at a time."""

    def reserve(self, model: str, prompt_bytes: int, max_tokens: int) -> Reservation:
        """Set aside what one HTTP request to `model` can cost at most.

        Raises BudgetSpentError where that might exceed what is left. Where its `may_pass` is
        true, the requests under way may leave enough: wait for one to be closed, ask again.
        """
        ...


@dataclass(frozen=True)
class HostedSettings:
    """Limits of one endpoint's use.

    `concurrency` is the most requests at once; fewer where the endpoint bears fewer.
    `connect_seconds` bounds reaching it, `request_seconds` one whole request. `attempts` is
    how often a request is made at most, `backoff_seconds` the most before the second time, twice
    that before the third, and so on. `longest_wait_seconds` is how long the endpoint may ask to
    wait. A longer reply than `max_reply_bytes` is an error.
    """

    concurrency: int = MAX_CONCURRENCY
    connect_seconds: float = CONNECT_SECONDS
    request_seconds: float = REQUEST_SECONDS
    attempts: int = ATTEMPTS
    backoff_seconds: float = BACKOFF_SECONDS
    longest_wait_seconds: float = LONGEST_WAIT_SECONDS
    max_reply_bytes: int = MAX_REPLY_BYTES
    purse: Purse | None = None

    def __post_init__(self) -> None:
        """Raise UsageError for a limit that leaves no room for any request."""
        if min(self.concurrency, self.attempts, self.max_reply_bytes) < 1:
            raise UsageError("concurrency, attempts and the size of a reply must be at least 1")
        if min(self.connect_seconds, self.request_seconds) <= 0 or self.backoff_seconds < 0:
            raise UsageError("time limits of an endpoint must be above 0 seconds")
