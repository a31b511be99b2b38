"""When going on is of no use: the endpoint is not there, or refuses everything.

Cases are retried one by one; this looks at all of them together, so that an endpoint that is
gone ends the work in seconds and not after the retries of every case.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from evals.errors import InfrastructureError, TunegateError
from evals.models.hosted.failures import Failure

UNREACHED_TRIES = 4
TIMED_OUT_TRIES = 2
GIVEN_UP_IN_A_ROW = 8
SAME_REFUSALS = 8
_REPEAT = "what was answered is kept; when it answers again, repeat the command"
_FIRST = {
    False: "check OPENAI_BASE_URL, and that the server runs",
    True: "check OPENAI_BASE_URL; for a slow server raise --timeout or lower --concurrency",
}
_DIGITS = re.compile(r"[0-9]+")


class Breaker:
    """What is known of an endpoint's health. Methods return the error that ends the work.

    `replies` counts those that could be read. A case that was begun before the last of them says
    nothing of the endpoint as a whole: some prompts fail always, and are all that is left when
    the others are done.
    """

    def __init__(
        self, host: str, request_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.host = host
        self._silence = 60.0 + 2 * request_seconds
        self._clock = clock
        self._answered = False  # anything at all
        self.replies = 0
        self._since = clock()
        self._failures = 0
        self._given_up = 0
        self._refusals = 0
        self._kinds: set[str] = set()

    def went_well(self) -> None:
        """A reply came that could be read."""
        self._answered = True
        self.replies += 1
        self._since = self._clock()
        self._failures = self._given_up = 0

    def failed(self, failure: Failure, attempt: int, begun: int) -> TunegateError | None:
        """A request failed for the `attempt`th time and may pass.

        Its case was begun after `begun` replies.
        """
        if failure.status:
            self._answered = True
        if begun < self.replies:
            return None
        self._failures += 1
        if not self._answered:
            tries = UNREACHED_TRIES if failure.unreached else TIMED_OUT_TRIES
            if (failure.unreached or failure.timed_out) and attempt >= tries:
                return self._ended(f"never answered: {failure.reason}", _FIRST[failure.timed_out])
        silent = self._clock() - self._since
        if self._failures >= GIVEN_UP_IN_A_ROW and silent > self._silence:
            return self._ended(
                f"gave no usable reply for {silent:.0f} s; the last of {self._failures} failures: "
                f"{failure.reason}"
            )
        return None

    def gave_up(self, failure: Failure, begun: int) -> TunegateError | None:
        """A case, begun after `begun` replies, failed after all its attempts."""
        if begun < self.replies:
            return None
        self._given_up += 1
        if self._given_up < GIVEN_UP_IN_A_ROW:
            return None
        return self._ended(
            f"failed {self._given_up} cases in a row, each after all attempts; the last: "
            f"{failure.reason}"
        )

    def refused(self, failure: Failure) -> TunegateError | None:
        """A case was refused for good."""
        self._answered = True
        if self.replies:
            return None
        self._refusals += 1
        self._kinds.add(_DIGITS.sub("#", failure.reason))
        if self._refusals < SAME_REFUSALS or len(self._kinds) > 1:
            return None
        return InfrastructureError(
            f"{self.host} refused the first {SAME_REFUSALS} cases in the same way: "
            f"{failure.reason}",
            hint="what it says holds for every case: change the prompt, the decoding or the model",
        )

    def _ended(self, what: str, hint: str = _REPEAT) -> InfrastructureError:
        return InfrastructureError(f"{self.host} {what}", hint=hint)
