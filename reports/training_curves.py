"""Curves of one training: losses, and for what learns from rewards the scores at each look."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from reports import numbers
from reports.plots import Curve, Plot, curves
from tuning.records import LossPoint
from tuning.training.proving.losses import AVERAGED, ends_of

MOST_ROWS = 60
MOST_POINTS = 300
LONG = 20
"""Rows of a table that stays closed on paper where it has more."""

Style = Literal["main", "second", "third"]
Key = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Measure:
    """One number of a point: its attribute, what a table, a key and a sentence call it."""

    of: str
    head: str
    key: str
    said: str
    style: Style


LOSS = Measure("loss", "Training loss", "training loss", "training loss", "main")
HELD_OUT = Measure(
    "held_out", "Held-out loss", "loss on the held-out part of train", "held-out loss", "second"
)
SCORE = Measure(
    "score", "Held-out score", "what chose the step, on held-out train cases", "held-out score",
    "main",
)  # fmt: skip
UNSEEN = Measure(
    "unseen", "Unseen scorer", "a scorer that training does not see, on the same answers",
    "score that training does not see", "second",
)  # fmt: skip
REWARD = Measure(
    "reward", "Reward", "reward of the answers that were learnt from", "reward while learning",
    "third",
)  # fmt: skip
MEASURES = (LOSS, HELD_OUT, SCORE, UNSEEN, REWARD)


@dataclass(frozen=True)
class Drawn:
    """A plot with the key to its lines."""

    plot: Plot
    key: Key


@dataclass(frozen=True)
class CurveView:
    """A curve as pictures, and as a table; `hidden` rows are not in it, left out evenly."""

    plots: tuple[Drawn, ...]
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    hidden: int

    @property
    def is_long(self) -> bool:
        """Whether the table would fill pages of paper."""
        return len(self.rows) > LONG


def curve_view(
    points: Sequence[LossPoint], best_step: int, *, slug: str = "", of: str = "training"
) -> CurveView | None:
    """What is known of a curve; None where that is nothing. `slug` tells plots of a page apart."""
    known = [measure for measure in MEASURES if _values(points, measure)]
    if not known:
        return None
    losses = [measure for measure in known if measure in (LOSS, HELD_OUT)]
    scores = [measure for measure in known if measure in (SCORE, UNSEEN, REWARD)]
    plots = []
    if SCORE in known:
        plots.append(_drawn(points, scores, f"score{slug}", f"Scores over the steps of {of}"))
    if SCORE not in known or HELD_OUT in known:
        plots.append(_drawn(points, losses, f"loss{slug}", f"Loss over the steps of {of}"))
    shown = _told_steps(points)
    return CurveView(
        plots=tuple(_told(drawn, best_step) for drawn in plots),
        heads=("Step", "Epoch", *(measure.head for measure in known)),
        rows=tuple(
            (
                numbers.count(p.step),
                f"{p.epoch:.2f}",
                *(numbers.score(getattr(p, measure.of)) for measure in known),
            )
            for p in shown
        ),
        hidden=len(points) - len(shown),
    )


def _told_steps(points: Sequence[LossPoint]) -> list[LossPoint]:
    """Steps for a table: of very many every few, but each look at held-out cases and the last."""
    looks = {i for i, p in enumerate(points) if p.held_out is not None or p.score is not None}
    kept = {*sorted(looks)[:: math.ceil(len(looks) / MOST_ROWS * 2) or 1], len(points) - 1}
    every = math.ceil(len(points) / max(1, MOST_ROWS - len(kept)))
    return [p for i, p in enumerate(points) if i in kept or not i % every]


def _values(points: Sequence[LossPoint], measure: Measure) -> tuple[tuple[float, float], ...]:
    """(step, value) pairs, thinned evenly to what a picture can show; the last one stays."""
    pairs = [(float(point.step), getattr(point, measure.of)) for point in points]
    known = [(step, value) for step, value in pairs if value is not None and math.isfinite(value)]
    every = math.ceil(len(known) / MOST_POINTS) or 1
    return tuple(known[::every] + (known[-1:] if (len(known) - 1) % every else []))


def _drawn(
    points: Sequence[LossPoint], measures: Sequence[Measure], slug: str, title: str
) -> Drawn:
    """A plot of some measures. The one that is measured at every step has no markers."""
    lines, said = [], []
    for measure in measures:
        values = _values(points, measure)
        mark: Literal["ring", "square"] = "square" if measure.style == "second" else "ring"
        marked = measure.style != "third"
        lines.append(Curve(measure.head.lower(), values, mark, measure.style, marked))
        said.append(_course(points, measure, values))
    description = "; ".join(said)
    plot = curves(slug, title, f"{description[:1].upper()}{description[1:]}.", lines, "step")
    return Drawn(plot, tuple((measure.style, measure.key) for measure in measures))


def _course(
    points: Sequence[LossPoint], measure: Measure, values: tuple[tuple[float, float], ...]
) -> str:
    """From where to where; a loss of single batches by its averaged ends, as the proof has it."""
    losses = [p.loss for p in points if p.loss is not None and math.isfinite(p.loss)]
    if measure is not LOSS or len(losses) < 2 * AVERAGED:
        best = min(value for _, value in values)
        lower = measure is HELD_OUT and f"{best:.3g}" != f"{values[-1][1]:.3g}"
        lowest = f", {best:.3g} at its lowest" if lower else ""
        return f"{measure.said} went from {values[0][1]:.3g} to {values[-1][1]:.3g}{lowest}"
    first, last = ends_of(losses)
    return (
        f"{measure.said}, drawn for each step's own batch, went from {first:.3g} to {last:.3g} "
        f"(means of the first and of the last {AVERAGED} steps)"
    )


def _told(drawn: Drawn, best_step: int) -> Drawn:
    said = f"{drawn.plot.description} The weights are those of step {best_step}."
    return replace(drawn, plot=replace(drawn.plot, description=said))
