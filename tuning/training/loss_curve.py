"""The loss of a training run over its steps, read from the trainer's log."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from tuning.records import LossPoint

# Told of every step: the step, how many there are, its loss in nats per token.
Progress = Callable[[int, int, float | None], None]

SCORE = "eval_score"
"""Under this name a stage's own look is written into the trainer's log."""


UNSEEN_SCORE = "eval_unseen"
"""Beside it, what a scorer gave that training does not see."""


class Looked(NamedTuple):
    """A look at the weights of a step; of two, the greater `goodness` is the better."""

    step: int
    goodness: float


def loss_curve(log: Sequence[Mapping[str, Any]]) -> tuple[LossPoint, ...]:
    """The trainer's log as points in the order of steps: losses, rewards, and held-out looks."""
    points = []
    for entry in log:
        at = (int(entry.get("step", 0)), float(entry.get("epoch", 0)))
        if "loss" in entry:
            points.append(LossPoint(*at, float(entry["loss"]), reward=_number(entry, "reward")))
        elif SCORE in entry:
            unseen = _number(entry, UNSEEN_SCORE)
            points.append(LossPoint(*at, score=float(entry[SCORE]), unseen=unseen))
        elif "eval_loss" in entry:
            points.append(LossPoint(*at, None, float(entry["eval_loss"])))
    return tuple(sorted(points, key=lambda point: point.step))


def log_of(curve: Sequence[LossPoint]) -> tuple[Mapping[str, Any], ...]:
    """Losses of a stored curve as a trainer's log has them: `loss_curve` of it is the curve."""
    return tuple(
        {"step": point.step, "epoch": point.epoch}
        | ({"loss": point.loss} if point.loss is not None else {"eval_loss": point.held_out})
        for point in curve
    )


def held_out_points(curve: Sequence[LossPoint]) -> list[LossPoint]:
    """Those points at which the held-out part was looked at."""
    return [point for point in curve if point.held_out is not None]


def looked(curve: Sequence[LossPoint]) -> list[Looked]:
    """What the best step is chosen by: the scores where there are any, else held-out losses."""
    scores = [Looked(point.step, point.score) for point in curve if point.score is not None]
    losses = [Looked(p.step, -p.held_out) for p in curve if p.held_out is not None]
    return scores or losses


def looks_since_best(curve: Sequence[LossPoint]) -> int:
    """How many looks came after the best one (the first of equal ones)."""
    goodness = [look.goodness for look in looked(curve)]
    return len(goodness) - 1 - goodness.index(max(goodness)) if goodness else 0


def best_step(curve: Sequence[LossPoint]) -> int | None:
    """The first step with the best look, or None where nothing was looked at."""
    looks = looked(curve)
    return looks[-1 - looks_since_best(curve)].step if looks else None


def _number(entry: Mapping[str, Any], key: str) -> float | None:
    return None if entry.get(key) is None else float(entry[key])
