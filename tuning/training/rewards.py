"""The suite's own scorers as rewards, over train cases alone.

A scorer's error is a third state: the answer has no reward. Its group learns from the other
answers, and it is counted; it is never a zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from evals.errors import ScorerError, SuiteError, TrainingError
from evals.records import Case, Output
from evals.scorers.batch import score_many
from evals.scorers.protocol import Scorer
from evals.suite.spec import Suite

Rewarded = list[float | None]


class Reward(Protocol):
    """What an answer to a train case is worth, None where that cannot be told."""

    @property
    def name(self) -> str:
        """The metric, or what else rewards."""
        ...

    def fingerprint(self) -> str:
        """Identity of all that decides what it says."""
        ...

    def __call__(self, answers: Iterable[tuple[Case, Output]]) -> Rewarded:
        """A reward for each answer, in order."""
        ...


class MetricReward:
    """One of the suite's metrics. `told` is the last error that stood in a reward's place."""

    def __init__(self, suite: Suite, metric: str, scorer: Scorer) -> None:
        self.name = metric
        self.told = ""
        self._identity = suite.metric_fingerprint(metric)
        self._scorer = scorer

    def fingerprint(self) -> str:
        """Scorer, options and files of the metric."""
        return self._identity

    def __call__(self, answers: Iterable[tuple[Case, Output]]) -> Rewarded:
        """Scores from 0 to 1, through the scorers' own processes and limits.

        Raises TrainingError for a case that is not of the train split: nothing else may teach.
        """
        pairs = list(answers)
        for case, _ in pairs:
            if case.split != "train":
                raise TrainingError(f"case {case.id} is of {case.split}, and must teach nothing")
        values: Rewarded = []
        for said in score_many(self._scorer, pairs):
            if isinstance(said, ScorerError):
                self.told = said.message
            values.append(None if isinstance(said, ScorerError) else said.value)
        return values


def metric_reward(suite: Suite, metric: str, scorers: Mapping[str, Scorer], key: str) -> Reward:
    """The reward of a metric that `key` of the suite names.

    Raises SuiteError for a metric that the suite does not have, TrainingError where the caller
    has no scorers open.
    """
    if metric not in suite.metrics:
        known = ", ".join(suite.metrics)
        raise SuiteError(
            f"there is no metric {metric!r}",
            path=suite.root / "suite.yaml",
            key=key,
            hint=f"the suite has {known}",
        )
    if metric not in scorers:
        raise TrainingError(
            "reinforcement learning needs the suite's scorers, and none are open", key=key
        )
    return MetricReward(suite, metric, scorers[metric])
