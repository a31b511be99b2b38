"""Many scores at once: fast where a worker process judges, the same everywhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from evals.errors import ScorerError
from evals.records import Case, Output, Score
from evals.scorers.protocol import Scorer


def iter_scores(
    scorer: Scorer, pairs: Iterable[tuple[Case, Output]]
) -> Iterator[Score | ScorerError]:
    """A score, or the ScorerError that stands instead, for each pair in order, as they come."""
    stream = getattr(scorer, "stream", None)
    if stream is not None:
        yield from stream(pairs)
        return
    for case, output in pairs:
        try:
            yield scorer(case, output)
        except ScorerError as error:
            yield error


def score_many(scorer: Scorer, pairs: Iterable[tuple[Case, Output]]) -> list[Score | ScorerError]:
    """All of `iter_scores`; equal to calling the scorer on each pair."""
    return list(iter_scores(scorer, pairs))


class StreamScorer(Protocol):
    """A scorer that judges many answers at once."""

    def stream(self, pairs: Iterable[tuple[Case, Output]]) -> Iterator[Score | ScorerError]:
        """A score, or the reason why there is none, for each pair in order."""
        ...


def only_score(scorer: StreamScorer, case: Case, output: Output) -> Score:
    """The score of one answer. Raises the ScorerError that stands instead."""
    (said,) = scorer.stream([(case, output)])
    if isinstance(said, ScorerError):
        raise said
    return said
