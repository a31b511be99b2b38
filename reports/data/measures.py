"""What every part of the data is made of: estimates with bounds, and how records become data."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from types import NoneType
from typing import Annotated, Any, Literal, TypeVar, get_args, get_type_hints, overload

from evals.failures.records import Share
from evals.summaries import Mean
from tuning.records import Interval

T = TypeVar("T")

LEVEL = 0.95

Sides = Literal["two", "one"]


@dataclass(frozen=True)
class Estimate:
    """An estimate with its bounds. Scores and shares lie in [0, 1], differences in [-1, 1]."""

    estimate: Annotated[float | None, "The estimate; null where there is none"]
    low: Annotated[float | None, "Lower bound; null where clusters are too few for any"]
    high: Annotated[float | None, "Upper bound; null where clusters are too few for any"]
    level: Annotated[
        float,
        "Confidence level, a share: of the interval where sides is two, of the upper bound where "
        "it is one",
    ]
    sides: Annotated[
        Sides, "two: an interval; one: each bound is one-sided, as a verdict holds it to a limit"
    ]


@dataclass(frozen=True)
class MeanScore:
    """The mean score of some cases."""

    score: Annotated[Estimate, "The mean with its interval"]
    cases: Annotated[int, "Over how many cases"]


@overload
def estimate(interval: Interval, sides: Sides = "two") -> Estimate: ...
@overload
def estimate(interval: Interval | None, sides: Sides = "two") -> Estimate | None: ...
def estimate(interval: Interval | None, sides: Sides = "two") -> Estimate | None:
    """A stored interval as data."""
    if interval is None:
        return None
    return Estimate(interval.estimate, interval.low, interval.high, interval.level, sides)


def estimate_of_share(share: Share) -> Estimate:
    """A share with its 95 % interval."""
    return Estimate(share.estimate, share.low, share.high, LEVEL, "two")


def estimate_of_mean(mean: Mean) -> Estimate:
    """A mean with its 95 % interval."""
    return Estimate(mean.mean, mean.low, mean.high, LEVEL, "two")


def mean_score(mean: Mean | None) -> MeanScore | None:
    """A mean with its interval and its number of cases."""
    return MeanScore(estimate_of_mean(mean), mean.n) if mean else None


def taken(kind: type[T], record: object, **others: Any) -> T:
    """A `kind` with what `record` has under the same names, but for `others`.

    Intervals become two-sided estimates; an empty text that may be unknown is unknown.
    """
    found = dict(others)
    for name, may_be_none in _fields(kind):  # type: ignore[arg-type] # a class can be hashed
        if name not in found:
            value = getattr(record, name)
            value = estimate(value) if isinstance(value, Interval) else value
            found[name] = None if may_be_none and value == "" else value
    return kind(**found)


@cache
def _fields(kind: type) -> tuple[tuple[str, bool], ...]:
    """Names of a record's fields, each with whether it may be null."""
    hints = get_type_hints(kind)
    return tuple((each.name, NoneType in get_args(hints[each.name])) for each in fields(kind))
