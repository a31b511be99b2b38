"""`regex@1`: a regular expression, bounded in time."""

from __future__ import annotations

from typing import Any

from evals.errors import ScorerError
from evals.records import Case, Score
from evals.scorers.options import Options
from evals.scorers.plain import FULL, PlainScorer, case_error, shown
from evals.scorers.protocol import Scorer

MAX_PATTERN = 10_000  # characters; a longer one is a mistake or an attack on the compiler
DEFAULT_SECONDS = 1.0


def regex(options: Options) -> Scorer:
    """`regex@1`: the answer matches a pattern (syntax of the `regex` package).

    Options: `pattern` (else `case.expected` is the pattern), `fullmatch` (default false:
    a match anywhere counts), `case_sensitive` (default true), `seconds` (default 1): a
    search that takes longer is an error of that case and not a zero. Kind: "no_match".
    """
    full = options.flag("fullmatch", default=False)
    sensitive = options.flag("case_sensitive", default=True)
    seconds = options.number("seconds", default=DEFAULT_SECONDS, above=0.0)
    fixed = None
    if options.has("pattern"):
        try:
            fixed = _compiled(options.text("pattern"), sensitive)
        except ValueError as error:
            raise options.error(str(error), key="pattern") from error
    cache: dict[str, Any] = {}

    def pattern_of(case: Case) -> Any:
        return fixed if fixed is not None else _expected(case, sensitive, cache)

    def judge(case: Case, text: str) -> Score:
        pattern = pattern_of(case)
        search = pattern.fullmatch if full else pattern.search
        try:
            found = search(text, timeout=seconds)
        except (TimeoutError, MemoryError) as error:
            raise _gave_up(case, pattern.pattern, seconds, error) from error
        if found:
            return FULL
        return Score(0.0, f"{shown(text)} does not match {shown(pattern.pattern)}", "no_match")

    return PlainScorer(judge, pattern_of)


def _expected(case: Case, case_sensitive: bool, cache: dict[str, Any]) -> Any:
    source = case.expected
    if not isinstance(source, str) or not source:
        raise case_error(case, f"expected must be a pattern, not {source!r:.80}")
    if source not in cache:
        try:
            cache[source] = _compiled(source, case_sensitive)
        except ValueError as error:
            raise case_error(case, str(error)) from error
    return cache[source]


def _gave_up(case: Case, pattern: str, seconds: float, error: Exception) -> ScorerError:
    why = f"took over {seconds:g} s" if isinstance(error, TimeoutError) else "ran out of memory"
    return case_error(
        case,
        f"TimeoutError: the pattern {shown(pattern)} {why} on this answer",
        hint="nested repetition backtracks; use possessive or atomic groups",
    )


def _compiled(source: str, case_sensitive: bool) -> Any:
    """The compiled pattern; raises ValueError with the reason."""
    import regex as engine

    if len(source) > MAX_PATTERN:
        raise ValueError(f"the pattern has {len(source)} characters, more than {MAX_PATTERN}")
    flags = 0 if case_sensitive else engine.IGNORECASE
    try:
        return engine.compile(source, flags)
    except (engine.error, RecursionError, OverflowError, MemoryError) as error:
        raise ValueError(f"{shown(source)} is not a valid pattern: {error}") from error
