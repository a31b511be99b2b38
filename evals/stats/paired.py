"""Is B better than A on the same cases: the paired difference with its bounds."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, isinf
from typing import TYPE_CHECKING, NamedTuple

from evals.errors import StatisticsError
from evals.stats.bounded import score_lower, score_statistic, score_upper
from evals.stats.quantiles import (
    critical_value,
    normal_cdf,
    one_sided_z,
    two_sided_p,
    two_sided_z,
)
from evals.stats.sample import as_scores, independence, is_binary, sum_of_squares
from evals.stats.tango import tango_lower, tango_statistic, tango_upper

if TYPE_CHECKING:
    from evals.stats.sample import Clusters, Scores

MOST_CASES = 100_000
"""A number of cases beyond which asking for more is no advice."""

_TIE = 1e-9  # graded scores closer than this differ by rounding only


class Bounds(NamedTuple):
    """The low and high end of an interval of differences, each in [-1, 1]."""

    low: float
    high: float


@dataclass(frozen=True)
class PairedDifference:
    """B minus A over n cases scored by both; ask it for bounds at any z.

    `wins`, `losses`, `ties` count cases where B scored higher, lower, the same. `discordance`
    (psi) is the mean squared difference: for binary scores the share of cases on which the
    two differ. `deff` and `df` carry what clusters do; `clusters` is None without them.
    """

    estimate: float
    wins: int
    losses: int
    ties: int
    n: int
    binary: bool
    discordance: float
    deff: float = 1.0
    df: float | None = None
    clusters: int | None = None

    @property
    def method(self) -> str:
        """What the bounds are made with, for a person."""
        name = "Tango's score method" if self.binary else "graded paired score method"
        return name if self.clusters is None else f"{name}, {self.clusters} clusters"

    def statistic(self, difference: float) -> float:
        """T(difference): how far the data lie above it, in standard errors."""
        if self.binary:
            wins, losses, n = (x / self.deff for x in (self.wins, self.losses, self.n))
            return tango_statistic(wins, losses, n, difference)
        n = self.n / self.deff
        return score_statistic(self.estimate, self._variance, n, difference, low=-1.0, high=1.0)

    @property
    def _variance(self) -> float:
        return max(0.0, self.discordance - self.estimate**2)

    def above(self, difference: float, z: float) -> bool:
        """Whether L > difference, one-sided at z: T(difference) > z.

        A gain from nothing (difference 0) must also hold by McNemar's mid-p, see `_certain`.
        """
        found = self.statistic(difference) > critical_value(z, self.df)
        return found and (difference != 0 or self._certain(z))

    def below(self, difference: float, z: float) -> bool:
        """Whether U < difference, one-sided at z: T(difference) < -z; at 0 as for `above`."""
        found = self.statistic(difference) < -critical_value(z, self.df)
        return found and (difference != 0 or self._certain(z))

    def _certain(self, z: float) -> bool:
        """Whether the one-sided mid-p is below the tail of z; where there is none, true.

        The normal tail of T(0) is a little too thin for few discordant cases: at 5 % noise is
        called a gain up to 5.25 times of 100. With the mid-p beside it, at most 5.00, and a
        gain is found nearly as often (docs/decision_quality.md).
        """
        if not self.binary or self.clusters is not None:
            return True
        return mcnemar_mid_p(self.wins, self.losses) < 2 * normal_cdf(-z)

    def lower(self, z: float) -> float:
        """L: the one-sided lower bound at z; never above the estimate."""
        critical = critical_value(z, self.df)
        if self.binary:
            wins, losses, n = (x / self.deff for x in (self.wins, self.losses, self.n))
            low = tango_lower(wins, losses, n, critical)
            return low if low <= 0 or self._certain(z) else 0.0
        return score_lower(self.estimate, self._variance, self.n / self.deff, critical, -1.0)

    def upper(self, z: float) -> float:
        """U: the one-sided upper bound at z; never below the estimate."""
        critical = critical_value(z, self.df)
        if self.binary:
            wins, losses, n = (x / self.deff for x in (self.wins, self.losses, self.n))
            high = tango_upper(wins, losses, n, critical)
            return high if high >= 0 or self._certain(z) else 0.0
        return score_upper(self.estimate, self._variance, self.n / self.deff, critical, 1.0)

    def interval(self, level: float = 0.95) -> Bounds:
        """Two-sided interval at `level`."""
        z = two_sided_z(level)
        return Bounds(self.lower(z), self.upper(z))

    @property
    def p_value(self) -> float:
        """Two-sided p of "no difference", shown to people.

        Binary, independent: McNemar's mid-p. Otherwise: t on T(0).
        """
        if self.binary and self.clusters is None:
            return mcnemar_mid_p(self.wins, self.losses)
        return two_sided_p(self.statistic(0.0), self.df)

    def cases_to_settle(self, difference: float, z: float, power: float = 0.8) -> int | None:
        """How many cases until the true difference is shown above or below `difference`.

        Assumes that what was seen is the truth and that new cases are alike; T then grows
        as the square root of n, and must reach z plus the z of `power`. At least n + 1.
        None where `difference` is so near the estimate that `MOST_CASES` would not do.
        """
        reached = abs(self.statistic(difference))
        if isinf(reached):
            return self.n + 1
        wanted = critical_value(z, self.df) + one_sided_z(1 - power)
        if reached * MOST_CASES**0.5 <= wanted * self.n**0.5:
            return None
        return max(self.n + 1, ceil(self.n * (wanted / reached) ** 2))


def mcnemar_mid_p(wins: int, losses: int) -> float:
    """Two-sided mid-p of McNemar's test: 2 P(X <= min) - P(X = min), X ~ Bin(wins+losses, 1/2).

    Fagerland, Lydersen and Laake, BMC Medical Research Methodology 13:91 (2013).
    """
    from scipy.special import bdtr

    total, smaller = wins + losses, min(wins, losses)
    at_most = float(bdtr(smaller, total, 0.5))
    fewer = float(bdtr(smaller - 1, total, 0.5)) if smaller else 0.0
    return min(1.0, at_most + fewer)


def paired_difference(a: Scores, b: Scores, clusters: Clusters | None = None) -> PairedDifference:
    """B minus A, case by case.

    `a`, `b`: n scores in [0, 1] each, position i being the same case in both. All exactly 0
    or 1: Tango's score method on the discordant counts. Otherwise: the graded score method
    (`evals.stats.bounded`) with t of n - 1 degrees of freedom. `clusters`: n names; counts are
    divided by max(1, deff) and t has C - 1 degrees of freedom.

    Raises `StatisticsError` on empty, invalid or unequally long data, and below 10 clusters.
    """
    import numpy as np

    first, second = as_scores(a, "scores of A"), as_scores(b, "scores of B")
    if first.size != second.size:
        raise StatisticsError(
            f"A has {first.size} scores and B {second.size}; a paired comparison needs the "
            "same cases in both"
        )
    differences = second - first
    dependence = independence(differences, clusters, -1.0, 1.0)
    wins = int(np.count_nonzero(differences > _TIE))
    losses = int(np.count_nonzero(differences < -_TIE))
    binary = is_binary(first) and is_binary(second)
    df = max(1.0, first.size - 1.0)
    return PairedDifference(
        # Counts where they suffice: exact, and the same in every order of the cases.
        estimate=(wins - losses) / first.size if binary else float(differences.mean()),
        wins=wins,
        losses=losses,
        ties=first.size - wins - losses,
        n=first.size,
        binary=binary,
        discordance=sum_of_squares(differences) / first.size,
        deff=dependence.deff,
        df=dependence.df if binary or dependence.df is not None else df,
        clusters=dependence.clusters,
    )


def paired_counts(wins: int, losses: int, n: int) -> PairedDifference:
    """The binary comparison with these discordant counts, without the scores themselves."""
    if wins < 0 or losses < 0 or n < 1 or wins + losses > n:
        raise StatisticsError(
            f"{wins} wins and {losses} losses of {n} cases; expected counts of at least 0 "
            "that sum to at most n, and n of at least 1"
        )
    return PairedDifference(
        estimate=(wins - losses) / n,
        wins=wins,
        losses=losses,
        ties=n - wins - losses,
        n=n,
        binary=True,
        discordance=(wins + losses) / n,
    )
