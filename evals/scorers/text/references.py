"""Scorers that say how alike an answer is to reference texts: what they share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec

from evals.errors import MissingExtraError
from evals.records import Case, Score
from evals.scorers.options import Options
from evals.scorers.plain import FULL, PlainScorer, case_error, expected_texts, shown
from evals.scorers.protocol import Scorer

MAX_CHARACTERS = 100_000  # of an answer or a reference: bounds the time of one comparison

References = tuple[str, ...]
Likeness = Callable[[str, References], float]


def require_text_extra(options: Options, *modules: str) -> None:
    """Raise MissingExtraError, naming what to install, unless all the modules are there."""
    if missing := [name for name in modules if find_spec(name) is None]:
        raise MissingExtraError(
            f"{options.spec.scorer} needs {', '.join(missing)}: pip install 'tunegate[text]'",
            path=options.suite_root / "suite.yaml",
            line=options.spec.line or None,
            key=f"metrics.{options.spec.name}",
        )


def likeness_scorer(likeness: Likeness, unusable: Callable[[str], str | None]) -> Scorer:
    """A scorer whose value is `likeness(answer, references)`, from 0 to 1.

    The references are `expected`, one text or a list. `unusable` says why a reference cannot
    be compared with anything, or None. An answer of more than `MAX_CHARACTERS` is not
    compared: it scores 0. Kinds: "different", "too_long".
    """

    def check(case: Case) -> References:
        references = expected_texts(case)
        for text in references:
            if fault := _fault(text) or unusable(text):
                raise case_error(case, f"expected {shown(text)} {fault}")
        return references

    def judge(case: Case, text: str) -> Score:
        references = check(case)
        if len(text) > MAX_CHARACTERS:
            reason = f"{len(text):,} characters, more than the {MAX_CHARACTERS:,} that are compared"
            return Score(0.0, reason, "too_long")
        value = 1.0 if text in references else likeness(text, references)
        if value > 1.0 - 1e-9:  # the libraries' sums are off by some 1e-16
            return FULL
        reason = f"expected {shown(references[0])}, got {shown(text)}"
        return Score(max(0.0, value), reason, "different")

    return PlainScorer(judge, check)


def closest(compare: Callable[[str, str], float]) -> Likeness:
    """The likeness to the reference that is most like the answer."""
    return lambda text, references: max(compare(text, one) for one in references)


def whole_number(options: Options, name: str, *, default: int, low: int, high: int) -> int:
    """A whole number from `low` to `high`."""
    value = options.number(name, default=float(default))
    if value != int(value) or not low <= value <= high:
        raise options.error(f"expected a whole number from {low} to {high}", key=name)
    return int(value)


def numbered(*sequences: Sequence[str]) -> list[list[int]]:
    """The sequences with a number for each distinct word: equal numbers are equal words."""
    numbers: dict[str, int] = {}
    return [[numbers.setdefault(word, len(numbers)) for word in words] for words in sequences]


def _fault(text: str) -> str | None:
    if not text.strip():
        return "is empty: nothing is like it"
    if len(text) > MAX_CHARACTERS:
        return f"has {len(text):,} characters; {MAX_CHARACTERS:,} can be compared"
    return None
