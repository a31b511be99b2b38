"""`numeric@1`: the number an answer gives."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from evals.records import Case, Score
from evals.scorers.numbers import DECIMALS, Number, near, number_of, number_reader
from evals.scorers.options import Options
from evals.scorers.plain import FULL, PlainScorer, case_error, shown
from evals.scorers.protocol import Scorer

MOST_BOXES = 100  # that are looked at for one that is closed, from the last
LONGEST_BOX = 1_000  # characters

_BOXED = "\\boxed{"


def numeric(options: Options) -> Scorer:
    r"""`numeric@1`: the answer's number equals `case.expected` (a number, or text of one).

    Options: `which` ("last" number of the answer, the default, "first", the "only" one, or
    "boxed": the one in the last \boxed{...}), `after` (a marker such as "####": only what
    follows its last occurrence is read), `decimal` ("." with commas before three digits that
    separate thousands, the default; or "," with points, apostrophes or spaces), `fractions`
    (default false; true reads 3/4 and \frac{3}{4} as 0.75), `percent` ("ignore" the sign, the
    default, or read 50% as a "fraction", 0.5), `abs` and `rel` (tolerances; the larger of abs
    and rel·|expected| holds; default 0). Whole numbers are compared exactly, others as floats.
    Currency signs and units are passed over.
    Kinds: "no_number", "several_numbers", "wrong_number".
    """
    which = options.one_of("which", ("last", "first", "only", "boxed"), default="last")
    after = options.text("after") if options.has("after") else ""
    absolute = options.number("abs", default=0.0)
    relative = options.number("rel", default=0.0)
    read = number_reader(
        decimal=options.one_of("decimal", DECIMALS, default="."),
        fractions=options.flag("fractions", default=False),
        percent=options.one_of("percent", ("ignore", "fraction"), default="ignore") == "fraction",
    )

    def expected(case: Case) -> Number:
        return _expected(case, read)

    def judge(case: Case, text: str) -> Score:
        wanted = expected(case)
        try:
            found = read(_place(text, after, boxed=which == "boxed"))
        except LookupError as error:
            return Score(0.0, f"{shown(text)} holds no {error.args[0]}", "no_number")
        if not found:
            return Score(0.0, f"{shown(text)} holds no number", "no_number")
        if which == "only" and len(found) > 1:
            return Score(0.0, f"{shown(text)} holds {len(found)} numbers", "several_numbers")
        got = found[0] if which == "first" else found[-1]
        if near(wanted, got, absolute, relative):
            return FULL
        return Score(0.0, _difference(wanted, got), "wrong_number")

    return PlainScorer(judge, expected)


def _place(text: str, after: str, *, boxed: bool) -> str:
    """The part of the answer that is read. Raises LookupError with what is not there."""
    if after:
        _, found, text = text.rpartition(after)
        if not found:
            raise LookupError(shown(after))
    return _last_boxed(text) if boxed else text


def _last_boxed(text: str) -> str:
    """What stands in the last box whose braces are closed."""
    end = len(text)
    for _ in range(MOST_BOXES):
        start = text.rfind(_BOXED, 0, end)
        if start < 0:
            break
        inside = text[start + len(_BOXED) : start + len(_BOXED) + LONGEST_BOX]
        level = 1
        for brace in re.finditer(r"[{}]", inside):
            level += 1 if brace[0] == "{" else -1
            if level == 0:
                return inside[: brace.start()]
        end = start
    raise LookupError("closed " + _BOXED + "...}")


def _difference(wanted: Number, got: Number) -> str:
    """Both numbers in short, or as exactly as they are known where that looks the same."""
    texts = [f"{number.value:g}" for number in (wanted, got)]
    if texts[0] == texts[1]:
        texts = [repr(n.value) if n.whole is None else str(n.whole) for n in (wanted, got)]
    return f"expected {texts[0]}, got {texts[1]}"


def _expected(case: Case, read: Callable[[str], list[Number]]) -> Number:
    value = case.expected
    number = None
    if isinstance(value, str):
        found = read(value)
        number = found[0] if len(found) == 1 and math.isfinite(found[0].value) else None
    elif isinstance(value, int | float) and not isinstance(value, bool):
        number = number_of(value)
    if number is None:
        message = f"expected must be one finite number, not {case.expected!r:.80}"
        raise case_error(case, message)
    return number
