"""A look at a model in training: it answers held-out train cases, and the scorers judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from evals.errors import StatisticsError, TrainingError
from evals.fingerprint import fingerprint
from evals.models.tokens import encode_chat
from evals.records import Case, Decoding
from evals.stats import score_interval
from evals.suite.spec import Suite
from tuning.data.dataset import Example
from tuning.training.loss_curve import UNSEEN_SCORE
from tuning.training.reward_hacking import REWARDS, UNSEEN
from tuning.training.rewards import Reward, Rewarded
from tuning.training.rollouts import Rollouts
from tuning.training.task import Task

ONE_ERROR = 0.6826894921370859
"""The two-sided level of an interval of one standard error to each side."""


class Asked(NamedTuple):
    """A train case with its prompt as token ids, and the group it is held out with."""

    case: Case
    prompt: tuple[int, ...]
    group: str


class RewardLook:
    """The mean reward of answers to `asked`, written as the suite decodes.

    `unseen` scores the same answers, and decides nothing. What a look found is kept in `latest`
    until it is taken.
    """

    def __init__(
        self,
        asked: Sequence[Asked],
        rollouts: Rollouts,
        decoding: Decoding,
        reward: Reward,
        unseen: Reward | None,
    ) -> None:
        self.asked = tuple(asked)
        self.rollouts = rollouts
        self.decoding = replace(decoding, schema=None, grammar="", regex="", ordered="")
        self.reward = reward
        self.unseen = unseen
        self.latest: Mapping[str, Any] | None = None

    def fingerprint(self) -> str:
        """Identity of the cases, the decoding and both scorers."""
        cases = [[one.case.fingerprint, one.prompt] for one in self.asked]
        unseen = self.unseen.fingerprint() if self.unseen else None
        return fingerprint("reward-look@1", cases, self.decoding, self.reward.fingerprint(), unseen)

    def __call__(self, model: Any) -> float:
        """The mean reward; TrainingError where fewer than half of the answers have one."""
        prompts = [one.prompt for one in self.asked]
        written = self.rollouts(model, prompts, self.decoding)
        answers = [(a.case, w.output) for a, w in zip(self.asked, written, strict=True)]
        rewards = self.reward(answers)
        score = mean_reward(rewards, self.reward)
        found: dict[str, Any] = {REWARDS: rewards}
        if self.unseen is not None:
            beside = self.unseen(answers)
            found |= {UNSEEN: beside, UNSEEN_SCORE: mean_reward(beside, self.unseen)}
        self.latest = found
        return score

    def least(self) -> float:
        """The mean of the last look less one standard error: what is held against `enough`."""
        rewards = self.latest[REWARDS] if self.latest else []
        known = [(r, a.group) for r, a in zip(rewards, self.asked, strict=True) if r is not None]
        found = least_of([value for value, _ in known], [group for _, group in known])
        return 0.0 if found is None else found

    def take(self) -> Mapping[str, Any]:
        """What the last look found, once; empty where it was taken."""
        found, self.latest = self.latest, None
        return found or {}


def asked_of(task: Task, suite: Suite, examples: Sequence[Example]) -> tuple[Asked, ...]:
    """The train cases of the suite among the examples, as the task asks them."""
    cases = {case.id: case for case in suite.split("train")}
    return tuple(
        Asked(cases[e.case_id], tuple(encode_chat(task.base.tokenizer, e.messages)), e.group)
        for e in examples
        if e.case_id in cases
    )


def least_of(scores: Sequence[float], groups: Sequence[str]) -> float | None:
    """Wilson's lower bound of the mean at one standard error; for graded scores the like.

    Cases of one group are not independent; None where there are fewer than 10 such groups.
    """
    try:
        return score_interval(scores, groups, ONE_ERROR).low
    except StatisticsError:
        return None


def mean_reward(rewards: Rewarded, of: Reward) -> float:
    """The mean of those there are. Raises TrainingError where that is fewer than half."""
    known = [value for value in rewards if value is not None]
    if 2 * len(known) < len(rewards) or not known:
        told = getattr(of, "told", "")
        raise TrainingError(
            f"{of.name} gave no score for {len(rewards) - len(known)} of {len(rewards)} answers"
            + (f": {told}" if told else ""),
            hint="mend the scorer: `tunegate check` tries it on the cases' own answers",
        )
    return sum(known) / len(known)
