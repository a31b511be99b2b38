"""Shipping for cost: the adapter pays, is hardly worse than the prompt, and is good enough.

Not worse than the leader by the margin or more; and of its own score on the sealed split as
much is certain as the target less the margin. Both at the alpha of the look. Hardly worse
than a prompt that is no good would be no reason to ship.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log, log1p, sqrt
from typing import NamedTuple

from evals.claims import check_margin
from evals.rounding import least_share, limit_share, most_share
from evals.stats import BoundedDifference, one_sided_z
from tuning.gate.evidence import Arm
from tuning.gate.sample import Sample
from tuning.shipping.wording import Quality


@dataclass(frozen=True)
class CostRoute:
    """Shipping for cost: quality may fall by less than `margin` if the adapter pays."""

    margin: float
    break_even_met: bool


class Certain(NamedTuple):
    """An adapter's mean score with one-sided bounds at `alpha`, errors counted against both.

    `n` is None where more cases cannot be reckoned with: clusters, or errors.
    """

    mean: float
    low: float
    high: float
    alpha: float
    n: int | None

    @classmethod
    def of(cls, sample: Sample, arm: Arm, alpha: float) -> Certain:
        """Of an arm that has a score on some case."""
        interval, bounds = sample.interval(arm), sample.bounds(arm, 1 - 2 * alpha)
        assert interval is not None
        assert bounds is not None
        plain = sample.clusters is None and not arm.errors
        return cls(interval.estimate, *bounds, alpha, len(sample) if plain else None)


class _Check(NamedTuple):
    """Whether one of the two holds; None where it is not settled."""

    holds: bool | None
    cases_needed: int | None
    text: str


def judge_by_cost(
    pair: BoundedDifference,
    score: Certain,
    cost: CostRoute,
    quality: Quality,
    target: float | None,
) -> Quality:
    """Judge by cost an adapter that `quality` alone does not ship."""

    def by_quality(why: str) -> Quality:
        return quality._replace(reasons=(*quality.reasons, f"Cost: {why}"))

    if not cost.break_even_met:
        return by_quality("the adapter does not break even in the time stated.")
    if target is None:
        return by_quality(
            "the adapter breaks even, but the suite states no target, so nobody can say what is "
            "good enough."
        )
    checks = _not_worse(pair, cost.margin, score.alpha), _good_enough(score, target, cost.margin)
    text = f"the adapter breaks even; {checks[0].text}; {checks[1].text}."
    if any(check.holds is False for check in checks):
        return by_quality(text)
    reasons = (*quality.reasons, f"Cost: {text}")
    if all(check.holds for check in checks):
        return Quality("ship_adapter", reasons, None, by_cost=True, clause=checks[1].text)
    needed = [check.cases_needed for check in checks if not check.holds]
    known = [count for count in needed if count is not None]
    asked = zip(checks, ("it is worse", "it is good enough"), strict=True)
    return Quality(
        "inconclusive",
        reasons,
        max(known) if len(known) == len(needed) else None,
        by_cost=True,
        clause=" and whether ".join(what for check, what in asked if not check.holds),
    )


def _not_worse(pair: BoundedDifference, margin: float, alpha: float) -> _Check:
    check = check_margin(pair, margin, alpha)
    points = f"{100 * margin:g} points"
    if check.result == "pass":
        return _Check(True, None, f"it is not worse by {points} or more")
    if check.result == "fail":
        return _Check(False, None, f"but it is worse by more than {points}")
    return _Check(None, check.cases_needed, f"whether it is worse by {points} is not settled")


def _good_enough(score: Certain, target: float, margin: float) -> _Check:
    asked = (
        f"of its score at least {least_share(score.low, target)} is certain, and "
        f"{100 * margin:g} points may be missing from the target of {limit_share(target)}"
    )
    if score.low > 0 and score.low >= target - margin:
        return _Check(True, None, f"it is good enough: {asked}")
    if score.high < target - margin:
        most = most_share(score.high, target)
        return _Check(False, None, f"it is not good enough: at most {most}, {asked}")
    needed = _cases_to_settle(score, target - margin)
    return _Check(None, needed, f"whether it is good enough is not settled: {asked}")


def _cases_to_settle(score: Certain, wanted: float) -> int | None:
    """About how many cases settle on which side of `wanted` the score is, if it is as seen.

    The normal approximation with continuity correction: |p - wanted| = z sqrt(p q / n) + 1/2n;
    at least as many as where every case is right, or none: alpha = (1 - |p - wanted|)^n.
    """
    gap = abs(score.mean - wanted)
    if score.n is None or wanted <= 0 or gap < 1e-9:
        return None
    spread = one_sided_z(score.alpha) * sqrt(score.mean * (1 - score.mean))
    root = (spread + sqrt(spread**2 + 2 * gap)) / (2 * gap)
    return max(score.n + 1, ceil(root**2), ceil(log(score.alpha) / log1p(-gap)))
