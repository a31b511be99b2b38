"""`numeric@1`: the number an answer gives."""

from __future__ import annotations

import math
import re

from evals.records import Case, Score
from evals.scorers.options import Options
from evals.scorers.plain import FULL, PlainScorer, case_error, shown
from evals.scorers.protocol import Scorer

_NUMBER = re.compile(
    r"""
    (?<!\w)(?<!\d\.)                     # not inside a word, a number or a version
    (?P<sign>[-+−])?
    [$€£¥]?
    (?P<digits>
        (?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)  # 1,234,567 or 1234567
        (?:\.\d+)?
      | \.\d+
    )
    (?P<exponent>[eE][-+]?\d{1,4}(?!\w))?
    """,
    re.VERBOSE,
)


def numeric(options: Options) -> Scorer:
    """`numeric@1`: the answer's number equals `case.expected` (a number, or text of one).

    Options: `which` ("last" number of the answer, the default, or the "only" one), `abs`
    and `rel` (tolerances; the larger of abs and rel·|expected| holds; default 0). Commas
    before three digits separate thousands; currency signs, units and percent signs are
    passed over. Kinds: "no_number", "several_numbers", "wrong_number".
    """
    which = options.one_of("which", ("last", "only"), default="last")
    absolute = options.number("abs", default=0.0)
    relative = options.number("rel", default=0.0)

    def judge(case: Case, text: str) -> Score:
        wanted = _expected(case)
        found = numbers_in(text)
        if not found:
            return Score(0.0, f"{shown(text)} holds no number", "no_number")
        if which == "only" and len(found) > 1:
            return Score(0.0, f"{shown(text)} holds {len(found)} numbers", "several_numbers")
        if abs(found[-1] - wanted) <= max(absolute, relative * abs(wanted)):
            return FULL
        return Score(0.0, f"expected {wanted:g}, got {found[-1]:g}", "wrong_number")

    return PlainScorer(judge, _expected)


def numbers_in(text: str) -> list[float]:
    """Every number in the text, in order; one too large for a float is infinite."""
    found = []
    for match in _NUMBER.finditer(text):
        digits = match["digits"].replace(",", "") + (match["exponent"] or "")
        value = float(digits)
        found.append(-value if match["sign"] in {"-", "−"} else value)
    return found


def _expected(case: Case) -> float:
    value = case.expected
    if isinstance(value, str):
        found = numbers_in(value)
        value = found[0] if len(found) == 1 else None
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isfinite(number):
            return number
    raise case_error(case, f"expected must be one finite number, not {case.expected!r:.80}")
