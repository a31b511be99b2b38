"""What a part of a job is given to run candidates with; `tuning.job.Job.evaluate` is all of it.

Each asks for no more than what it uses, so that a test or a memory of runs stands in easily.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from evals.models.protocol import AdaptableModel
from evals.records import Candidate, Case, Run, SplitName
from evals.suite.spec import Suite


class Evaluate(Protocol):
    """Makes (or finds) one run."""

    def __call__(self, suite: Suite, candidate: Candidate, split: SplitName, label: str) -> Run:
        """Run `candidate` on a split of `suite`, described to a person by `label`."""
        ...


class EvaluateCases(Protocol):
    """One run, of some cases where they are given; stored unless `keep` is false."""

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
        """See `evals.runner.Runner.run`."""
        ...


class EvaluateOn(Protocol):
    """Makes or finds one run of a candidate, whose `model` is given."""

    def __call__(
        self,
        suite: Suite,
        candidate: Candidate,
        split: SplitName,
        label: str,
        *,
        model: AdaptableModel,
    ) -> Run:
        """Raises as a runner does."""
        ...
