"""How scorers ask a model: through the ledger, so that no question is asked twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from evals.fingerprint import fingerprint
from evals.generating import Generator, Progress
from evals.ledger import Ledger
from evals.models.protocol import AdaptableModel
from evals.records import Decoding, Output, Request


class Asker(Protocol):
    """Answers the questions of scorers by models that they name."""

    def ask(self, model: str, requests: Sequence[Request], decoding: Decoding) -> list[Output]:
        """One output for each request, in order; errors are outputs, too.

        Raises as opening the model does, and InfrastructureError where going on is of no use.
        """
        ...

    def identity(self, model: str) -> str:
        """What the model behind the name is now: a change of it makes scores incomparable."""
        ...


@dataclass(frozen=True)
class LedgerAsker:
    """An `Asker` whose replies are kept in the ledger. `open_model` opens a model by name.

    A model is opened when it is first asked for, and without any adapter. The callback keeps
    it open: it is called for every question.
    """

    open_model: Callable[[str], AdaptableModel]
    ledger: Ledger
    progress: Progress = lambda _done, _total: None

    def ask(self, model: str, requests: Sequence[Request], decoding: Decoding) -> list[Output]:
        """Replies found in the ledger or made, those that may not pass again kept."""
        opened = self.open_model(model)
        return Generator(opened, self.ledger, self.progress).generate(requests, decoding).outputs

    def identity(self, model: str) -> str:
        """The model's fingerprint, and of a hosted one what the endpoint says that it is now."""
        opened = self.open_model(model)
        served = getattr(opened, "served", None)
        if served is None:
            return opened.fingerprint
        return fingerprint("served@1", opened.fingerprint, served())
