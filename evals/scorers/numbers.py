"""Numbers written in text, in the notations that people and models use."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

_NUMBER = r"""
    (?<!\w)(?<!\d{point})                # not inside a word, a number or a version
    (?P<sign>[-+−])?
    [$€£¥]?
    (?P<digits>
        (?:\d{{1,3}}(?:{group}\d{{3}})+(?!\d)|\d+)  # 1,234,567 or 1234567
        (?:{point}\d+)?
      | {point}\d+
    )
    (?P<exponent>[eE][-+]?\d{{1,4}}(?!\w))?
"""
_DIVISOR = r"(?:\s?/\s?(?P<divisor>\d{{1,15}})(?![\w/])(?!{point}\d))?"
_PERCENT = r"(?:\s?(?P<percent>[%％]))?"
_FRAC = re.compile(r"\\[dt]?frac\{([^{}]{1,40})\}\{([^{}]{1,40})\}")

# The decimal point, and what separates groups of three: spaces are plain, no-break or narrow.
_NOTATIONS = {".": (r"\.", ","), ",": (",", "[.'’ \u00a0\u202f]")}
DECIMALS = tuple(_NOTATIONS)


_ALL_WHOLE = 2**53  # below it a float holds every whole number; from it on floats skip some


class Number(NamedTuple):
    """A number as a float, infinite where it is too large, and exactly where it is whole.

    `whole` is None for other numbers, and where only a rounded one is known.
    """

    value: float
    whole: int | None = None

    def over(self, divisor: int) -> Number:
        """The quotient; `divisor` is not 0. A number that is not whole has no whole quotient."""
        quotient, rest = divmod(self.whole, divisor) if self.whole is not None else (None, 1)
        return Number(self.value / divisor, None if rest else quotient)


def number_of(value: int | float) -> Number | None:
    """A number of JSON; None for one that is not finite, or too large for a float."""
    try:
        number = float(value)
    except OverflowError:
        return None
    if not math.isfinite(number):
        return None
    # What a large float was before it was rounded is not known.
    exact = isinstance(value, int) or abs(number) < _ALL_WHOLE
    return Number(number, int(value) if exact and value == int(value) else None)


def near(wanted: Number, got: Number, absolute: float, relative: float) -> bool:
    """Whether `got` lies within the larger of `absolute` and `relative`·|wanted| of `wanted`.

    Whole numbers are compared exactly, with tolerances as they are written in decimal; others
    as floats are.
    """
    first, second = wanted.whole, got.whole
    if first is None or second is None or max(abs(first), abs(second)) < _ALL_WHOLE:
        most = max(absolute, relative * abs(wanted.value))
        return abs(got.value - wanted.value) <= most
    apart = abs(first - second)
    return apart <= max(Fraction(str(absolute)), Fraction(str(relative)) * abs(first))


def number_reader(
    *, decimal: str = ".", fractions: bool = False, percent: bool = False
) -> Callable[[str], list[Number]]:
    r"""What reads every number in a text, in order; one too large for a float is infinite.

    `fractions`: 3/4 and \frac{{3}}{{4}} are one number (dates such as 3/4/2026 and a division
    by zero stay several). `percent`: 50% is 0.5.
    """
    point, group = _NOTATIONS[decimal]
    source = _NUMBER + _DIVISOR * fractions + _PERCENT * percent
    pattern = re.compile(source.format(point=point, group=group), re.VERBOSE)
    plain = str.maketrans({",": "."} if decimal == "," else {}) | {
        ord(mark): None for mark in group.strip("[]")
    }

    def value(found: re.Match[str]) -> Number:
        number = _read(found["digits"].translate(plain) + (found["exponent"] or ""))
        if percent and found["percent"]:
            number = number.over(100)
        return _negative(number) if found["sign"] in {"-", "−"} else number

    def read(text: str) -> list[Number]:
        if fractions:
            text = _FRAC.sub(_as_division, text)
        numbers: list[Number] = []
        for found in pattern.finditer(text):
            divisor = int(found["divisor"] or 1) if fractions else 1
            is_date = divisor != 1 and text[max(0, found.start() - 1) : found.start()] == "/"
            if is_date or divisor == 0:
                numbers += [value(found), Number(float(divisor), divisor)]
            else:
                numbers.append(value(found).over(divisor))
        return numbers

    return read


numbers_in = number_reader()
"""Every number in a text as `numeric@1` reads it without options."""


def _as_division(found: re.Match[str]) -> str:
    apart = " " if found.string[max(0, found.start() - 1) : found.start()].isdigit() else ""
    return f"{apart}{found[1].strip()}/{found[2].strip()} "


def _read(text: str) -> Number:
    """The number of a plain notation, of any length: in time in proportion to it."""
    number = float(text)
    if number < _ALL_WHOLE:
        return Number(number, int(number) if number.is_integer() else None)
    if number == math.inf:
        return Number(number)
    # At most 309 digits before the point, whatever follows it.
    exact = Decimal(text)
    whole = int(exact)
    return Number(number, whole if exact == whole else None)


def _negative(number: Number) -> Number:
    return Number(-number.value, None if number.whole is None else -number.whole)
