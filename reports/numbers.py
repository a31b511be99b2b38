"""How numbers are written in a report: one function for each kind of quantity.

Minus is the real sign (U+2212), so that columns of signed numbers line up and a screen
reader says "minus"; nothing here depends on the locale.
"""

from __future__ import annotations

import math

from evals.durations import elapsed
from evals.rounding import rounded_down, rounded_up
from tuning.records import Interval

NOTHING = "–"


def signs(text: str) -> str:
    """With the minus sign that stands as high as a plus."""
    return text.replace("-", "\u2212")


def score(value: float | None) -> str:
    """A score in [0, 1] with three digits after the point: `0.842`."""
    if value is None or not math.isfinite(value):
        return NOTHING
    return signs(f"{value + 0.0:.3f}")


def signed(value: float | None) -> str:
    """A difference with its sign always shown: `+0.120`, `\u22120.050`, `0.000`."""
    if value is None or not math.isfinite(value):
        return NOTHING
    text = f"{value:+.3f}"
    return "0.000" if float(text) == 0 else signs(text)


def bounds(interval: Interval | None) -> str:
    """The interval of a score: `0.790 to 0.888`."""
    if interval is None or math.isnan(interval.low):
        return NOTHING
    return f"{score(interval.low)} to {score(interval.high)}"


def signed_bounds(interval: Interval | None) -> str:
    """The interval of a difference, rounded outwards: `+0.051 to +0.190`.

    It is held against a margin, a gain or zero, so no end may reach that by rounding.
    """
    if interval is None or not all(map(math.isfinite, (interval.low, interval.high))):
        return NOTHING
    return f"{signed(rounded_down(interval.low, 3))} to {signed(rounded_up(interval.high, 3))}"


def least(bound: float | None) -> str:
    """A lower bound of a score that is held against a target: rounded down."""
    if bound is None or not math.isfinite(bound):
        return NOTHING
    return score(rounded_down(bound, 3))


def points(value: float) -> str:
    """A difference of scores in percentage points, for sentences: `26 points`."""
    rounded = round(abs(value) * 100, 1)
    text = f"{rounded:g}"
    return f"{text} point" if text == "1" else f"{text} points"


def percent(value: float) -> str:
    """A share in [0, 1] as whole percent, never 0 % or 100 % unless it is exactly that."""
    if 0 < value < 0.005:
        return "< 1 %"
    if 0.995 < value < 1:
        return "> 99 %"
    return f"{value * 100:.0f} %"


def level(value: float) -> str:
    """A confidence level: `95 %`, `97.5 %`, `98.33 %`."""
    return f"{value * 100:.4g} %"


def count(value: float | None) -> str:
    """A whole number in groups of three: `12,345`."""
    if value is None or not math.isfinite(value):
        return NOTHING
    return signs(f"{round(value):,}")


def large(value: float) -> str:
    """A large number in words that can be read at a glance: `1.65 billion`, `826,000`."""
    for size, word in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if abs(value) >= size:
            return f"{value / size:.3g} {word}"
    return count(value)


def decimal(value: float | None) -> str:
    """A number of any size with about four significant digits: `0.0002`, `1.5`, `12,345`."""
    if value is None or not math.isfinite(value):
        return NOTHING
    return count(value) if abs(value) >= 10_000 else signs(f"{value:.4g}")


def duration(seconds: float | None) -> str:
    """A wall time in the two largest fitting units: `0.12 s`, `7.4 s`, `6 min 20 s`."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    return elapsed(seconds)


def plural(number: int, one: str, many: str | None = None) -> str:
    """A count with its noun: `1 case`, `250 cases`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
