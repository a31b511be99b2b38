"""What a scorer is: a callable made by a registered factory with a versioned name."""

from __future__ import annotations

from typing import Protocol

from evals.records import Case, Output, Score


class Scorer(Protocol):
    """Judges one output of one case.

    Raises ScorerError when it cannot judge (time limit, crash of suite code): the case
    then counts as an error, not as a zero. A wrong or unreadable answer is a score of 0
    with a reason, never an exception.
    """

    def __call__(self, case: Case, output: Output) -> Score:
        """Score `output` (whose `error` is None) against `case`."""
        ...

    def close(self) -> None:
        """Release what the scorer holds (a worker process); harmless if called twice."""
        ...
