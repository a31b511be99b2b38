"""The same case run several times: one score of it, whether it is right, and how steady it is.

The case is the unit. Its repeats are averaged first, and intervals are over cases; five
repeats of 60 cases are 60 observations and not 300. A repeat without a score is a third
state: no average is made over the others, since that would favour the repeats that went well,
and whether the case is right is open where it hangs on the missing ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, comb
from statistics import fmean
from typing import Literal, NamedTuple

from evals.errors import RecordError
from evals.records import Candidate, CaseResult, Run
from evals.stats import known_bounds

Standing = Literal["right", "wrong", "open"]

_ROUNDING = 1e-9


class PassRule(NamedTuple):
    """When a case counts as right.

    A repeat is right from a primary score of `pass_score` on, the case where at least
    `share` of its repeats are: by default all of them.
    """

    pass_score: float = 1.0
    share: float = 1.0

    def least(self, times: int) -> int:
        """How many of so many repeats must be right: the share of them, rounded up."""
        return max(1, ceil(self.share * times - _ROUNDING))


@dataclass(frozen=True)
class Tally:
    """The repeats of one case: right, wrong, and without a score; `least` must be right."""

    right: int
    wrong: int
    missing: int
    least: int

    @property
    def times(self) -> int:
        """How often the case was run."""
        return self.right + self.wrong + self.missing

    @property
    def standing(self) -> Standing:
        """Right or wrong, whatever the missing ones had been; open where it hangs on them."""
        if self.right >= self.least:
            return "right"
        return "open" if self.right + self.missing >= self.least else "wrong"

    @property
    def wavered(self) -> bool:
        """Whether it was right once and not another time."""
        return self.right > 0 and self.wrong > 0

    @property
    def said(self) -> str:
        """`right in 2 of 5, at least 3 needed`, and how many have no score."""
        missing = f", {self.missing} without a score" if self.missing else ""
        return f"right in {self.right} of {self.times}{missing}, at least {self.least} needed"


@dataclass(frozen=True)
class RepeatLevel:
    """How many cases are right in at least `count` of their repeats: a share, with 95 % bounds.

    `pass_at` estimates how often at least one of `count` tries is right, `pass_all` how often
    all of `count` are; both are means over cases.
    """

    count: int
    share: float
    low: float | None
    high: float | None
    pass_at: float
    pass_all: float


@dataclass(frozen=True)
class OverRepeats:
    """What all repeats of one candidate say together.

    `score` is the mean over cases of each case's mean, with its 95 % bounds (None where
    nothing was scored, or clusters are too few). `levels` has 1 to `times`: the first says in
    how many cases some repeat is right, the last in how many all are, the one of `least` how
    many cases count as right. All are over the cases whose every repeat has a score; `errors`
    are the others. `wavered` are cases that were right once and not another time.
    """

    metric: str
    times: int
    least: int
    pass_score: float
    cases: int
    score: float | None
    low: float | None
    high: float | None
    levels: tuple[RepeatLevel, ...]
    wavered: tuple[str, ...]
    errors: tuple[str, ...]
    runs: tuple[str, ...]
    format: int = 1


def mean_of_repeats(scores: Sequence[float | None]) -> float | None:
    """The mean, or None where any repeat has no score."""
    whole = [score for score in scores if score is not None]
    return fmean(whole) if len(whole) == len(scores) and whole else None


def is_right(score: float | None, pass_score: float) -> bool:
    """Whether a score counts as right; without one it does not."""
    # A mean may miss 0.9 by rounding.
    return score is not None and score >= pass_score - 1e-12


def tally(scores: Sequence[float | None], rule: PassRule) -> Tally:
    """Count the repeats of one case by its primary scores; None is a repeat without one."""
    right = sum(is_right(score, rule.pass_score) for score in scores)
    missing = sum(score is None for score in scores)
    return Tally(right, len(scores) - right - missing, missing, rule.least(len(scores)))


def apart_from_seed(candidate: Candidate) -> Candidate:
    """What repeats of a candidate have in common, wherever its adapter lay."""
    return replace(candidate, decoding=replace(candidate.decoding, seed=0), adapter_path="")


def check_repeats(runs: Sequence[Run]) -> None:
    """Raise RecordError unless `runs` differ in nothing but the seed of decoding."""
    for run in runs[1:]:
        if apart_from_seed(run.candidate) != apart_from_seed(runs[0].candidate):
            raise RecordError(
                f"runs {runs[0].id} and {run.id} are of different candidates",
                hint="repeats differ in nothing but the seed",
            )


def by_case(runs: Sequence[Run]) -> dict[str, tuple[CaseResult, ...]]:
    """Every repeat of each case, in the cases' order.

    Raises RecordError where the runs are not over the same cases.
    """
    ids = [result.case_id for result in runs[0].results]
    for run in runs[1:]:
        if [result.case_id for result in run.results] != ids:
            raise RecordError(
                f"runs {runs[0].id} and {run.id} are over different cases",
                hint="repeats of one candidate are runs over the same cases",
            )
    return dict(zip(ids, zip(*(run.results for run in runs), strict=True), strict=True))


def scores_of(results: Sequence[CaseResult], metric: str) -> tuple[float | None, ...]:
    """One metric of each repeat of a case; None where it ended without a score."""
    return tuple(
        None if one.failed or metric not in one.scores else one.scores[metric].value
        for one in results
    )


def pass_at(times: int, right: int, tries: int) -> float:
    """How likely one of `tries` is right, given `right` of `times` were: unbiased.

    1 - C(n - c, k) / C(n, k): Chen et al. 2021 (arXiv 2107.03374), eq. 1.
    """
    return 1 - comb(times - right, tries) / comb(times, tries)


def pass_all(times: int, right: int, tries: int) -> float:
    """How likely all of `tries` are right, given `right` of `times` were: unbiased.

    C(c, k) / C(n, k): Yao et al. 2024 (arXiv 2406.12045), who call it pass^k.
    """
    return comb(right, tries) / comb(times, tries)


def over_repeats(runs: Sequence[Run], rule: PassRule, metric: str | None = None) -> OverRepeats:
    """Sum up `runs`, the repeats of one candidate, by `metric` (default: the primary one).

    Raises RecordError where they are not over the same cases.
    """
    name, times = metric or runs[0].primary, len(runs)
    cases = by_case(runs)
    scores = {case: scores_of(results, name) for case, results in cases.items()}
    counts = {case: tally(each, rule) for case, each in scores.items()}
    means = {
        case: mean for case, each in scores.items() if (mean := mean_of_repeats(each)) is not None
    }
    clusters = {case: cases[case][0].cluster for case in means}
    low, high = _bounds(means, clusters)
    return OverRepeats(
        metric=name,
        times=times,
        least=rule.least(times),
        pass_score=rule.pass_score,
        cases=len(cases),
        score=fmean(means.values()) if means else None,
        low=low,
        high=high,
        levels=_levels({case: counts[case].right for case in means}, clusters, times),
        wavered=tuple(case for case, count in counts.items() if count.wavered),
        errors=tuple(case for case in cases if case not in means),
        runs=tuple(run.id for run in runs),
    )


def _levels(
    right: Mapping[str, int], clusters: Mapping[str, str | None], times: int
) -> tuple[RepeatLevel, ...]:
    levels: list[RepeatLevel] = []
    for count in range(1, times + 1) if right else ():
        reached = {case: float(often >= count) for case, often in right.items()}
        low, high = _bounds(reached, clusters)
        levels.append(
            RepeatLevel(
                count=count,
                share=fmean(reached.values()),
                low=low,
                high=high,
                pass_at=fmean(pass_at(times, often, count) for often in right.values()),
                pass_all=fmean(pass_all(times, often, count) for often in right.values()),
            )
        )
    return tuple(levels)


def _bounds(
    values: Mapping[str, float], clusters: Mapping[str, str | None]
) -> tuple[float | None, float | None]:
    return known_bounds(list(values.values()), [clusters[case] for case in values])
