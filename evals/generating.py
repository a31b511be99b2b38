"""Outputs for requests: what the ledger has is found, the rest is generated and kept.

The batch is the unit of work: planned from all requests before anything runs, committed
whole as it arrives, and found again by its key. So work that was killed goes on where it was
and ends with the outputs it would have had, and who asks the same of the same model again
asks nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from evals.errors import ModelError
from evals.ledger import Ledger, StoredBatch
from evals.models.execution import execute
from evals.models.protocol import AdaptableModel, Batch
from evals.on_demand import OnDemand
from evals.records import Decoding, Output, Request

Progress = Callable[[int, int], None]
"""Called with (requests done, requests in all) as outputs arrive."""


Indices = tuple[int, ...]


class Generated(NamedTuple):
    """Outputs in the order of the requests, and the wall seconds they took when they were made."""

    outputs: list[Output]
    seconds: float


@dataclass(frozen=True)
class Generator:
    """A model and the ledger that keeps what it gives."""

    model: AdaptableModel
    ledger: Ledger
    progress: Progress = lambda _done, _total: None
    clock: Callable[[], float] = time.perf_counter

    def generate(
        self,
        requests: Sequence[Request],
        decoding: Decoding,
        *,
        adapter: str = "",
        adapter_path: str = "",
    ) -> Generated:
        """One output for each request, found or made.

        Errors that may pass are not kept: the same work tries them again. Raises ModelError
        where `adapter_path` no longer holds `adapter`, and as the model does; what was
        finished until then stays in the ledger.
        """
        outputs: dict[int, Output] = {}
        missing: dict[str, list[Indices]] = {}
        firsts: list[int] = []
        seconds = 0.0
        identity = self.model.fingerprint
        plan = self.model.plan(requests, decoding)
        for place, batch in enumerate(plan):
            key = batch.key(identity, adapter)
            stored = None if key in missing else self.ledger.batch(key)
            if stored is not None:
                outputs.update(zip(batch.indices, stored[0], strict=True))
                seconds += stored[1]
                continue
            if key not in missing:
                firsts.append(place)
            missing.setdefault(key, []).append(batch.indices)
        self.progress(len(outputs), len(requests))
        if missing:
            self._activate(adapter, adapter_path)
        keys = {indices[0]: key for key, (indices, *_) in missing.items()}
        for made in self._made(OnDemand(lambda n: plan[firsts[n]], len(firsts)), keys):
            seconds += made.seconds
            for indices in missing[made.key]:
                outputs.update(zip(indices, made.outputs, strict=True))
            self.progress(len(outputs), len(requests))
        return Generated([outputs[index] for index in range(len(requests))], seconds)

    def _made(self, batches: Sequence[Batch], keys: Mapping[int, str]) -> Iterator[StoredBatch]:
        """Every batch once, in the ledger by the time it is handed over.

        `keys` has the batches' keys by the first of their indices.
        """
        for group in execute(self.model, batches, self.clock):
            made = [
                StoredBatch(keys[one.batch.indices[0]], one.outputs, one.seconds) for one in group
            ]
            self.ledger.store_batches([one for one in made if not may_pass(one.outputs)])
            yield from made

    def _activate(self, adapter: str, path: str) -> None:
        """Switch the model to the adapter, or to none. Raises ModelError."""
        if adapter != self.model.adapter:
            self.model.use_adapter(path or None)
        if adapter != self.model.adapter:
            raise ModelError(
                "the adapter on disk is not the one this candidate was made with",
                path=path,
                hint="train again, or name the right folder",
            )


def may_pass(outputs: Iterable[Output]) -> bool:
    """Whether an output is an error that another try may not give."""
    return any(output.error is not None and output.transient for output in outputs)
