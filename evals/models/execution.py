"""Batches in, finished batches out: one after another, or as a concurrent model finishes them.

This is where the runner hands work over. A model that has many requests under way at once
brings a method `stream` (see `ConcurrentModel`); every other one runs batch by batch.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from typing import NamedTuple, Protocol

from evals.models.protocol import Batch, Model
from evals.records import Output


class Finished(NamedTuple):
    """A batch, its outputs in the order of its requests, and the wall seconds it took.

    Batches that ran at the same time share that time out among them.
    """

    batch: Batch
    outputs: list[Output]
    seconds: float


Stream = Generator[list[tuple[Batch, list[Output]]], None, None]
"""Groups of finished batches with their outputs."""


class ConcurrentModel(Protocol):
    """A model that works on many batches at once."""

    def stream(self, batches: Sequence[Batch]) -> Stream:
        """Finished batches in groups, as they come, each batch exactly once.

        What is finished while a group is being stored waits for the next one. Raises
        InfrastructureError where going on is of no use, after everything that was finished
        has been handed over. Closing the iterator early ends what is under way.
        """
        ...


def execute(
    model: Model, batches: Sequence[Batch], clock: Callable[[], float] = time.perf_counter
) -> Generator[list[Finished], None, None]:
    """Run `batches`, in groups that are to be stored together. Raises as the model does."""
    if not batches:
        return
    stream = getattr(model, "stream", None)
    groups = _one_by_one(model, batches) if stream is None else stream(batches)
    started = clock()
    try:
        for group in groups:
            share = (clock() - started) / max(1, len(group))
            yield [Finished(batch, outputs, share) for batch, outputs in group]
            started = clock()
    finally:
        groups.close()


def _one_by_one(model: Model, batches: Sequence[Batch]) -> Stream:
    for batch in batches:
        yield [(batch, model.run(batch))]
