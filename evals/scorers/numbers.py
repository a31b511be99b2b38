"""Numbers written in text, in the notations that people and models use."""

from __future__ import annotations

import re
from collections.abc import Callable

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


def number_reader(
    *, decimal: str = ".", fractions: bool = False, percent: bool = False
) -> Callable[[str], list[float]]:
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

    def value(found: re.Match[str]) -> float:
        number = float(found["digits"].translate(plain) + (found["exponent"] or ""))
        if percent and found["percent"]:
            number /= 100
        return -number if found["sign"] in {"-", "−"} else number

    def read(text: str) -> list[float]:
        if fractions:
            text = _FRAC.sub(_as_division, text)
        numbers: list[float] = []
        for found in pattern.finditer(text):
            divisor = float(found["divisor"] or 1) if fractions else 1.0
            is_date = divisor != 1.0 and text[max(0, found.start() - 1) : found.start()] == "/"
            if is_date or divisor == 0:
                numbers += [value(found), divisor]
            else:
                numbers.append(value(found) / divisor)
        return numbers

    return read


numbers_in = number_reader()
"""Every number in a text as `numeric@1` reads it without options."""


def _as_division(found: re.Match[str]) -> str:
    apart = " " if found.string[max(0, found.start() - 1) : found.start()].isdigit() else ""
    return f"{apart}{found[1].strip()}/{found[2].strip()} "
