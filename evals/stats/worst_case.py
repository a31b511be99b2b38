"""A paired difference where some cases have no score: bounded by the worst case.

The cases scored on both sides are primary. Beside them stand the two ways in which the
missing scores could have come out worst: every one against B, and every one for B. A
claim holds only where it holds on the scored cases and in the worst case for that claim.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from evals.errors import StatisticsError
from evals.stats.paired import Bounds, PairedDifference, paired_difference
from evals.stats.quantiles import two_sided_z
from evals.stats.sample import Clustering, as_scores

if TYPE_CHECKING:
    from evals.stats.sample import Floats

    Pairing: TypeAlias = Callable[[Floats, Floats, Clustering | None], PairedDifference]


@dataclass(frozen=True)
class BoundedDifference:
    """B minus A over the cases `scored` by both, with the bounds that errors leave.

    `against` and `favouring` are over all cases, each missing score set to the extreme that
    hurts B, and that helps it. `errors` counts cases with a score missing on either side;
    without any, all three are the same.
    """

    scored: PairedDifference
    against: PairedDifference
    favouring: PairedDifference
    errors: int = 0

    @property
    def estimate(self) -> float:
        """The difference over the cases scored by both."""
        return self.scored.estimate

    @property
    def n(self) -> int:
        """How many cases are scored by both."""
        return self.scored.n

    def above(self, difference: float, z: float) -> bool:
        """Whether L > difference, one-sided at z, also with every error counted against B."""
        return self.scored.above(difference, z) and self.against.above(difference, z)

    def below(self, difference: float, z: float) -> bool:
        """Whether U < difference, one-sided at z, also with every error counted for B."""
        return self.scored.below(difference, z) and self.favouring.below(difference, z)

    def lower(self, z: float) -> float:
        """L: the lower of the bounds on the scored cases and with errors against B."""
        low = self.scored.lower(z)
        return low if self.against is self.scored else min(low, self.against.lower(z))

    def upper(self, z: float) -> float:
        """U: the higher of the bounds on the scored cases and with errors for B."""
        high = self.scored.upper(z)
        return high if self.favouring is self.scored else max(high, self.favouring.upper(z))

    def interval(self, level: float = 0.95) -> Bounds:
        """Two-sided interval at `level`, bounded likewise."""
        z = two_sided_z(level)
        return Bounds(self.lower(z), self.upper(z))

    def cases_to_settle(self, difference: float, z: float, power: float = 0.8) -> int | None:
        """As of `PairedDifference`, with as large a share of errors among the new cases.

        None also where the errors alone decide on which side of `difference` B lies.
        """
        if not self.errors:
            return self.scored.cases_to_settle(difference, z, power)
        if self.against.estimate > difference:
            limiting = self.against
        elif self.favouring.estimate < difference:
            limiting = self.favouring
        else:
            return None
        needed = [pair.cases_to_settle(difference, z, power) for pair in (self.scored, limiting)]
        known = [cases for cases in needed if cases is not None]
        return max(known) if len(known) == len(needed) else None


def bounded(pair: PairedDifference | BoundedDifference) -> BoundedDifference:
    """A difference of which no score is missing, in the form that bounds errors."""
    return pair if isinstance(pair, BoundedDifference) else BoundedDifference(pair, pair, pair)


def bounded_difference(
    a: Sequence[float | None],
    b: Sequence[float | None],
    clusters: Sequence[str | None] | None = None,
) -> BoundedDifference:
    """B minus A, case by case; None stands for an error, which is no score.

    `a`, `b`: n scores in [0, 1] or None; `clusters`: n names. Raises `StatisticsError` where
    no case is scored by both, and what `paired_difference` raises.
    """
    if len(a) != len(b):
        raise StatisticsError(
            f"A has {len(a)} cases and B {len(b)}; a paired comparison needs the same in both"
        )
    first, second = with_gaps(a, "scores of A"), with_gaps(b, "scores of B")
    return bounded_arrays(first, second, None if clusters is None else Clustering.of(clusters))


def bounded_arrays(
    a: Floats, b: Floats, clusters: Clustering | None, paired: Pairing = paired_difference
) -> BoundedDifference:
    """`bounded_difference` of score arrays of shape (n,) in which NaN stands for an error.

    `paired` makes each of the three differences.
    """
    import numpy as np

    missing_a, missing_b = np.isnan(a), np.isnan(b)
    both = ~(missing_a | missing_b)
    n = int(np.count_nonzero(both))
    if n == 0:
        raise StatisticsError("no case is scored on both sides")
    if n == a.size:
        return bounded(paired(a, b, clusters))
    return BoundedDifference(
        paired(a[both], b[both], None if clusters is None else clusters.only(both)),
        against=paired(np.where(missing_a, 1.0, a), np.where(missing_b, 0.0, b), clusters),
        favouring=paired(np.where(missing_a, 0.0, a), np.where(missing_b, 1.0, b), clusters),
        errors=a.size - n,
    )


def with_gaps(values: Sequence[float | None], what: str = "scores") -> Floats:
    """Checked scores of shape (n,) with NaN where there is None; see `as_scores`."""
    import numpy as np

    scored = [value for value in values if value is not None]
    if len(scored) == len(values) > 0:
        return as_scores(scored, what)
    scores = np.full(len(values), np.nan)
    if scored:
        scores[[value is not None for value in values]] = as_scores(scored, what)
    return scores
