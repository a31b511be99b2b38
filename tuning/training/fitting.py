"""Training the stages of a task, each from its last whole checkpoint if it was killed.

    scratch/<stage>/checkpoint-<step>/    the trainer's own, sealed when whole
    scratch/<stage>/best-<step>/          the best weights so far, sealed when whole

A stage that is finished is not opened again: the next begins with its best weights.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from evals.errors import TrainingError
from tuning.training.adapters import WEIGHTS
from tuning.training.base import BaseModel
from tuning.training.checkpoints import Checkpoint, last_whole
from tuning.training.loss_curve import (
    LEAST_SCORE,
    SCORE,
    Progress,
    best_step,
    loss_curve,
    why_ended,
)
from tuning.training.memory import forget_peak, free_bytes, peak_memory_mb
from tuning.training.recomputing import recompute_if_needed
from tuning.training.stages import (
    Adaptation,
    Course,
    Fitted,
    Helping,
    Opened,
    Stage,
    Standing,
    SureLook,
)
from tuning.training.weights import best_weights, keep_best, load_weights


class Trained(NamedTuple):
    """The stages as they went, and the model, which carries the last one's best weights."""

    stages: tuple[Fitted, ...]
    model: Any


def fit_stages(
    stages: Sequence[Stage],
    base: BaseModel,
    adaptation: Adaptation,
    scratch: Path,
    progress: Progress,
    *,
    begin: Path | None = None,
) -> Trained:
    """Train stages one after another over the same adapter, as far as they are not trained yet.

    The first begins with the weights `begin` (none: fresh ones), each other with the best before.
    Raises TrainingError where a stage learns from nothing or its loss is not finite.
    """
    from evals.models.allocator import keep_freed_memory

    keep_freed_memory()
    fitted: list[Fitted] = []
    model = None
    for stage in stages:
        model = None  # two stages' models need not be in memory at once
        begin = fitted[-1].weights if fitted else begin
        if begin is not None and isinstance(stage.objective, Helping):
            opened = partial(_open_model, stages[-1], base, adaptation, begin)
            at = Standing(base, scratch / stage.name, begin, opened, progress)
            fitted.append(stage.objective.help(stage, at))
            continue
        done, model = fit_stage(
            stage, base, adaptation, scratch / stage.name, progress, begin=begin
        )
        fitted.append(done)
    if model is None:  # the last stage was finished before this process began
        model = _open_model(stages[-1], base, adaptation, fitted[-1].weights)
    return Trained(tuple(fitted), model)


def fit_stage(
    stage: Stage,
    base: BaseModel,
    adaptation: Adaptation,
    scratch: Path,
    progress: Progress,
    *,
    begin: Path | None = None,
) -> tuple[Fitted, Any]:
    """Train one stage to its end; `begin` are the weights it starts with (none: fresh ones).

    Returns what to record, and the model with the best weights: None where the stage was
    finished before, and nothing had to be loaded.
    """
    checkpoint = _resumable(scratch)
    if checkpoint and "fitted" in checkpoint.notes and checkpoint.notes["finished"]:
        return _finished(stage, scratch, checkpoint), None
    start = time.perf_counter()
    forget_peak()
    before = dict(checkpoint.notes) if checkpoint else {}
    model = _open_model(stage, base, adaptation, begin)
    parameters = list(model.parameters())
    counts: dict[str, Any] = {
        "trained_parameters": sum(map(_trained, parameters)),
        "total_parameters": sum(p.numel() for p in parameters),
    }

    def notes() -> dict[str, Any]:
        spent = float(before.get("seconds", 0)) + time.perf_counter() - start
        tokens = int(getattr(opened.trainer, "trained_tokens", 0))
        peak = max(float(before.get("peak_memory_mb", 0)), peak_memory_mb())
        told = {"seconds": spent, "trained_tokens": tokens, "peak_memory_mb": peak}
        return {**told, "fitted": counts}

    opened = _open_trainer(stage, base, adaptation, scratch, progress, model=model, notes=notes)
    counts |= {"train": opened.train, "held_out": opened.held_out}
    trainer = opened.trainer
    width = 2 if stage.settings.precision == "bfloat16" else 4
    if recompute_if_needed(trainer.model, opened.largest, width=width, free=free_bytes()):
        counts["recomputed"] = True
    if hasattr(trainer, "trained_tokens"):
        trainer.trained_tokens = int(before.get("trained_tokens", 0))
    trainer.train(resume_from_checkpoint=str(checkpoint.folder) if checkpoint else None)
    best = _kept(scratch)
    load_weights(adaptation, trainer.model, best.folder / WEIGHTS)
    state = trainer.state
    return _fitted(stage, best, state.log_history, notes(), state.max_steps), trainer.model


def _trained(parameter: Any) -> int:
    """How many numbers of a parameter change; an adaptation may freeze some of them."""
    return (
        parameter.numel() - getattr(parameter, "frozen_elements", 0)
        if parameter.requires_grad
        else 0
    )


def _finished(stage: Stage, scratch: Path, checkpoint: Checkpoint) -> Fitted:
    state = _stored_state(checkpoint)
    steps = int(state["max_steps"])
    return _fitted(stage, _kept(scratch), state["log_history"], checkpoint.notes, steps)


def _kept(scratch: Path) -> Checkpoint:
    best = best_weights(scratch)
    if best is None:
        raise TrainingError("no weights were kept", path=scratch, hint="train again")
    return best


def _fitted(
    stage: Stage,
    best: Checkpoint,
    log: Sequence[Mapping[str, Any]],
    notes: Mapping[str, Any],
    steps: int,
) -> Fitted:
    counts = notes["fitted"]
    patience = stage.settings.patience
    return Fitted(
        name=stage.name,
        weights=best.folder / WEIGHTS,
        log=log,
        best_step=best.step,
        trained_parameters=int(counts["trained_parameters"]),
        total_parameters=int(counts["total_parameters"]),
        trained_tokens=int(notes["trained_tokens"]),
        seconds=float(notes["seconds"]),
        peak_memory_mb=float(notes.get("peak_memory_mb", 0)),  # not in older checkpoints
        train=int(counts["train"]),
        held_out=int(counts["held_out"]),
        measured=stage.objective.measured(log),
        ended=why_ended(loss_curve(log), enough=stage.enough, patience=patience, steps=steps),
        recomputed=bool(counts.get("recomputed", False)),
    )


def _open_model(stage: Stage, base: BaseModel, adaptation: Adaptation, begin: Path | None) -> Any:
    model = adaptation.open(base, stage.settings, stage.objective.task_type)
    if begin is not None:
        load_weights(adaptation, model, begin)
    return model


def _open_trainer(
    stage: Stage,
    base: BaseModel,
    adaptation: Adaptation,
    scratch: Path,
    progress: Progress,
    *,
    model: Any,
    notes: Callable[[], Mapping[str, Any]],
) -> Opened:
    from transformers import PrinterCallback, ProgressCallback

    from tuning.training.quiet import generators_kept
    from tuning.training.watch import Watch

    def look() -> dict[str, float]:
        assert stage.look is not None
        with generators_kept():
            found = {SCORE: stage.look(opened.trainer.model)}
        if stage.enough is not None and isinstance(stage.look, SureLook):
            found[LEAST_SCORE] = stage.look.least()
        return found

    watch = Watch(
        scratch=scratch,
        patience=stage.settings.patience,
        progress=progress,
        keep_best=lambda step: keep_best(adaptation, opened.trainer.model, scratch, step),
        notes=notes,
        look=look if stage.look else None,
        enough=stage.enough,
        at_start=stage.at_start,
    )
    opened = stage.objective.open(Course(model, base, stage.settings, scratch, (watch,)))
    for talking in (PrinterCallback, ProgressCallback):  # `progress` is told instead
        opened.trainer.remove_callback(talking)
    return opened


def _resumable(scratch: Path) -> Checkpoint | None:
    """The last whole checkpoint, if the best weights up to it are there too.

    Best weights newer than the checkpoint will do: training on makes the same again.
    """
    checkpoint = last_whole(scratch)
    if checkpoint is None:
        return None
    log = _stored_state(checkpoint)["log_history"]
    best, wanted = best_weights(scratch), best_step(loss_curve(log))
    if best is None or (wanted is not None and best.step < wanted):
        shutil.rmtree(scratch)
        return None
    return checkpoint


def _stored_state(checkpoint: Checkpoint) -> dict[str, Any]:
    """The trainer's own state, `log_history` and `max_steps` in it."""
    state: dict[str, Any] = json.loads(
        (checkpoint.folder / "trainer_state.json").read_text(encoding="utf-8")
    )
    return state
