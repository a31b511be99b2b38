"""The loss of a training run over its steps, read from the trainer's log."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tuning.records import LossPoint

# Told of every step: the step, how many there are, its loss in nats per token.
Progress = Callable[[int, int, float | None], None]


def loss_curve(log: Sequence[Mapping[str, Any]]) -> tuple[LossPoint, ...]:
    """The trainer's log as points in the order of steps: training and held-out losses."""
    points = []
    for entry in log:
        if "loss" in entry:
            points.append(
                LossPoint(int(entry["step"]), float(entry["epoch"]), float(entry["loss"]))
            )
        elif "eval_loss" in entry:
            held_out = float(entry["eval_loss"])
            point = LossPoint(int(entry["step"]), float(entry["epoch"]), None, held_out)
            points.append(point)
    return tuple(points)


def held_out_points(curve: Sequence[LossPoint]) -> list[LossPoint]:
    """Those points at which the held-out part was looked at."""
    return [point for point in curve if point.held_out is not None]


def looks_since_best(points: Sequence[LossPoint]) -> int:
    """How many looks came after the lowest held-out loss (the first of equal ones)."""
    losses = [point.held_out for point in points if point.held_out is not None]
    return len(losses) - 1 - losses.index(min(losses)) if losses else 0


def best_step(points: Sequence[LossPoint]) -> int | None:
    """The first step with the lowest held-out loss, or None where nothing was held out."""
    looks = held_out_points(points)
    return looks[-1 - looks_since_best(looks)].step if looks else None
