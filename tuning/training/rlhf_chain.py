"""The chain of `--method rlhf`: fine-tuning, a reward model of preference pairs, then a policy.

The reward model is the reward, and the suite's own scorer watches: it never teaches the policy,
so whether the reward model is cheated is tested always. The step that is kept is chosen by the
reward on held-out train cases, whose pairs the reward model did not learn. The scorer must not
choose it: what chooses is optimised too, and could no longer tell whether the reward was cheated.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from evals.errors import TrainingError
from evals.fingerprint import fingerprint
from evals.suite.rlhf_settings import RlhfSettings, policy_of
from tuning.data.pairs import pairs_fingerprint
from tuning.training.learnt_reward import LearntReward, has_ended
from tuning.training.policy_chain import asked_of, policy_parts, rewarded_stage
from tuning.training.preferring import pairs_and_drawing
from tuning.training.rewards import metric_reward
from tuning.training.stages import Stage
from tuning.training.task import Task

if TYPE_CHECKING:
    from tuning.training.methods import Sources
    from tuning.training.objectives.reward_modelling import Answered

HELD_OUT = 0.2
"""Share of the pairs that is held out: with a tenth, few pairs could never show an accuracy."""
HELD_OUT_LIMIT = 200
_CENTRED = 64  # train cases that are answered for the centre of the reward
_DRAW = -2  # the "step" of these answers, which no step of training is


def rlhf_chain(task: Task, sources: Sources) -> tuple[Stage, ...]:
    """The stages of the method `rlhf`.

    Raises SuiteError for a metric that is none, TrainingError where pairs are refused or too
    few, or no train case can be rewarded.
    """
    own = task.settings.own
    if not isinstance(own, RlhfSettings):
        raise TrainingError("the method rlhf has no settings of its own", key="tune.rlhf")
    suite = sources.suite
    metric = own.held_out or suite.primary
    unseen = metric_reward(suite, metric, sources.scorers, "tune.rlhf.held_out")
    short = task.fine_tuning(epochs=own.sft_epochs, own=None)
    modelling, reward = reward_stage(task, sources, own, short)
    policy = rewarded_stage(task, sources, policy_of(own, metric), reward, unseen)
    return short, modelling, policy


def reward_stage(
    task: Task, sources: Sources, own: RlhfSettings, short: Stage
) -> tuple[Stage, LearntReward]:
    """The stage that makes the reward model, and the reward that it becomes."""
    from tuning.training.objectives.reward_modelling import Modelling, RewardModelling
    from tuning.training.reward_model import reward_settings

    pairs, drawing = pairs_and_drawing(task, sources, own)
    apart = frozenset(e.group for e in policy_parts(task, sources.suite).held_out)
    settings = replace(
        reward_settings(task.settings, learning_rate=own.reward_rate, epochs=own.reward_epochs),
        held_out_share=max(HELD_OUT, task.settings.held_out_share),
        held_out_limit=max(HELD_OUT_LIMIT, task.settings.held_out_limit),
    )
    drawn = drawing.identity if drawing else None
    # Of the fine-tuned weights too: what they answer is drawn, and is the reward's centre.
    source = fingerprint(
        "rlhf@1", short.identity, pairs_fingerprint(pairs), drawn, sorted(apart), settings
    )
    reward = LearntReward(source, {e.case_id: e.messages for e in task.examples})
    made = Modelling(
        drawing,
        own.min_pairs,
        own.allow_weak,
        sources.root,
        reward,
        lambda model: _answered(task, sources, own, model),
    )
    return Stage("reward", RewardModelling(pairs, apart, made), settings), reward


def _answered(task: Task, sources: Sources, own: RlhfSettings, model: Any) -> Answered:
    """One sampled answer to each of the first train cases that are learnt from, if it ended."""
    from tuning.training.rollouts import Rollouts, answer_seed

    suite = sources.suite
    examples = policy_parts(task, suite).train[:_CENTRED]
    asked = asked_of(task, suite, examples)
    decoding = replace(
        suite.decoding,
        temperature=own.temperature,
        top_p=1.0,
        schema=None,
        grammar="",
        regex="",
        ordered="",
    )
    seeds = [answer_seed(task.settings.seed, _DRAW, n) for n in range(len(asked))]
    rollouts = Rollouts(task.base, task.settings.precision)
    written = rollouts(model, [one.prompt for one in asked], decoding, seeds)
    return [
        (example.messages, done.output.text or "")
        for example, done in zip(examples, written, strict=True)
        if has_ended(done.output)
    ]
