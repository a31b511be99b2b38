"""What the runs of a search take."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import NamedTuple

from evals.records import Candidate, Case, Run, SplitName
from evals.suite.spec import Suite
from tuning.evaluating import EvaluateCases


class Taken(NamedTuple):
    """What work took when it was done, found again or not: tokens, and wall seconds."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    answers: int = 0

    @property
    def tokens(self) -> int:
        """Of prompts and completions together."""
        return self.prompt_tokens + self.completion_tokens

    def plus(self, other: Taken) -> Taken:
        """Both together."""
        return Taken(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.seconds + other.seconds,
            self.answers + other.answers,
        )


def taken_by(run: Run, within: Container[str] | None = None) -> Taken:
    """What a run took, or its cases among `within` of it; seconds are always of the whole.

    Tokens are those of its outputs, so they are the same however often the work was begun.
    """
    outputs = [r.output for r in run.results if within is None or r.case_id in within]
    return Taken(
        sum(output.prompt_tokens for output in outputs),
        sum(output.completion_tokens for output in outputs),
        run.seconds,
        sum(output.error is None for output in outputs),
    )


class CountedEvaluate:
    """An `EvaluateCases` that adds up what its runs took."""

    def __init__(self, evaluate: EvaluateCases) -> None:
        self._evaluate = evaluate
        self.taken = Taken()

    def __call__(
        self,
        suite: Suite,
        candidate: Candidate,
        split: SplitName,
        label: str,
        *,
        cases: Sequence[Case] | None = None,
        keep: bool = True,
    ) -> Run:
        """See `EvaluateCases`."""
        run = self._evaluate(suite, candidate, split, label, cases=cases, keep=keep)
        self.taken = self.taken.plus(taken_by(run))
        return run
