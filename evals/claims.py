"""Claims about a paired difference: no more lost than a margin, at least so much gained.

A case without a score counts against whatever is claimed: for B where B is said to have
lost or not to have gained, against B where it is said to have gained or not to have lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from evals.rounding import least_points, most_points
from evals.stats import (
    BoundedDifference,
    BoundedRepeats,
    PairedDifference,
    bounded,
    one_sided_z,
    require_share,
)

MAX_ERROR_SHARE = 0.05
"""Above this share of cases without a score, what is missing could outweigh any usual margin."""


@dataclass(frozen=True)
class MarginCheck:
    """Non-inferiority: whether B is worse than A by `margin` or more.

    `low` and `high` are one-sided bounds at `alpha`. `likely_loss` means a loss is shown and
    the estimate is beyond the margin, even where the margin itself is not settled.
    """

    margin: float
    alpha: float
    low: float
    high: float
    result: Literal["pass", "fail", "inconclusive"]
    likely_loss: bool
    cases_needed: int | None
    without_errors: Literal["", "pass", "fail", "inconclusive"] = ""
    """What the scored cases alone would say, where errors were counted and it is inconclusive."""


@dataclass(frozen=True)
class GainCheck:
    """Whether B is better than A by `min_gain`: "reached" needs L > 0 and an estimate of that.

    "not_reached" means U < min_gain: a gain of that size is implausible.
    """

    min_gain: float
    alpha: float
    low: float
    high: float
    result: Literal["reached", "not_reached", "inconclusive"]
    cases_needed: int | None
    without_errors: Literal["", "reached", "not_reached", "inconclusive"] = ""
    """As in `MarginCheck`."""


@dataclass(frozen=True)
class RepeatsCheck:
    """Whether trainings that differ by seed alone gain more than `floor`, drawn at random.

    `gains` needs L > floor; `falls_short` means U < min_gain: that a training at random gains so
    much is implausible. `only_these` says that L > floor holds of these very trainings, so that
    it is the trainings that leave it open, not the cases.
    """

    floor: float
    min_gain: float
    low: float
    high: float
    gains: bool
    falls_short: bool
    only_these: bool


def check_margin(
    difference: PairedDifference | BoundedDifference,
    margin: float,
    alpha: float = 0.05,
    alpha_low: float | None = None,
    *,
    claims: bool = True,
) -> MarginCheck:
    """Judge `difference` for non-inferiority: pass if L > -margin, fail if U < -margin.

    L is taken at `alpha_low` where it differs, U at `alpha`. `cases_needed` (only where
    inconclusive) assumes that what was seen is the truth. Without `claims` (too many errors)
    there are bounds but no result, and more cases do not help.
    """
    margin = require_share(margin, "margin")
    pair = bounded(difference)
    z_low, z = one_sided_z(alpha if alpha_low is None else alpha_low), one_sided_z(alpha)
    low, high = pair.lower(z_low), pair.upper(z)
    result: Literal["pass", "fail", "inconclusive"] = "inconclusive"
    if not claims:
        return MarginCheck(margin, alpha, low, high, result, False, None)
    if pair.above(-margin, z_low):
        result = "pass"
    elif pair.below(-margin, z):
        result = "fail"
    needed = pair.cases_to_settle(-margin, z_low) if result == "inconclusive" else None
    beyond = pair.estimate < -margin and pair.favouring.estimate < -margin
    likely = pair.below(0.0, z) and beyond
    alone: Literal["", "pass", "fail", "inconclusive"] = ""
    if pair.errors and result == "inconclusive":
        alone = check_margin(pair.scored, margin, alpha, alpha_low).result
    return MarginCheck(margin, alpha, low, high, result, likely, needed, alone)


def check_gain(
    difference: PairedDifference | BoundedDifference,
    min_gain: float,
    alpha: float = 0.05,
    alpha_low: float | None = None,
    *,
    claims: bool = True,
) -> GainCheck:
    """Judge whether B gains at least `min_gain`; L is taken at `alpha_low` where it differs.

    Without `claims` (too many errors) there are bounds but no result.
    """
    min_gain = require_share(min_gain, "min_gain")
    pair = bounded(difference)
    z_low, z = one_sided_z(alpha if alpha_low is None else alpha_low), one_sided_z(alpha)
    enough = reaches(pair, min_gain)
    result: Literal["reached", "not_reached", "inconclusive"] = "inconclusive"
    needed = None
    if not claims:
        return GainCheck(min_gain, alpha, pair.lower(z_low), pair.upper(z), result, None)
    if enough and pair.above(0.0, z_low):
        result = "reached"
    elif pair.below(min_gain, z):
        result = "not_reached"
    elif enough:
        needed = pair.cases_to_settle(0.0, z_low)
    else:
        needed = pair.cases_to_settle(min_gain, z)
    alone: Literal["", "reached", "not_reached", "inconclusive"] = ""
    if pair.errors and result == "inconclusive":
        alone = check_gain(pair.scored, min_gain, alpha, alpha_low).result
    return GainCheck(min_gain, alpha, pair.lower(z_low), pair.upper(z), result, needed, alone)


def check_repeats(
    repeats: BoundedRepeats,
    min_gain: float,
    alpha: float,
    alpha_low: float,
    *,
    floor: float = 0.0,
    claims: bool = True,
) -> RepeatsCheck:
    """Judge what trainings at random gain; L is taken at `alpha_low`, U at `alpha`.

    Without `claims` (too many errors) there are bounds but no result.
    """
    min_gain = require_share(min_gain, "min_gain")
    z_low, z = one_sided_z(alpha_low), one_sided_z(alpha)
    these = (repeats.scored.cases, repeats.against.cases)
    return RepeatsCheck(
        floor=floor,
        min_gain=min_gain,
        low=repeats.lower(z_low),
        high=repeats.upper(z),
        gains=claims and repeats.above(floor, z_low),
        falls_short=claims and repeats.below(min_gain, z),
        only_these=claims and all(pair.above(floor, z_low) for pair in these),
    )


def open_said(check: MarginCheck | GainCheck, errors: int, *, claims: bool = True) -> str:
    """Why a check is inconclusive and what would settle it, as a clause; empty where it is not.

    `errors` are the cases without a score; without `claims` they are too many.
    """
    if check.result != "inconclusive":
        return ""
    if not claims:
        return (
            f"more than {MAX_ERROR_SHARE:.0%} of the cases have no score, so nothing is claimed: "
            "fewer errors are needed"
        )
    if check.cases_needed:
        settled = f"about {check.cases_needed:,} cases would settle it"
    elif errors:
        settled = "fewer errors are needed: with these, no realistic number of cases settles it"
    else:
        settled = "so near the limit that no realistic number of cases settles it"
    if check.without_errors in {"", "inconclusive"}:
        return settled
    counted = "1 case" if errors == 1 else f"{errors} cases"
    alone = check.without_errors.replace("_", " ").upper()
    return (
        f"the errors decide it: {counted} without a score, counted as the worst case, leave "
        f"{least_points(check.low)} to {most_points(check.high)} points, and the scored cases "
        f"alone would say {alone}; {settled}"
    )


def reaches(pair: BoundedDifference, min_gain: float) -> bool:
    """Whether the estimate is at least `min_gain`, also with every error counted against B."""
    # A mean of decimals may miss 0.1 by rounding.
    return min(pair.estimate, pair.against.estimate) >= min_gain - 1e-12
