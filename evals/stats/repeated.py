"""Several trainings against one candidate on the same cases: the gain of a training at random.

K trainings that differ by seed alone are scored on n cases, and so is what they are to beat. The
differences d_ik are what a case and a training have together,

    d_ik = gain + training_k + case_i + rest_ik,

with cases and trainings both drawn at random (a two-way layout, one observation a cell). With m
the mean of all d_ik, g_k the mean of a training, s_g^2 the variance of the K means, v_c the
variance of the mean that cases leave for these very trainings (clusters and all, as in
`evals.stats.paired`), and v_r = sum rest^2 / ((n - 1) (K - 1)) / n, how far two trainings of one
worth would differ by the cases alone,

    Var(m) = s_g^2 / K + (v_c - v_r / K)

is Henderson's estimate from the mean squares, (MS_training + MS_case - MS_rest) / n K: that of
studies with several readers and several cases (Obuchowski and Rockette 1995; Hillis 2007,
Statistics in Medicine 26). The first part has K - 1 degrees of freedom, the second those of the
cases. The quantile is the mean of the two t quantiles, each weighed with its part: Cochran and
Cox's rule for a sum of two variances, which claims at most as often as it promises (Mickey and
Brown 1966, Annals of Mathematical Statistics 37). Satterthwaite's degrees of freedom find more,
and too much: of two or three trainings that lie close by chance they make too little
(benchmarks/seeds.md).

No bound is inside that of these trainings taken as the only ones (`RepeatedDifference.cases`):
where they lie close by chance, or all say the same, the estimate above is too small.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

from evals.errors import StatisticsError
from evals.stats.paired import PairedDifference, paired_difference
from evals.stats.quantiles import critical_value
from evals.stats.sample import sum_of_squares

if TYPE_CHECKING:
    from evals.stats.sample import Clustering, Clusters, Floats


@dataclass(frozen=True)
class RepeatedDifference:
    """What K trainings gain over one candidate, on the same n cases; ask it for bounds at any z.

    `gains` are those of the trainings, in their order. `cases` is the difference of the mean over
    the trainings, case by case: its bounds are those for these very trainings. `between` is s_g^2
    and `rest` is v_r.
    """

    gains: tuple[float, ...]
    cases: PairedDifference
    between: float
    rest: float

    @property
    def estimate(self) -> float:
        """The mean gain of all trainings."""
        return self.cases.estimate

    @property
    def n(self) -> int:
        """How many cases are scored by all."""
        return self.cases.n

    @property
    def spread(self) -> float:
        """Standard deviation of the trainings' gains, as seen."""
        return sqrt(self.between)

    @property
    def spread_of_trainings(self) -> float:
        """What of that the cases do not explain; 0 or more."""
        return sqrt(max(0.0, self.between - self.rest))

    @property
    def _parts(self) -> tuple[float, float]:
        """The two parts of Var(m): with K - 1 degrees of freedom, and with those of the cases."""
        trainings = len(self.gains)
        seen = max(0.0, self.cases.discordance - self.estimate**2)
        of_cases = seen * self.cases.deff / self.n
        return self.between / trainings, max(0.0, of_cases - self.rest / trainings)

    def half_width(self, z: float) -> float:
        """How far the bounds for trainings at random lie from the mean gain at z.

        The root of Var(m) times Cochran and Cox's mean of two t quantiles.
        """
        df = self.cases.df if self.cases.df is not None else max(1.0, self.n - 1.0)
        trainings, cases = self._parts
        if trainings == 0:
            return critical_value(z, df) * sqrt(cases)
        quantiles = critical_value(z, len(self.gains) - 1.0), critical_value(z, df)
        both = trainings + cases
        return (trainings * quantiles[0] + cases * quantiles[1]) / sqrt(both)

    def above(self, difference: float, z: float) -> bool:
        """Whether L > difference, one-sided at z."""
        far = self.estimate - difference > self.half_width(z)
        return far and self.cases.above(difference, z)

    def below(self, difference: float, z: float) -> bool:
        """Whether U < difference, one-sided at z."""
        far = difference - self.estimate > self.half_width(z)
        return far and self.cases.below(difference, z)

    def lower(self, z: float) -> float:
        """L: the one-sided lower bound at z; never above the estimate."""
        return max(-1.0, min(self.cases.lower(z), self.estimate - self.half_width(z)))

    def upper(self, z: float) -> float:
        """U: the one-sided upper bound at z; never below the estimate."""
        return min(1.0, max(self.cases.upper(z), self.estimate + self.half_width(z)))


@dataclass(frozen=True)
class BoundedRepeats:
    """What trainings gain over the cases `scored` by all, with the bounds that errors leave.

    As of `evals.stats.worst_case`: `against` and `favouring` are over all cases, each missing
    score at the end that hurts the trainings, and that helps them. A claim must hold for both.
    """

    scored: RepeatedDifference
    against: RepeatedDifference
    favouring: RepeatedDifference

    @property
    def estimate(self) -> float:
        """The mean gain over the cases scored by all."""
        return self.scored.estimate

    def above(self, difference: float, z: float) -> bool:
        """Whether L > difference, one-sided at z, also with every error counted against them."""
        return self.scored.above(difference, z) and self.against.above(difference, z)

    def below(self, difference: float, z: float) -> bool:
        """Whether U < difference, one-sided at z, also with every error counted for them."""
        return self.scored.below(difference, z) and self.favouring.below(difference, z)

    def lower(self, z: float) -> float:
        """L: the lower of the bounds on the scored cases and with errors against them."""
        return min(self.scored.lower(z), self.against.lower(z))

    def upper(self, z: float) -> float:
        """U: the higher of the bounds on the scored cases and with errors for them."""
        return max(self.scored.upper(z), self.favouring.upper(z))


def repeated_difference(
    a: Floats, trainings: Floats, clusters: Clusters | None = None
) -> RepeatedDifference:
    """What the trainings gain over A: `a` has shape (n,), `trainings` (K, n), scores in [0, 1].

    Raises `StatisticsError` on fewer than two trainings, and what `paired_difference` raises.
    """
    import numpy as np

    if trainings.ndim != 2 or trainings.shape[0] < 2:
        raise StatisticsError("what a training gains at random takes two trainings or more")
    cases = paired_difference(a, trainings.mean(axis=0), clusters)
    differences = trainings - a
    gains = differences.mean(axis=1)
    return RepeatedDifference(
        gains=tuple(map(float, gains)),
        cases=cases,
        between=float(gains.var(ddof=1)),
        rest=_rest(differences, np.asarray(gains)),
    )


def _rest(differences: Floats, gains: Floats) -> float:
    """How far, in variance, two trainings of one worth would differ by the cases alone."""
    trainings, n = differences.shape
    if n < 2:
        return 0.0
    own = differences - gains[:, None]
    squares = sum_of_squares((own - own.mean(axis=0)).ravel())
    return float(squares / ((n - 1) * (trainings - 1)) / n)


def bounded_repeats(
    a: Floats, trainings: Floats, clusters: Clustering | None = None
) -> BoundedRepeats:
    """As `repeated_difference`, with NaN for a case that has no score.

    Raises `StatisticsError` where no case is scored by all.
    """
    import numpy as np

    scored = ~(np.isnan(a) | np.isnan(trainings).any(axis=0))
    if not scored.any():
        raise StatisticsError("no case is scored by every training and by what they are to beat")
    if scored.all():
        whole = repeated_difference(a, trainings, clusters)
        return BoundedRepeats(whole, whole, whole)
    part = None if clusters is None else clusters.only(scored)
    return BoundedRepeats(
        repeated_difference(a[scored], trainings[:, scored], part),
        against=repeated_difference(_filled(a, 1.0), _filled(trainings, 0.0), clusters),
        favouring=repeated_difference(_filled(a, 0.0), _filled(trainings, 1.0), clusters),
    )


def _filled(scores: Floats, missing: float) -> Floats:
    import numpy as np

    found: Floats = np.where(np.isnan(scores), missing, scores)
    return found
