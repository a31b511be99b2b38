"""What watches a training run: progress, the best weights so far, early stop, whole checkpoints.

Everything it decides is read from the trainer's own log, which checkpoints carry, so a
resumed run decides what the uninterrupted one would have.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from tuning.training.checkpoints import seal
from tuning.training.loss_curve import Progress, held_out_points, looks_since_best, loss_curve


class Watch(TrainerCallback):  # type: ignore[misc]  # the trainer demands its own base class
    """Callback of one training run.

    `progress` gets (step, total, loss). `keep_best` is called when the held-out loss is the
    lowest so far (at every look where nothing is held out). `notes` are kept with checkpoints.
    """

    def __init__(
        self,
        *,
        scratch: Path,
        patience: int,
        progress: Progress,
        keep_best: Callable[[int], None],
        notes: Callable[[], Mapping[str, Any]],
    ) -> None:
        self.scratch = scratch
        self.patience = patience
        self.progress = progress
        self.keep_best = keep_best
        self.notes = notes
        self.finished = False

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Look at the held-out part, and save, after the last step too."""
        if state.global_step >= state.max_steps:
            control.should_evaluate = args.eval_strategy != "no"
            control.should_save = True
            self.finished = True

    def on_log(self, _args: Any, state: Any, _control: Any, logs: Any = None, **_: Any) -> None:
        """Report a step's loss."""
        if logs and "loss" in logs:
            self.progress(state.global_step, state.max_steps, float(logs["loss"]))

    def on_evaluate(self, _args: Any, state: Any, control: Any, **_: Any) -> None:
        """Keep the weights if they are the best; stop when nothing got better for long."""
        points = held_out_points(loss_curve(state.log_history))
        stale = looks_since_best(points)
        if stale == 0:
            self.keep_best(state.global_step)
        if stale >= self.patience:
            control.should_training_stop = True
            control.should_save = True
            self.finished = True

    def on_save(self, _args: Any, state: Any, _control: Any, **_: Any) -> None:
        """Mark the checkpoint just written as whole."""
        if not held_out_points(loss_curve(state.log_history)):
            self.keep_best(state.global_step)
        folder = self.scratch / f"checkpoint-{state.global_step}"
        seal(folder, state.global_step, {**self.notes(), "finished": self.finished})
