"""Whether the loss is finite and fell."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tuning.records import LossPoint, Proof
from tuning.training.loss_curve import held_out_points

# The first steps train at a tiny rate and the last at none: both ends are averaged.
AVERAGED = 5


def loss_proof(curve: Sequence[LossPoint], unit: str = "nats per token") -> Proof:
    """Whether all losses are finite and training ended lower than it began."""
    losses = [point.loss for point in curve if point.loss is not None]
    first, last = ends_of(losses)
    looks = [point.held_out for point in held_out_points(curve) if point.held_out is not None]
    finite = bool(losses) and all(math.isfinite(loss) for loss in [*losses, *looks])
    seen = f"; held out {looks[0]:.3f} → {min(looks):.3f} at best" if looks else ""
    return Proof(
        "the loss is finite and fell",
        finite and last < first,
        f"{first:.3f} → {last:.3f} {unit} in training{seen}",
        learnt=True,
    )


def ends_of(losses: Sequence[float]) -> tuple[float, float]:
    """Mean of the first `AVERAGED` losses, at most of half of them, and mean of the last."""
    return _mean(losses[: min(AVERAGED, max(1, len(losses) // 2))]), _mean(losses[-AVERAGED:])


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan
