"""The cases that arms are compared over, with what their clusters allow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from evals.errors import NothingRunError, StatisticsError
from evals.stats import (
    MIN_CLUSTERS,
    BoundedDifference,
    BoundedRepeats,
    Bounds,
    PairedDifference,
    ScoreInterval,
    bounded_repeats,
    exact_bounds,
    paired_difference,
    score_interval,
)
from evals.stats.sample import Clustering, as_scores, is_binary
from evals.stats.worst_case import bounded_arrays, with_gaps
from tuning.gate.evidence import Arm

if TYPE_CHECKING:
    from evals.stats.sample import Floats


class Sample:
    """The one set of cases that every given arm must cover, in a fixed order.

    Scores and clusters are brought into that order once, and what is computed is kept: a
    decision asks for the same intervals and pairs many times.

    Below `MIN_CLUSTERS` clusters no method may claim anything from single cases; each
    cluster's mean then counts as one observation, enough for a provisional ranking, and
    `few_clusters` says that nothing may be concluded.

    Raises `NothingRunError` without arms or cases, `StatisticsError` where arms cover
    different cases or a case is both scored and failed.
    """

    def __init__(self, arms: Sequence[Arm], clusters: Mapping[str, str | None]) -> None:
        if not arms or not (covered := arms[0].cases):
            raise NothingRunError(
                "there is no result to decide from",
                hint="`tunegate run SUITE --no-tune` evaluates some prompts",
            )
        self._cluster_names = clusters
        self.cases = sorted(covered)
        for arm in arms:
            self._check(arm, arms[0], covered)
        # By identity: equality of arms would compare every score. Each entry keeps its arm.
        self._columns: dict[int, tuple[Arm, Floats]] = {}
        self._intervals: dict[tuple[int, float], ScoreInterval | None] = {}
        self._pairs: dict[tuple[int, int], BoundedDifference | None] = {}

    def _check(self, arm: Arm, first: Arm, covered: frozenset[str]) -> None:
        if not arm.scores.keys().isdisjoint(arm.errors):
            both = frozenset(arm.scores) & frozenset(arm.errors)
            raise StatisticsError(
                f"run {arm.run_id}: case {min(both)!r} has a score and an error; expected one"
            )
        failed = frozenset(arm.errors)
        as_many = len(arm.scores) + len(failed) == len(covered)
        if not (as_many and covered.issuperset(arm.scores) and covered >= failed):
            differing = arm.cases ^ covered
            raise StatisticsError(
                f"runs {first.run_id} and {arm.run_id} are not over the same cases: "
                f"{len(differing)} are in only one of them, for example {min(differing)!r}",
                hint="evaluate every candidate on the same split of the same suite",
            )

    def __len__(self) -> int:
        return len(self.cases)

    @cached_property
    def _clustering(self) -> Clustering:
        return Clustering.of(list(map(self._cluster_names.get, self.cases)))

    @property
    def clusters(self) -> int | None:
        """How many independent groups there are; None where every case stands alone."""
        return self._clustering.count

    @property
    def few_clusters(self) -> bool:
        """Whether there are clusters, but too few to conclude anything."""
        return _too_few(self._clustering)

    def graded(self, arm: Arm) -> bool:
        """Whether any of the arm's scores is neither 0 nor 1."""
        import numpy as np

        scores = self._column(arm)
        return not is_binary(scores[~np.isnan(scores)])

    def interval(self, arm: Arm, level: float = 0.95) -> ScoreInterval | None:
        """Mean score of the arm's scored cases with bounds; None where no case has a score."""
        key = id(arm), level
        if key not in self._intervals:
            scores = self._column(arm)
            self._intervals[key] = self._scored_interval(scores, level)
        return self._intervals[key]

    def bounds(self, arm: Arm, level: float = 0.95) -> Bounds | None:
        """What is certain of the mean score: bounds that hold however the errors came out.

        Exact where `interval` is not: a claim about a score may be wrong at its level at most.
        None where no case has a score.
        """
        import numpy as np

        scores = self._column(arm)
        scored = ~np.isnan(scores)
        if not scored.any():
            return None
        low, high = _bounds(scores[scored], self._clustering.only(scored), level)
        if not scored.all():
            worst, best = (
                _bounds(np.where(scored, scores, missing), self._clustering, level)
                for missing in (0.0, 1.0)
            )
            low, high = min(low, worst[0]), max(high, best[1])
        return Bounds(low, high)

    def pair(self, a: Arm, b: Arm) -> BoundedDifference | None:
        """B minus A, bounded by the worst case of errors; None where none is scored in both."""
        import numpy as np

        key = id(a), id(b)
        if key not in self._pairs:
            first, second = self._column(a, "scores of A"), self._column(b, "scores of B")
            none = bool(np.isnan(first + second).all())
            self._pairs[key] = (
                None if none else bounded_arrays(first, second, self._clustering, _paired)
            )
        return self._pairs[key]

    def repeats(self, a: Arm, trainings: Sequence[Arm]) -> BoundedRepeats:
        """What trainings that differ by seed alone gain over A, errors bounded by the worst case.

        Raises `StatisticsError` where no case is scored by all.
        """
        import numpy as np

        first = self._column(a, "scores of A")
        others = np.stack([self._column(arm) for arm in trainings])
        if not self.few_clusters:
            return bounded_repeats(first, others, self._clustering)
        means = [_cluster_means(scores, self._clustering) for scores in (first, *others)]
        return bounded_repeats(means[0], np.stack(means[1:]))

    def _column(self, arm: Arm, what: str = "scores") -> Floats:
        """The arm's scores of shape (cases,) in the order of the cases; NaN for an error."""
        if id(arm) not in self._columns:
            if arm.errors:
                column = with_gaps(list(map(arm.scores.get, self.cases)), what)
            else:
                column = as_scores(list(map(arm.scores.__getitem__, self.cases)), what)
            self._columns[id(arm)] = arm, column
        return self._columns[id(arm)][1]

    def _scored_interval(self, scores: Floats, level: float) -> ScoreInterval | None:
        import numpy as np

        scored = ~np.isnan(scores)
        if scored.all():
            return _interval(scores, self._clustering, level)
        if not scored.any():
            return None
        return _interval(scores[scored], self._clustering.only(scored), level)


def _interval(scores: Floats, clusters: Clustering, level: float) -> ScoreInterval:
    if _too_few(clusters):
        return score_interval(_cluster_means(scores, clusters), None, level)._replace(n=scores.size)
    return score_interval(scores, clusters, level)


def _bounds(scores: Floats, clusters: Clustering, level: float) -> tuple[float, float]:
    if _too_few(clusters):
        return exact_bounds(_cluster_means(scores, clusters), None, (1 - level) / 2)
    return exact_bounds(scores, clusters, (1 - level) / 2)


def _paired(a: Floats, b: Floats, clusters: Clustering | None) -> PairedDifference:
    if clusters is not None and _too_few(clusters):
        return paired_difference(_cluster_means(a, clusters), _cluster_means(b, clusters))
    return paired_difference(a, b, clusters)


def _too_few(clusters: Clustering) -> bool:
    """Whether cases share clusters, and the clusters are too few to conclude anything."""
    return clusters.count is not None and clusters.count < MIN_CLUSTERS


def _cluster_means(scores: Floats, clusters: Clustering) -> Floats:
    import numpy as np

    assert clusters.codes is not None  # too few clusters: some cases share one
    means: Floats = np.bincount(clusters.codes, weights=scores) / np.bincount(clusters.codes)
    return means
