"""The stages by which each method trains, by the names of `evals.suite.tune_methods`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from evals.scorers.protocol import Scorer
from evals.suite.spec import Suite
from tuning.data.drawn_pairs import Asked, DrawnPairs
from tuning.training.loss_curve import Progress
from tuning.training.policy_chain import policy_chain
from tuning.training.preferring import preferred
from tuning.training.rlhf_chain import rlhf_chain
from tuning.training.stages import Stage
from tuning.training.task import SFT, Task

DrawWith = Callable[[Asked], DrawnPairs]
"""Preference pairs of answers to train cases; the same again when it is called again."""


@dataclass(frozen=True)
class Sources:
    """What a method may make its rows, rewards and looks of, beside the task's examples.

    `scorers` are the suite's, by metric; none where the caller has none open. `root` is where
    adapters lie. A method may train helpers there (a reward model), and tells `progress` of it.
    `draw` answers train cases with the task's model and an adapter's folder, scores the answers
    and pairs them; None where there is no model to ask.
    """

    suite: Suite
    root: Path
    scorers: Mapping[str, Scorer] = field(default_factory=dict)
    progress: Progress | None = None
    draw: DrawWith | None = None


ChainOf = Callable[[Task, Sources], tuple[Stage, ...]]
"""The stages of a task that has none yet; `task.settings` names the method."""

CHAINS: Mapping[str, ChainOf] = {
    "dpo": preferred,
    "grpo": policy_chain,
    "rloo": policy_chain,
    "rlhf": rlhf_chain,
}
"""A method that is not here learns the examples by supervised fine-tuning alone."""


def chain_of(task: Task, sources: Sources) -> tuple[Stage, ...]:
    """The stages of the task's method; none for supervised fine-tuning alone.

    A task with a parent was fine-tuned before, and what would have come first is left out.
    """
    make = CHAINS.get(task.settings.method)
    stages = make(task, sources) if make else ()
    before = [stage for stage in stages if stage.name == SFT]
    if task.parent is None or before == list(stages):
        return stages
    return tuple(stage for stage in stages if stage.name != SFT)
