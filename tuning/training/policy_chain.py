"""The stages of reinforcement learning: the answers for a little while, then rewards."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from evals.errors import SuiteError, TrainingError
from evals.suite.policy_settings import PolicySettings, RlooSettings
from evals.suite.spec import Suite
from tuning.data.dataset import Parts
from tuning.training.rewards import Reward, metric_reward
from tuning.training.stages import Stage
from tuning.training.task import Task

if TYPE_CHECKING:
    from tuning.training.methods import Sources


def policy_chain(task: Task, sources: Sources) -> tuple[Stage, ...]:
    """A short fine-tuning, so that rewards differ, then GRPO or RLOO.

    Raises SuiteError for metrics that do not fit, TrainingError where no train case can be
    rewarded or none can be held out.
    """
    own = task.settings.own
    assert isinstance(own, PolicySettings)
    method, suite = task.settings.method, sources.suite
    key = f"tune.{method}"
    metric = own.reward or suite.primary
    if own.held_out == metric:
        raise SuiteError(
            f"{metric!r} is the reward, and cannot be the held-out scorer too",
            path=suite.root / "suite.yaml",
            key=f"{key}.held_out",
            hint="name a metric that training does not see",
        )
    reward = metric_reward(suite, metric, sources.scorers, f"{key}.reward")
    unseen = (
        metric_reward(suite, own.held_out, sources.scorers, f"{key}.held_out")
        if own.held_out
        else None
    )
    stage = rewarded_stage(task, sources, own, reward, unseen)
    short = (task.fine_tuning(epochs=own.sft_epochs),) if own.sft_epochs > 0 else ()
    return (*short, stage)


def rewarded_stage(
    task: Task, sources: Sources, own: PolicySettings, reward: Reward, unseen: Reward | None
) -> Stage:
    """The stage that learns from `reward`; `unseen` sees the same answers at each look."""
    from tuning.training.looking import RewardLook, asked_of
    from tuning.training.objectives.policy import PolicyObjective
    from tuning.training.rollouts import Rollouts

    settings, suite = task.settings, sources.suite
    parts = policy_parts(task, suite)
    rollouts = Rollouts(task.base, settings.precision)
    look = RewardLook(
        asked_of(task, suite, parts.held_out), rollouts, suite.decoding, reward, unseen
    )
    kind = "rloo" if isinstance(own, RlooSettings) else "grpo"
    objective = PolicyObjective(
        settings.method,
        asked_of(task, suite, parts.train),
        own,
        suite.decoding,
        reward,
        rollouts,
        look,
    )
    return Stage(
        kind,
        objective,
        replace(settings, learning_rate=own.learning_rate),
        look=look,
        at_start=True,
    )


def policy_parts(task: Task, suite: Suite) -> Parts:
    """The examples of train cases: what is rewarded, and what is looked at and never learnt from.

    They are the very parts of the fine-tuning before. Raises TrainingError where one is empty.
    """
    cases = {case.id for case in suite.split("train")}
    held = task.settings.parts_of(task.examples)
    parts = Parts(*(tuple(e for e in part if e.case_id in cases) for part in held))
    if not parts.train or not parts.held_out:
        raise TrainingError(
            "reinforcement learning needs train cases of the suite in two groups at least",
            key=f"tune.{task.settings.method}",
            hint="rows of files have no scorer, and so no reward",
        )
    return parts
