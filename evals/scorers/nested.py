"""Scorers inside a scorer: each pair handed to those that judge it, many pairs at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice

from evals.errors import ScorerError
from evals.records import Case, Output, Score
from evals.scorers.batch import iter_scores
from evals.scorers.protocol import Scorer

LOOK_AHEAD = 256  # pairs that are read before their scores are asked for

Pair = tuple[Case, Output]
Result = Score | ScorerError


def fan_out(
    pairs: Iterable[Pair], choose: Callable[[Case], Sequence[Scorer]]
) -> Iterator[list[Result]]:
    """For each pair in order: what each of the scorers that `choose` names for it says.

    Scorers with a worker process get their pairs as a stream. A ScorerError that `choose`
    raises stands as that pair's only result. Memory holds `LOOK_AHEAD` pairs. Closing the
    iterator early closes the streams.
    """
    source = iter(pairs)
    while chunk := list(islice(source, LOOK_AHEAD)):
        yield from _fan_out_all(chunk, choose)


def _fan_out_all(
    chunk: list[Pair], choose: Callable[[Case], Sequence[Scorer]]
) -> Iterator[list[Result]]:
    chosen: list[Sequence[Scorer] | ScorerError] = []
    shares: dict[int, tuple[Scorer, list[Pair]]] = {}
    for pair in chunk:
        try:
            scorers = choose(pair[0])
        except ScorerError as error:
            chosen.append(error)
            continue
        chosen.append(scorers)
        for scorer in scorers:
            shares.setdefault(id(scorer), (scorer, []))[1].append(pair)
    streams = {key: iter_scores(scorer, share) for key, (scorer, share) in shares.items()}
    try:
        for judges in chosen:
            if isinstance(judges, ScorerError):
                yield [judges]
            else:
                yield [next(streams[id(judge)]) for judge in judges]
        for stream in streams.values():
            next(stream, None)  # to its end: a worker's stream that is closed before stops it
    finally:
        for stream in streams.values():
            _close(stream)


def _close(stream: Iterator[Result]) -> None:
    with suppress(AttributeError):  # an iterator that is no generator has nothing to close
        stream.close()  # type: ignore[attr-defined]


def check_all(scorers: Iterable[Scorer], case: Case) -> None:
    """Raise ScorerError when one of the scorers cannot judge this case."""
    for scorer in scorers:
        check = getattr(scorer, "check", None)
        if check is not None:
            check(case)
