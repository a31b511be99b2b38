"""What a fitted curve says of sizes that were not trained. Beyond four times: nothing."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import isqrt, log
from typing import NamedTuple

from evals.errors import StatisticsError
from tuning.learning.records import CurveFit, Projection

MOST_TIMES = 4
"""Nothing is said of more than this many times the examples there are."""


class Reach(NamedTuple):
    """How many examples in all something takes; None: not within what the curve may be asked.

    `earliest` and `latest` come of the interval's ends, `likely` of the estimate.
    """

    likely: int | None
    earliest: int | None
    latest: int | None


class Ahead(NamedTuple):
    """By how much the adapter of all the examples is ahead (paired), with its bounds."""

    estimate: float
    low: float
    high: float


def project(fit: CurveFit, examples: int) -> Projection:
    """The curve at a size between the smallest trained and four times all, between its points.

    Raises StatisticsError beyond these, and where the curve claims nothing.
    """
    if not fit.band:
        raise StatisticsError(f"this curve projects nothing: {fit.sentence}")
    first, last = fit.band[0].examples, fit.band[-1].examples
    if not first <= examples <= last:
        raise StatisticsError(
            f"{examples} examples lie outside of what this curve can be asked, {first} to {last}"
        )
    after = next(n for n, at in enumerate(fit.band) if at.examples >= examples)
    here = fit.band[after]
    if here.examples == examples:
        return here
    before = fit.band[after - 1]
    share = (log(examples) - log(before.examples)) / (log(here.examples) - log(before.examples))

    def between(name: str) -> float:
        low, high = float(getattr(before, name)), float(getattr(here, name))
        return low + share * (high - low)

    names = ("estimate", "low", "high", "power_law", "log_linear", "gain", "gain_low", "gain_high")
    return Projection(examples, **{name: between(name) for name in names})


def times(fit: CurveFit, factor: int) -> Projection:
    """The curve at so many times the examples there are. Raises as `project` does."""
    return project(fit, factor * fit.largest)


def examples_for(fit: CurveFit, wanted: float, ahead: Ahead) -> Reach:
    """How many examples in all until the adapter is ahead by `wanted`.

    Its lead now and what more examples add are bounded apart, and the bounds are added: that
    is wider than either, never narrower than both together.
    """
    return Reach(
        _first(fit, lambda at: ahead.estimate + at.gain >= wanted),
        _first(fit, lambda at: ahead.high + at.gain_high >= wanted),
        _first(fit, lambda at: ahead.low + at.gain_low >= wanted),
    )


def _first(fit: CurveFit, reached: Callable[[Projection], bool]) -> int | None:
    """The smallest size from all the examples on at which it is so; rounded up to the next."""
    sizes = [at for at in fit.band if at.examples >= fit.largest]
    if not sizes:
        return None
    if reached(sizes[0]):
        return sizes[0].examples
    for before, here in pairwise(sizes):
        if reached(here):
            return _bisected(fit, before, here, reached)
    return None


def _bisected(
    fit: CurveFit, before: Projection, here: Projection, reached: Callable[[Projection], bool]
) -> int:
    low, high = before.examples, here.examples
    while high - low > 1:
        middle = max(isqrt(low * high), low + 1)  # whole numbers: exact, so that this ends
        low, high = (low, middle) if reached(project(fit, middle)) else (middle, high)
    return high
