"""A worker's judge beside a check of the cases that needs no process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from evals.errors import ScorerError
from evals.records import Case, Output, Score
from evals.scorers.worker import Worker


@dataclass(frozen=True)
class CheckedWorker:
    """Judges in `worker`; `check` refuses cases that it could never judge, before any model runs.

    `check` raises ScorerError.
    """

    worker: Worker
    check: Callable[[Case], object]

    def __call__(self, case: Case, output: Output) -> Score:
        """One score; raises ScorerError where there is none."""
        return self.worker(case, output)

    def stream(self, pairs: Iterable[tuple[Case, Output]]) -> Iterator[Score | ScorerError]:
        """As `Worker.stream`."""
        return self.worker.stream(pairs)

    def close(self) -> None:
        """Stop the process, if there is one."""
        self.worker.close()
