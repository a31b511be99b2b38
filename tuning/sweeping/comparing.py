"""Whether the best of a search is ahead of the default, and how sure that is.

The rule of one standard error (Breiman et al. 1984), the default being the simpler choice: it is
given up for settings that are ahead by more than one standard error of the paired difference, by
score, or by loss where neither is ahead by score.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

from evals.stats import MIN_CLUSTERS, PairedDifference, paired_difference
from evals.stats.quantiles import critical_value, two_sided_z
from tuning.intervals import Interval
from tuning.sweeping.records import By, StoredTrial

_ONE_ERROR = 1.0
_LEVEL = 0.95


class Compared(NamedTuple):
    """The best other trial against the default: whether it is taken, by what, and the numbers."""

    taken: bool
    by: By
    score: Interval | None
    loss: Interval | None


class MeanOfGroups(NamedTuple):
    """A mean with its standard error and degrees of freedom, groups of values kept whole."""

    mean: float
    error: float
    df: float

    def above_by(self, errors: float) -> bool:
        """Whether the mean is above 0 by so many standard errors, few groups counted as few."""
        return self.mean > critical_value(errors, self.df) * self.error and self.mean > 0

    def ahead(self, level: float) -> Interval:
        """With its two-sided t interval."""
        margin = critical_value(two_sided_z(level), self.df) * self.error
        return Interval(self.mean, self.mean - margin, self.mean + margin, level)


def compare(default: StoredTrial, best: StoredTrial, groups: Sequence[str], tried: int) -> Compared:
    """Hold the best of so many `tried` settings against the default, case by case.

    `groups` are those of the judging cases that have a loss; those with a score come first
    among them. Intervals are corrected for `tried` (Bonferroni): the best of many is ahead of
    itself by chance. A default whose training failed is behind anything that did not.
    """
    if best.trial.failed:
        return Compared(False, "", None, None)
    level = 1 - (1 - _LEVEL) / max(1, tried)
    if default.trial.failed:
        return Compared(True, "score" if best.scores else "loss", None, None)
    gained = mean_of_groups(
        [was - now for was, now in zip(default.losses, best.losses, strict=True)], groups
    )
    loss = gained.ahead(level)
    scores = _scores(default, best, groups)
    if scores is not None:
        score = Interval(scores.estimate, *scores.interval(level), level)
        if scores.above(0.0, _ONE_ERROR):
            return Compared(True, "score", score, loss)
        if scores.below(0.0, _ONE_ERROR):
            return Compared(False, "score", score, loss)
    taken = gained.above_by(_ONE_ERROR)
    found = score if scores is not None else None
    return Compared(taken, "loss" if taken else "", found, loss)


def mean_of_groups(values: Sequence[float], groups: Sequence[str]) -> MeanOfGroups:
    """The mean of values, one a case, of which those of one group are not independent.

    The error is the clustered one (Miller 2024, arXiv 2411.00640), times C / (C - 1) under the
    root for C groups; where each value stands alone that is the usual one.
    """
    mean = sum(values) / len(values)
    sums: defaultdict[str, float] = defaultdict(float)
    for value, group in zip(values, groups, strict=True):
        sums[group] += value - mean
    count = len(sums)
    spread = sum(one * one for one in sums.values()) * count / max(1, count - 1)
    return MeanOfGroups(mean, sqrt(spread) / len(values), max(1.0, count - 1.0))


def _scores(
    default: StoredTrial, best: StoredTrial, groups: Sequence[str]
) -> PairedDifference | None:
    """The paired difference of scores; None where nothing that is judged has one."""
    if not best.scores:
        return None
    return paired_difference(default.scores, best.scores, groups[: len(best.scores)])


def enough_groups(groups: Sequence[str]) -> bool:
    """Whether there are as many independent groups as any interval needs."""
    return len(set(groups)) >= MIN_CLUSTERS
