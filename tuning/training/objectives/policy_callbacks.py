"""What reinforcement learning writes into the trainer's log beside losses and looks.

It stands there because checkpoints carry the log: a resumed training has it all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from transformers import TrainerCallback

from tuning.training.looking import RewardLook
from tuning.training.loss_curve import SCORE
from tuning.training.quiet import generators_kept


class Begin(TrainerCallback):  # type: ignore[misc]  # the trainer demands its own base class
    """Measures the base rate before the first step, unless it goes on from a checkpoint."""

    def __init__(self, base_rate: Callable[[Any], Mapping[str, float]]) -> None:
        self.base_rate = base_rate

    def on_train_begin(self, _args: Any, state: Any, _control: Any, **given: Any) -> None:
        """Raises TrainingError where all answers have the same reward."""
        if state.global_step == 0:
            with generators_kept():
                found = self.base_rate(given["model"])
            state.log_history.append({"step": 0, "epoch": 0.0, **found})


class KeepLooks(TrainerCallback):  # type: ignore[misc]  # as above
    """Writes a look's scores, case by case, beside the mean that chose the step.

    It comes after the callback that looks.
    """

    def __init__(self, look: RewardLook) -> None:
        self.look = look

    def on_train_begin(self, _args: Any, state: Any, _control: Any, **_: Any) -> None:
        """The look before the first step."""
        self._keep(state)

    def on_step_end(self, _args: Any, state: Any, _control: Any, **_: Any) -> None:
        """The look of this step, if there was one."""
        self._keep(state)

    def _keep(self, state: Any) -> None:
        found = self.look.take()
        if found and state.log_history and SCORE in state.log_history[-1]:
            state.log_history[-1].update(found)
