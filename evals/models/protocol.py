"""What the runner needs of a model: plan batches, then run them one at a time.

Batches are planned from the whole split, before anything runs, and are self-contained:
in bfloat16 the batch alone can change an answer, so a batch is the unit that is cached,
resumed and (on another machine) repeated. See `evals.runner`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from evals.fingerprint import fingerprint
from evals.records import Decoding, Output, Request


@dataclass(frozen=True, slots=True)
class Batch:
    """Requests that run together. `indices` are their positions in the planned sequence.

    `prefix_tokens` is how many leading tokens every request of the *plan* shares: the
    backend may compute them once. It belongs to the key, since it can change rounding.
    `constrained_by` names the library that holds the answers to `decoding`'s constraint.
    """

    indices: tuple[int, ...]
    requests: tuple[Request, ...]
    decoding: Decoding
    prefix_tokens: int = 0
    constrained_by: str = ""

    def key(self, model_fingerprint: str, adapter: str) -> str:
        """Cache identity: everything that can change any output of this batch."""
        return fingerprint(
            "batch@1",
            model_fingerprint,
            adapter,
            self.requests,
            self.decoding,
            self.prefix_tokens,
            *([self.constrained_by] if self.constrained_by else []),
        )


class Model(Protocol):
    """A text model behind one small interface. Implementations are not thread-safe."""

    @property
    def name(self) -> str:
        """The name it was opened by, e.g. `smollm2-135m` or `hf:org/name`."""
        ...

    @property
    def fingerprint(self) -> str:
        """Hash of weights, tokenizer, chat template, precision and backend version."""
        ...

    @property
    def provenance(self) -> Mapping[str, str]:
        """The parts of the fingerprint that a person can be told of, by name.

        `weights`, and where they exist `tokenizer`, `template`, `precision`, `device`: what
        may change behind the same model name. Kept with every run.
        """
        ...

    @property
    def context_tokens(self) -> int:
        """The most tokens, prompt and completion together, that it can attend to."""
        ...

    def plan(self, requests: Sequence[Request], decoding: Decoding) -> Sequence[Batch]:
        """Group requests into batches; deterministic in the requests and decoding.

        `requests` may render each one when it is asked for, and the plan may make each batch
        then, too: so prompts need not all be in memory at once. Every index appears in exactly
        one batch. A request that cannot fit the context
        still gets a batch and comes back from `run` as an error output.
        """
        ...

    def run(self, batch: Batch) -> list[Output]:
        """Outputs in the order of `batch.requests`. Raises InfrastructureError if broken.

        An error output is kept for good unless it is `transient`. Local models give none of
        that kind: whether a request fits is certain, and running out of memory is raised.
        """
        ...

    def count_tokens(self, text: str) -> int:
        """Tokens of plain text, without any template."""
        ...


class AdaptableModel(Model, Protocol):
    """A model whose low-rank adapter can be switched on and off over the same weights."""

    @property
    def adapter(self) -> str:
        """Fingerprint of the active adapter, or an empty string."""
        ...

    def use_adapter(self, path: str | None) -> None:
        """Activate the PEFT adapter in `path` (safetensors only), or None for the base.

        Raises ModelError for a missing, damaged or pickled adapter or another base's.
        """
        ...
