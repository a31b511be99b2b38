"""What the values of options may be: each reads a text, or says what was expected.

All raise `ArgumentTypeError`, which the parser tells with the option's name.
"""

from __future__ import annotations

from argparse import ArgumentTypeError
from math import nan
from pathlib import Path

_MOST_TRAININGS = 20


def text(given: str) -> str:
    """A name, an id, or any other text with something in it."""
    if not given.strip():
        raise ArgumentTypeError("an empty value: say what is meant, or leave it out")
    return given


def path(given: str) -> Path:
    """A file or folder."""
    return Path(text(given))


def count(text: str) -> int:
    """How often, or how many at once."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if not 1 <= value <= 10_000:
        raise ArgumentTypeError(f"{text!r} is not a whole number from 1 to 10,000")
    return value


def trainings(text: str) -> int:
    """How many adapters that differ by seed alone; of a learning curve, for each of its points."""
    return _whole(text, 1, _MOST_TRAININGS, str(_MOST_TRAININGS))


def runs(text: str) -> int:
    """How many runs of one candidate are compared."""
    value = count(text)
    if value < 2:
        raise ArgumentTypeError("a candidate and itself are at least two runs")
    return value


def amount(text: str) -> int:
    """How many, none included."""
    return _whole(text, 0, 10**9, "10^9")


def examples(text: str) -> int:
    """How many examples may be seen."""
    return _whole(text, 1, 10**9, "10^9")


def rank(text: str) -> int:
    """The rank of an adapter."""
    return _whole(text, 1, 1024, "1024")


def money(text: str) -> float:
    """An amount of money."""
    value = _number(text)
    if not 0 <= value <= 10**9:
        raise ArgumentTypeError(f"{text!r} is not an amount of money, like 0.50")
    return value


def seconds(text: str) -> float:
    """A time limit."""
    value = _number(text)
    if not 0 < value <= 24 * 3600:
        raise ArgumentTypeError(f"{text!r} is not a number of seconds up to a day")
    return value


def rate(text: str) -> float:
    """A learning rate."""
    value = _number(text)
    if not 0 < value < 1:
        raise ArgumentTypeError(f"{text!r} is not a number above 0 and below 1")
    return value


def epochs(text: str) -> float:
    """Passes over the examples."""
    value = _number(text)
    if not 0 < value <= 1000:
        raise ArgumentTypeError(f"{text!r} is not a number above 0 and at most 1000")
    return value


def score(text: str) -> float:
    """A score that is to be reached."""
    value = _number(text)
    if not 0 < value <= 1:
        raise ArgumentTypeError(f"{text!r} is not a score above 0 and at most 1")
    return value


def share(text: str) -> float:
    """A gain or a loss."""
    value = _number(text)
    if not 0 < value < 1:
        raise ArgumentTypeError(f"{text!r} is not a number between 0 and 1, like 0.05")
    return value


def column(text: str) -> tuple[str, str]:
    """A name with the column it is read from."""
    name, equals, of = text.partition("=")
    if not (name and equals and of):
        raise ArgumentTypeError(f"{text!r} is not of the form input=question")
    return name, of


def reason(text: str) -> str:
    """Why, in words."""
    if not text.strip():
        raise ArgumentTypeError("a reason is needed; it is recorded")
    return text.strip()


def _whole(text: str, least: int, most: int, said: str) -> int:
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise ArgumentTypeError(f"{text!r} is not a whole number from {least} to {said}")
    return int(text)


def _number(text: str) -> float:
    """The number a text says; NaN, which no comparison holds of, where it says none."""
    try:
        return float(text)
    except ValueError:
        return nan
