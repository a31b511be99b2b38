"""A model that gives way to another and comes back: one model's weights in memory at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from weakref import ref

from evals.errors import ModelError
from evals.models.protocol import AdaptableModel, Batch
from evals.records import Decoding, Output, Request


class ReturningModel:
    """An `AdaptableModel` by its name. `open_model` gives the one that is open, or opens it.

    What names it is kept from the first time, so that asking for it opens nothing. The adapter
    is off when it comes back; whoever runs batches sees to that (`evals.generating`). Raises
    ModelError where other weights come back under its name.
    """

    def __init__(self, name: str, open_model: Callable[[str], AdaptableModel]) -> None:
        self._open_model = open_model
        opened = open_model(name)
        self.name = opened.name
        self.fingerprint = opened.fingerprint
        self._seen = ref(opened)

    def _open(self) -> AdaptableModel:
        opened = self._open_model(self.name)
        if opened is self._seen():
            return opened
        if opened.fingerprint != self.fingerprint:
            raise ModelError(
                f"{self.name} has changed while the command was at work",
                hint="repeat the command: it judges the model as it is then",
            )
        self._seen = ref(opened)  # no more: whoever keeps it, keeps its weights
        return opened

    def __getattr__(self, attribute: str) -> Any:
        """What only some models have: `stream`, `served`."""
        if attribute.startswith("_"):
            raise AttributeError(attribute)
        return getattr(self._open(), attribute)

    @property
    def provenance(self) -> Mapping[str, str]:
        """As of the model."""
        return self._open().provenance

    @property
    def context_tokens(self) -> int:
        """As of the model."""
        return self._open().context_tokens

    @property
    def adapter(self) -> str:
        """As of the model."""
        return self._open().adapter

    def use_adapter(self, path: str | None) -> None:
        """As of the model."""
        self._open().use_adapter(path)

    def plan(self, requests: Sequence[Request], decoding: Decoding) -> Sequence[Batch]:
        """As of the model."""
        return self._open().plan(requests, decoding)

    def run(self, batch: Batch) -> list[Output]:
        """As of the model."""
        return self._open().run(batch)

    def count_tokens(self, text: str) -> int:
        """As of the model."""
        return self._open().count_tokens(text)
