"""Scorers that judge text in this process: the shared form, and what cases may expect."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from evals.errors import ScorerError
from evals.records import Case, Output, Score

FULL = Score(1.0)


def case_error(case: Case, message: str, *, hint: str | None = None) -> ScorerError:
    """An error that points at the case in its file: it cannot be judged as it stands."""
    return ScorerError(
        f'case "{case.id}": {message}',
        path=case.path or None,
        line=case.line or None,
        hint=hint,
    )


@dataclass(frozen=True)
class PlainScorer:
    """A scorer made of a pure function over the case and the answer's text.

    `check` raises ScorerError when a case's `expected` is of no use to this scorer, so
    that a suite is refused before any model runs.
    """

    judge: Callable[[Case, str], Score]
    check: Callable[[Case], object]

    def __call__(self, case: Case, output: Output) -> Score:
        """Score the output's text; raises ScorerError when the case itself is unusable."""
        return self.judge(case, text_of(case, output))

    def close(self) -> None:
        """Nothing to release."""


def text_of(case: Case, output: Output) -> str:
    """The output's text; an output without text is an error and never reaches a scorer."""
    if output.text is None:
        raise case_error(case, f"there is no output to score: {output.error or 'no text'}")
    return output.text


def expected_texts(case: Case) -> tuple[str, ...]:
    """The acceptable answers: `expected` as a string or number, or a list of those."""
    values = case.expected if isinstance(case.expected, list | tuple) else [case.expected]
    texts = []
    for value in values:
        if isinstance(value, str):
            texts.append(value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            texts.append(json.dumps(value))
        else:
            raise case_error(case, f"expected must be text or a list of texts, not {value!r:.80}")
    if not texts:
        raise case_error(case, "expected is an empty list: no answer could be right")
    return tuple(texts)


def shown(text: str, limit: int = 80) -> str:
    """A short quotation for reasons: always printable ASCII or escaped, never long."""
    return ascii(text if len(text) <= limit else text[: limit - 1] + "…")


def printable(text: str, limit: int = 300) -> str:
    """A library's message that may quote a model: no control characters, never long."""
    kept = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[:limit])
    return kept + "…" * (len(text) > limit)
