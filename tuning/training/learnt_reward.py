"""A reward model's score of an answer as a reward from 0 to 1.

The reward is the logistic function of the score minus a centre, the mean score of what the
fine-tuned model answered to train cases before it learnt from rewards. By the model the reward
model is trained with (Bradley and Terry) that is how probably the answer is preferred to an
average one of the fine-tuned model. The function is fixed and keeps order; it is bounded, and
flattens where scores are far from what the reward model was trained on, which is where it is
wrong and a policy would go (Fu et al. 2025, arXiv 2502.18770, compare such functions).

An answer that did not end by itself is worth 0: no pair has one, so its score means nothing
(Huang et al. 2024, arXiv 2403.17031, give such answers a fixed low reward).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

from evals.errors import TrainingError
from evals.fingerprint import fingerprint
from evals.records import Case, Message, Output
from tuning.training.rewards import Rewarded

NAME = "reward model"
UNENDED = 0.0

Score = Callable[[Sequence[tuple[Sequence[Message], str]]], list[float]]


class LearntReward:
    """A reward that is known once its reward model is trained: until then it cannot be asked.

    `source` is the identity of all that decides the reward model; `messages` are the prompts of
    train cases, by id.
    """

    name = NAME

    def __init__(self, source: str, messages: Mapping[str, Sequence[Message]]) -> None:
        self.source = source
        self._messages = messages
        self._score: Score | None = None
        self._centre = 0.0

    def fingerprint(self) -> str:
        """Identity of what the reward is learnt from, and of how scores become rewards."""
        return fingerprint("learnt-reward@1", self.source)

    def become(self, score: Score, centre: float) -> None:
        """From now on reward by these scores."""
        self._score, self._centre = score, centre

    def __call__(self, answers: Iterable[tuple[Case, Output]]) -> Rewarded:
        """Rewards from 0 to 1.

        Raises TrainingError for a case that is not of train, and before `become`.
        """
        if self._score is None:
            raise TrainingError("there is no reward model yet: its stage comes before")
        pairs = list(answers)
        for case, _ in pairs:
            if case.split != "train":
                raise TrainingError(f"case {case.id} is of {case.split}, and must teach nothing")
        ended = [n for n, (_, output) in enumerate(pairs) if has_ended(output)]
        asked = [(self._messages[pairs[n][0].id], pairs[n][1].text or "") for n in ended]
        rewards: Rewarded = [UNENDED] * len(pairs)
        for n, score in zip(ended, self._score(asked), strict=True):
            rewards[n] = preferred_share(score - self._centre)
        return rewards


def has_ended(output: Output) -> bool:
    """Whether an answer ended by itself, and can be scored."""
    return output.error is None and output.finish_reason == "stop"


def preferred_share(margin: float) -> float:
    """The logistic function: how probably the one that scores `margin` more is preferred."""
    if margin >= 0:
        return 1 / (1 + math.exp(-margin))
    return math.exp(margin) / (1 + math.exp(margin))
