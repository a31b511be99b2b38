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
from tuning.training.loss_curve import Progress, looked, looks_since_best, loss_curve, suffices


class Watch(TrainerCallback):  # type: ignore[misc]  # the trainer demands its own base class
    """Callback of one stage of training.

    `progress` gets (step, total, loss). `keep_best` is called when a look is the best so far (at
    every save where nothing is looked at). `notes` are kept with checkpoints. `look` scores the
    model as it stands at each look, and `at_start` before the first step too: what it gives is
    written into the log. The stage ends at a score of `enough` (`loss_curve.suffices`).
    """

    def __init__(
        self,
        *,
        scratch: Path,
        patience: int,
        progress: Progress,
        keep_best: Callable[[int], None],
        notes: Callable[[], Mapping[str, Any]],
        look: Callable[[], Mapping[str, float]] | None = None,
        enough: float | None = None,
        at_start: bool = False,
    ) -> None:
        self.scratch = scratch
        self.patience = patience
        self.progress = progress
        self.keep_best = keep_best
        self.notes = notes
        self.look = look
        self.enough = enough
        self.at_start = at_start
        self.finished = False

    def on_train_begin(self, _args: Any, state: Any, control: Any, **_: Any) -> None:
        """Look at what the stage begins with, unless it goes on from a checkpoint."""
        if self.look and self.at_start and state.global_step == 0:
            self._judge(state, control)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Look at the held-out part, and save, after the last step too."""
        last = state.global_step >= state.max_steps
        if last:
            control.should_evaluate = args.eval_strategy != "no"
            control.should_save = True
            self.finished = True
        if self.look and args.eval_strategy == "no" and (last or _saves(args, state)):
            self._judge(state, control)  # this trainer evaluates nothing by itself

    def on_log(self, _args: Any, state: Any, _control: Any, logs: Any = None, **_: Any) -> None:
        """Report a step's loss."""
        if logs and "loss" in logs:
            self.progress(state.global_step, state.max_steps, float(logs["loss"]))

    def on_evaluate(self, _args: Any, state: Any, control: Any, **_: Any) -> None:
        """Keep the weights if they are the best; stop when nothing got better for long."""
        self._judge(state, control)

    def on_save(self, _args: Any, state: Any, _control: Any, **_: Any) -> None:
        """Mark the checkpoint just written as whole."""
        if not looked(loss_curve(state.log_history)):
            self.keep_best(state.global_step)
        folder = self.scratch / f"checkpoint-{state.global_step}"
        seal(folder, state.global_step, {**self.notes(), "finished": self.finished})

    def _judge(self, state: Any, control: Any) -> None:
        if self.look:
            entry = {"step": state.global_step, "epoch": state.epoch or 0.0}
            state.log_history.append({**entry, **self.look()})
        curve = loss_curve(state.log_history)
        stale = looks_since_best(curve)
        if stale == 0:
            self.keep_best(state.global_step)
        if stale >= self.patience or suffices(curve, self.enough):
            control.should_training_stop = True
            control.should_save = True
            self.finished = True


def _saves(args: Any, state: Any) -> bool:
    return bool(state.global_step % args.save_steps == 0)
