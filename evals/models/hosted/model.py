"""A model behind an endpoint, as the runner sees it."""

from __future__ import annotations

import os
import random
import warnings
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import closing

from evals.errors import InfrastructureError, ModelError, RunWarning
from evals.fingerprint import fingerprint
from evals.models.execution import Stream
from evals.models.hosted.attempts import Asker, State
from evals.models.hosted.breaker import Breaker
from evals.models.hosted.capabilities import needs_of, prove
from evals.models.hosted.client import Client
from evals.models.hosted.conversation import answer
from evals.models.hosted.dispatch import Dispatcher
from evals.models.hosted.endpoint import Endpoint, endpoint_from
from evals.models.hosted.failures import shown
from evals.models.hosted.pace import Pace
from evals.models.hosted.settings import PREFIX, HostedSettings
from evals.models.hosted.wire import WIRE_VERSION
from evals.models.protocol import Batch
from evals.on_demand import OnDemand
from evals.records import Decoding, Message, Output, Request

_LONGEST_NAME = 256
_CONTEXT = 1 << 22
_BYTES_PER_TOKEN = 4
_GREETING = Request((Message("user", "Say ok."),))
_GREETING_TOKENS = 512  # models that think first need some before they answer


class HostedModel:
    """An `AdaptableModel` and `ConcurrentModel` behind an endpoint. Not thread-safe.

    `rng` draws waits and the words of trials, nothing that an output depends on.
    """

    adapter = ""

    def __init__(
        self,
        model: str,
        endpoint: Endpoint,
        settings: HostedSettings | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self.name = PREFIX + model
        self.endpoint = endpoint
        self.settings = settings or HostedSettings()
        self._model = model
        self._rng = rng or random.Random()  # noqa: S311 - waits, no secrets
        self._state = State(Pace(self.settings.concurrency))
        self._served: str | None = None

    @property
    def fingerprint(self) -> str:
        """Hash of the model's name, the endpoint's host and path, and how it is asked."""
        return fingerprint("hosted@1", self._model, self.endpoint.place, WIRE_VERSION)

    @property
    def provenance(self) -> Mapping[str, str]:
        """`address` (host), and what the replies so far named: `served`, `system_fingerprint`.

        Several values stand sorted and separated by commas.
        """
        seen = {"served": self._state.served, "system_fingerprint": self._state.systems}
        told = {
            name: sorted({shown(value, self.endpoint) for value in values})
            for name, values in seen.items()
        }
        return {"address": self.endpoint.host} | {
            name: ", ".join(values) for name, values in told.items() if values
        }

    def served(self) -> str:
        """What the endpoint calls the model that answers, as one small request shows.

        Asked once; empty where the endpoint names none. Raises InfrastructureError where no
        reply comes, and as `stream`.
        """
        if self._served is None:
            before = set(self._state.served)
            self._state.served.clear()
            (output,) = self.run(Batch((0,), (_GREETING,), Decoding(max_tokens=_GREETING_TOKENS)))
            if output.error is not None:
                raise InfrastructureError(
                    f"{self.endpoint.host} does not say which model {self._model!r} is: "
                    f"{output.error}"
                )
            self._served = self.provenance.get("served", "")
            self._state.served |= before
        return self._served

    @property
    def context_tokens(self) -> int:
        """More than any endpoint has: which one this has is not known before it refuses."""
        return _CONTEXT

    def count_tokens(self, text: str) -> int:
        """An estimate, four bytes of UTF-8 each: the endpoint's tokenizer is not known."""
        return -(-len(text.encode("utf-8", "surrogatepass")) // _BYTES_PER_TOKEN)

    def use_adapter(self, path: str | None) -> None:
        """Raises ModelError for an adapter: an endpoint serves it under a name of its own."""
        if path is not None:
            raise ModelError(
                f"{self.name} cannot switch an adapter on",
                hint="let the server offer the adapter under a name of its own, and name that",
            )

    def plan(self, requests: Sequence[Request], decoding: Decoding) -> Sequence[Batch]:
        """One request a batch, made when it is asked for: each is stored and repeated alone."""
        return OnDemand(lambda n: Batch((n,), (requests[n],), decoding), len(requests))

    def run(self, batch: Batch) -> list[Output]:
        """Outputs in order of the requests. Raises as `stream`."""
        with closing(self.stream([batch])) as groups:
            return [output for group in groups for _, outputs in group for output in outputs]

    def stream(self, batches: Sequence[Batch]) -> Stream:
        """Finished batches in groups, as they come.

        Raises, after all that was finished: BudgetSpentError, InfrastructureError where the
        endpoint refuses everything or is gone, and ModelError where it does not know the model
        or ignores what the batches rely on.
        """

        async def opening(use: Callable[[Asker], Awaitable[None]]) -> None:
            async with Client(self.endpoint, self._model, self.settings) as client:
                await use(self._asker(client))

        return Dispatcher(batches, opening, _outputs, self.settings.concurrency).stream()

    def _asker(self, client: Client) -> Asker:
        breaker = Breaker(self.endpoint.host, self.settings.request_seconds)
        return Asker(
            client,
            self.endpoint,
            self._model,
            self.settings,
            self._state,
            breaker,
            self._rng,
        )


async def _outputs(asker: Asker, batch: Batch) -> list[Output]:
    await prove(asker, needs_of(batch))
    return [await answer(asker, request, batch.decoding) for request in batch.requests]


def check_hosted(name: str, environ: Mapping[str, str] = os.environ) -> Endpoint:
    """The endpoint of `openai:<model>`. Raises ModelError for a bad name, address or key."""
    model = name.removeprefix(PREFIX)
    if not model or len(model) > _LONGEST_NAME or not model.isprintable() or model != model.strip():
        raise ModelError(f"{name!r} names no hosted model", hint="expected openai:<model>")
    return endpoint_from(environ)


def open_hosted(
    name: str,
    settings: HostedSettings | None = None,
    environ: Mapping[str, str] = os.environ,
) -> HostedModel:
    """Open `openai:<model>`; asks nothing yet. Raises as `check_hosted`.

    Warns where the key would travel unencrypted to another machine.
    """
    endpoint = check_hosted(name, environ)
    if endpoint.exposed:
        warnings.warn(
            f"the key in OPENAI_API_KEY goes to {endpoint.host} unencrypted: its address begins "
            "with http://",
            RunWarning,
            stacklevel=2,
        )
    return HostedModel(name.removeprefix(PREFIX), endpoint, settings)
