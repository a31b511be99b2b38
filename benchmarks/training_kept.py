"""What of a training's record is kept with the project."""

from __future__ import annotations

from dataclasses import replace

from tuning.records import TrainingRecord


def without_curves(training: TrainingRecord) -> TrainingRecord:
    """The record without the curves of its stages and the preview of its data."""
    stages = tuple(replace(stage, curve=()) for stage in training.stages)
    return replace(training, curve=(), preview="", stages=stages)
