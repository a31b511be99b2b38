"""Failures by the slices that a suite declares: the values of tags."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from evals.failures.contrasts import contrasts, share_of
from evals.failures.records import Failure, SliceLine
from evals.records import CaseResult

MOST_VALUES = 50
"""Of a tag, those with the most cases; how many more there are is said."""


class Sliced(NamedTuple):
    """The slices in the order declared, each value with the most cases first."""

    lines: tuple[SliceLine, ...]
    hidden: int


def slice_failures(
    tags: Sequence[str],
    results: Sequence[CaseResult],
    failures: Mapping[str, Failure],
    tags_of: Mapping[str, Mapping[str, str]],
) -> Sliced:
    """Failures by the values of `tags`; `tags_of` are the tags of each case, by its id.

    All values of all tags are corrected together.
    """
    chosen: list[tuple[str, str]] = []
    hidden = 0
    for tag in tags:
        sizes = Counter(tags_of[r.case_id][tag] for r in results if tag in tags_of[r.case_id])
        ranked = sorted(sizes, key=lambda value: (-sizes[value], value))
        chosen += [(tag, value) for value in ranked[:MOST_VALUES]]
        hidden += len(ranked[MOST_VALUES:])
    failing = [result.case_id in failures for result in results]
    clusters = [result.cluster for result in results]
    insides = [
        [tags_of[result.case_id].get(tag) == value for result in results] for tag, value in chosen
    ]
    lines = []
    for (tag, value), inside, contrast in zip(
        chosen, insides, contrasts(insides, failing, clusters), strict=True
    ):
        places = [n for n, flag in enumerate(inside) if flag]
        found = [failures[results[n].case_id].kind for n in places if failing[n]]
        lines.append(
            SliceLine(
                tag=tag,
                value=value,
                cases=len(places),
                failed=len(found),
                share=share_of([failing[n] for n in places], [clusters[n] for n in places]),
                kinds=dict(Counter(found)),
                contrast=contrast,
            )
        )
    return Sliced(tuple(lines), hidden)
