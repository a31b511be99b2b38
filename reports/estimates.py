"""Means and paired differences for the parts of a report that no decision has judged.

Everything is computed by `evals.stats`; this module only picks the cases. The numbers
that a verdict rests on are taken from the decision itself, never computed again.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import NamedTuple

from evals.errors import StatisticsError
from evals.records import CaseResult, Run
from evals.stats import paired_difference, score_interval
from tuning.records import Interval

LEVEL = 0.95


class Pair(NamedTuple):
    """Two runs over the same cases: each mean, the difference, and its case counts."""

    before: Interval
    after: Interval
    difference: Interval
    wins: int
    losses: int
    ties: int
    cases: int


def scored(run: Run, metric: str) -> dict[str, CaseResult]:
    """Results that have a score in `metric`, by case id."""
    return {r.case_id: r for r in run.results if not r.failed and metric in r.scores}


def mean_of(run: Run, metric: str | None = None) -> Interval | None:
    """Mean score of a run with its interval; None where no case has a score."""
    name = metric or run.primary
    results = list(scored(run, name).values())
    return _mean([r.scores[name].value for r in results], _clusters(results)) if results else None


def pair_of(
    before: Run, after: Run, metric: str | None = None, only: Collection[str] | None = None
) -> Pair | None:
    """The paired comparison on cases that both scored, unchanged between them.

    `only` limits it to those case ids. None where nothing is left.
    """
    name = metric or after.primary
    old, new = scored(before, name), scored(after, name)
    shared = [
        case_id
        for case_id, result in old.items()
        if case_id in new
        and new[case_id].case_fingerprint == result.case_fingerprint
        and (only is None or case_id in only)
    ]
    if not shared:
        return None
    first = [old[i].scores[name].value for i in shared]
    second = [new[i].scores[name].value for i in shared]
    clusters = _clusters([old[i] for i in shared])
    try:
        difference = paired_difference(first, second, clusters)
        low, high = difference.interval(LEVEL)
    except StatisticsError:  # too few clusters: the counts stand, an interval does not
        difference = paired_difference(first, second)
        low = high = math.nan
    return Pair(
        before=_mean(first, clusters),
        after=_mean(second, clusters),
        difference=Interval(difference.estimate, low, high, LEVEL),
        wins=difference.wins,
        losses=difference.losses,
        ties=difference.ties,
        cases=difference.n,
    )


def _clusters(results: Sequence[CaseResult]) -> list[str | None]:
    return [r.cluster for r in results]


def _mean(values: Sequence[float], clusters: Sequence[str | None]) -> Interval:
    """The mean; its bounds are NaN (shown as a dash) where there are too few clusters."""
    try:
        interval = score_interval(values, clusters, LEVEL)
    except StatisticsError:
        return Interval(sum(values) / len(values), math.nan, math.nan, LEVEL)
    return Interval(interval.estimate, interval.low, interval.high, LEVEL)
