"""A paired difference where some cases have no score: bounded by the worst case.

The cases scored on both sides are primary. Beside them stand the two ways in which the
missing scores could have come out worst: every one against B, and every one for B. A
claim holds only where it holds on the scored cases and in the worst case for that claim.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evals.errors import StatisticsError
from evals.stats.paired import Bounds, PairedDifference, paired_difference
from evals.stats.quantiles import two_sided_z

Clusters = Sequence[str | None] | None
Pairing = Callable[[Sequence[float], Sequence[float], Clusters], PairedDifference]


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
        return min(self.scored.lower(z), self.against.lower(z))

    def upper(self, z: float) -> float:
        """U: the higher of the bounds on the scored cases and with errors for B."""
        return max(self.scored.upper(z), self.favouring.upper(z))

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
    clusters: Clusters = None,
    *,
    paired: Pairing = paired_difference,
) -> BoundedDifference:
    """B minus A, case by case; None stands for an error, which is no score.

    `a`, `b`: n scores in [0, 1] or None; `clusters`: n names; `paired` makes each of the
    three differences. Raises `StatisticsError` where no case is scored by both, and what
    `paired` raises.
    """
    if len(a) != len(b):
        raise StatisticsError(
            f"A has {len(a)} cases and B {len(b)}; a paired comparison needs the same in both"
        )
    both = [i for i, (x, y) in enumerate(zip(a, b, strict=True)) if x is not None and y is not None]
    if not both:
        raise StatisticsError("no case is scored on both sides")
    groups = None if clusters is None else [clusters[i] for i in both]
    scored = paired(
        [x for i in both if (x := a[i]) is not None],
        [y for i in both if (y := b[i]) is not None],
        groups,
    )
    if len(both) == len(a):
        return bounded(scored)
    return BoundedDifference(
        scored,
        against=paired(_filled(a, 1.0), _filled(b, 0.0), clusters),
        favouring=paired(_filled(a, 0.0), _filled(b, 1.0), clusters),
        errors=len(a) - len(both),
    )


def _filled(scores: Sequence[float | None], missing: float) -> list[float]:
    return [missing if score is None else score for score in scores]
