"""For each case its own demonstrations: the train cases whose inputs are most like its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from evals.prompting.demonstrations.embeddings import embeddings_of
from evals.prompting.demonstrations.leaks import Leaks
from evals.prompting.demonstrations.weights import DIGITS, weighed
from evals.records import Case

_BLOCK = 256  # cases whose similarities to all of train are in memory together
_FIRST = 64  # of the most similar are sorted before more are


def nearest(k: int, leaks: Leaks, cases: Sequence[Case]) -> list[tuple[Case, ...]]:
    """The k most similar by TF-IDF, the most similar last."""
    import numpy as np

    matrix, rows = weighed(leaks.usable, cases)
    turned = matrix.T.tocsr()
    return _chosen(k, leaks, cases, lambda part: np.round((rows[part] @ turned).toarray(), DIGITS))


def similar(
    k: int, leaks: Leaks, pool: Sequence[Case], cases: Sequence[Case]
) -> list[tuple[Case, ...]]:
    """The k most similar by sentence embeddings, the most similar last.

    Raises MissingExtraError without the extra `local`.
    """
    import numpy as np

    embeddings = embeddings_of(pool)
    matrix, rows = embeddings.of(leaks.usable), embeddings.of(cases)
    # Rounded as `similarity@1` does: the last digits depend on what was embedded together.
    return _chosen(k, leaks, cases, lambda part: np.round(rows[part] @ matrix.T, 4))


def _chosen(
    k: int, leaks: Leaks, cases: Sequence[Case], similarity: Callable[[slice], Any]
) -> list[tuple[Case, ...]]:
    """`similarity` gives a dense block (cases of the slice, usable train cases)."""
    near = leaks.near(cases)
    chosen: list[tuple[Case, ...]] = []
    for start in range(0, len(cases), _BLOCK):
        part = slice(start, start + _BLOCK)
        for case, row in zip(cases[part], similarity(part), strict=True):
            ranked = (leaks.usable[place] for place in _ranking(row))
            chosen.append(tuple(reversed(leaks.clean(case, ranked, next(near), k))))
    return chosen


def _ranking(row: Any) -> Iterator[int]:
    """Places by falling value, of equals the first; sorted only as far as they are asked for."""
    import numpy as np

    given, wanted = 0, _FIRST
    while given < len(row):
        wanted = min(wanted, len(row))
        least = np.partition(row, len(row) - wanted)[len(row) - wanted]
        places = np.flatnonzero(row >= least)
        places = places[np.argsort(-row[places], kind="stable")]
        yield from places[given:].tolist()
        given, wanted = len(places), 8 * wanted
