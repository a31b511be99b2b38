"""The cases that arms are compared over, with what their clusters allow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from evals.errors import NothingRunError, StatisticsError
from evals.stats import (
    MIN_CLUSTERS,
    PairedDifference,
    ScoreInterval,
    paired_difference,
    score_interval,
)
from tuning.evidence import Arm


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
        scored = [case for case in self.cases if case in arm.scores]
        if not scored:
            return None
        if not self._enough(scored):
            means = self._cluster_means(scored, arm.scores)
            interval = score_interval(means, None, level)
            return interval._replace(n=len(scored))
        groups = [self._clusters.get(case) for case in scored]
        return score_interval([arm.scores[case] for case in scored], groups, level)

    def pair(self, a: Arm, b: Arm) -> PairedDifference | None:
        """B minus A over the cases scored in both; None where there are none."""
        scored = [case for case in self.cases if case in a.scores and case in b.scores]
        if not scored:
            return None
        if not self._enough(scored):
            return paired_difference(
                self._cluster_means(scored, a.scores), self._cluster_means(scored, b.scores)
            )
        groups = [self._clusters.get(case) for case in scored]
        return paired_difference(
            [a.scores[case] for case in scored], [b.scores[case] for case in scored], groups
        )

    def _enough(self, scored: Sequence[str]) -> bool:
        names = {self._clusters.get(case) or ("alone", case) for case in scored}
        return len(names) == len(scored) or len(names) >= MIN_CLUSTERS

    def _cluster_means(self, scored: Sequence[str], scores: Mapping[str, float]) -> list[float]:
        groups: dict[object, list[float]] = {}
        for case in scored:
            groups.setdefault(self._clusters.get(case) or ("alone", case), []).append(scores[case])
        return [sum(group) / len(group) for group in groups.values()]
