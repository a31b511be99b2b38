"""The loss of a training run over its steps, read from the trainer's log."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from tuning.records import LossPoint

# Told of every step: the step, how many there are, its loss in nats per token.
Progress = Callable[[int, int, float | None], None]

SCORE = "eval_score"
"""Under this name a stage's own look is written into the trainer's log."""


LEAST_SCORE = "eval_least"
"""Beside it, what that score surely is: what has to be enough."""


UNSEEN_SCORE = "eval_unseen"
"""Beside it, what a scorer gave that training does not see."""


class Looked(NamedTuple):
    """A look at the weights of a step; of two, the greater `goodness` is the better.

    Of equals that with the greater `beside`: of equal scores the one with the lower held-out loss.
    """

    step: int
    goodness: float
    beside: float = 0.0

    @property
    def standing(self) -> tuple[float, float]:
        """What looks are compared by."""
        return self.goodness, self.beside


def loss_curve(log: Sequence[Mapping[str, Any]]) -> tuple[LossPoint, ...]:
    """The trainer's log as points in the order of steps: losses, rewards, and held-out looks."""
    points = []
    for entry in log:
        at = (int(entry.get("step", 0)), float(entry.get("epoch", 0)))
        if "loss" in entry:
            points.append(LossPoint(*at, float(entry["loss"]), reward=_number(entry, "reward")))
        elif SCORE in entry:
            unseen, least = _number(entry, UNSEEN_SCORE), _number(entry, LEAST_SCORE)
            points.append(LossPoint(*at, score=float(entry[SCORE]), unseen=unseen, least=least))
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
    losses = {p.step: -p.held_out for p in curve if p.held_out is not None}
    scores = [
        Looked(point.step, point.score, losses.get(point.step, 0.0))
        for point in curve
        if point.score is not None
    ]
    return scores or [Looked(step, goodness) for step, goodness in losses.items()]


def looks_since_best(curve: Sequence[LossPoint]) -> int:
    """How many looks came after the best one (the first of equal ones)."""
    standing = [look.standing for look in looked(curve)]
    return len(standing) - 1 - standing.index(max(standing)) if standing else 0


def best_step(curve: Sequence[LossPoint]) -> int | None:
    """The first step with the best look, or None where nothing was looked at."""
    looks = looked(curve)
    return looks[-1 - looks_since_best(curve)].step if looks else None


def suffices(curve: Sequence[LossPoint], enough: float | None) -> bool:
    """Whether the last score is enough: its lower bound where it has one, else the score."""
    scored = [point for point in curve if point.score is not None]
    if enough is None or not scored:
        return False
    last = scored[-1]
    surely = last.score if last.least is None else last.least
    return surely is not None and surely >= enough


def why_ended(
    curve: Sequence[LossPoint], *, enough: float | None, patience: int, steps: int
) -> str:
    """Why no further step was taken, in words; `steps` is how many there could have been."""
    last = max((point.step for point in curve), default=0)
    scored = [point for point in curve if point.score is not None]
    if suffices(curve, enough):
        told = f"a score of {scored[-1].score:.3f}"
        if scored[-1].least is not None:
            told += f", at least {scored[-1].least:.3f}"
        return f"good enough at step {scored[-1].step} of {steps}: {told} on held-out train cases"
    if last < steps:
        return f"no better look in {patience}, at step {last} of {steps}"
    return f"all {steps} steps were taken"


def _number(entry: Mapping[str, Any], key: str) -> float | None:
    return None if entry.get(key) is None else float(entry[key])
