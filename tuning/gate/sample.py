"""The cases that arms are compared over, with what their clusters allow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from evals.errors import NothingRunError, StatisticsError
from evals.stats import (
    MIN_CLUSTERS,
    BoundedDifference,
    Bounds,
    PairedDifference,
    ScoreInterval,
    bounded_difference,
    paired_difference,
    score_interval,
)
from tuning.gate.evidence import Arm


class Sample:
    """The one set of cases that every given arm must cover, in a fixed order.

    Below `MIN_CLUSTERS` clusters no method may claim anything from single cases; each
    cluster's mean then counts as one observation, enough for a provisional ranking, and
    `few_clusters` says that nothing may be concluded.

    Raises `NothingRunError` without arms or cases, `StatisticsError` where arms cover
    different cases or a case is both scored and failed.
    """

    def __init__(self, arms: Sequence[Arm], clusters: Mapping[str, str | None]) -> None:
        if not arms or not arms[0].cases:
            raise NothingRunError(
                "there is no result to decide from", hint="evaluate some prompts first"
            )
        self._clusters = clusters
        self.cases = sorted(arms[0].cases)
        for arm in arms:
            self._check(arm, arms[0])

    def _check(self, arm: Arm, first: Arm) -> None:
        if both := frozenset(arm.scores) & frozenset(arm.errors):
            raise StatisticsError(
                f"run {arm.run_id}: case {min(both)!r} has a score and an error; expected one"
            )
        if differing := arm.cases ^ first.cases:
            raise StatisticsError(
                f"runs {first.run_id} and {arm.run_id} are not over the same cases: "
                f"{len(differing)} are in only one of them, for example {min(differing)!r}",
                hint="evaluate every candidate on the same split of the same suite",
            )

    def __len__(self) -> int:
        return len(self.cases)

    @cached_property
    def clusters(self) -> int | None:
        """How many independent groups there are; None where every case stands alone."""
        names = [self._clusters.get(case) for case in self.cases]
        alone = sum(name is None for name in names)
        groups = alone + len({name for name in names if name is not None})
        return None if groups == len(names) else groups

    @property
    def few_clusters(self) -> bool:
        """Whether there are clusters, but too few to conclude anything."""
        return self.clusters is not None and self.clusters < MIN_CLUSTERS

    def interval(self, arm: Arm, level: float = 0.95) -> ScoreInterval | None:
        """Mean score of the arm's scored cases with bounds; None where no case has a score."""
        return self._interval(arm.scores, level)

    def bounds(self, arm: Arm, level: float = 0.95) -> Bounds | None:
        """What is certain of the mean score: bounds that hold however the errors came out.

        None where no case has a score.
        """
        scored = self.interval(arm, level)
        if scored is None or not arm.errors:
            return None if scored is None else Bounds(scored.low, scored.high)
        worst = self._interval({**arm.scores, **dict.fromkeys(arm.errors, 0.0)}, level)
        best = self._interval({**arm.scores, **dict.fromkeys(arm.errors, 1.0)}, level)
        assert worst is not None  # they cover more cases than `scored`
        assert best is not None
        return Bounds(min(scored.low, worst.low), max(scored.high, best.high))

    def pair(self, a: Arm, b: Arm) -> BoundedDifference | None:
        """B minus A, bounded by the worst case of errors; None where none is scored in both."""
        if not frozenset(a.scores) & frozenset(b.scores):
            return None
        return bounded_difference(
            [a.scores.get(case) for case in self.cases],
            [b.scores.get(case) for case in self.cases],
            [self._clusters.get(case) for case in self.cases],
            paired=_paired,
        )

    def _interval(self, scores: Mapping[str, float], level: float) -> ScoreInterval | None:
        scored = [case for case in self.cases if case in scores]
        if not scored:
            return None
        values, groups = [scores[c] for c in scored], [self._clusters.get(c) for c in scored]
        if not _enough(groups):
            interval = score_interval(_cluster_means(values, groups), None, level)
            return interval._replace(n=len(scored))
        return score_interval(values, groups, level)


def _paired(
    a: Sequence[float], b: Sequence[float], groups: Sequence[str | None] | None
) -> PairedDifference:
    if groups is None or _enough(groups):
        return paired_difference(a, b, groups)
    return paired_difference(_cluster_means(a, groups), _cluster_means(b, groups))


def _enough(groups: Sequence[str | None]) -> bool:
    """Whether cases of these clusters stand alone, or in enough clusters to conclude from."""
    independent = len(set(_named(groups)))
    return independent == len(groups) or independent >= MIN_CLUSTERS


def _cluster_means(values: Sequence[float], groups: Sequence[str | None]) -> list[float]:
    members: dict[object, list[float]] = {}
    for name, value in zip(_named(groups), values, strict=True):
        members.setdefault(name, []).append(value)
    return [sum(found) / len(found) for found in members.values()]


def _named(groups: Sequence[str | None]) -> list[object]:
    """The clusters, with a name of its own for each case that has none."""
    return [name or ("alone", position) for position, name in enumerate(groups)]
