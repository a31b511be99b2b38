"""The learning curve as a part of the page: a figure, the same as a table, and a sentence."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from reports import numbers
from reports.charts import (
    PlacedReference,
    Reference,
    Tick,
    across,
    down,
    nice_ticks,
    span,
    tick_label,
)
from reports.plots import Plot, Point, Segment, Series, Slice
from tuning.learning.projecting import times
from tuning.learning.records import LearningCurve, Projection
from tuning.records import JobRecord

TOP, BOTTOM, LEFT, RIGHT = 22.0, 230.0, 9.0, 97.0
PROJECTED = (2, 4)
_ROOM = 1.7  # of one label to the next, as a ratio of sizes
_PIECES = 4  # slices of the area between two sizes that the curve is told at


@dataclass(frozen=True)
class LearningRow:
    """One size: what was measured there, or what the curve says of it."""

    examples: str
    what: str
    score: str
    bounds: str
    gain: str


@dataclass(frozen=True)
class LearningView:
    """The learning curve; the texts are ready to show. `projects`: whether it claims anything."""

    sentence: str
    figure: Plot
    rows: tuple[LearningRow, ...]
    projects: bool


def learning_view(job: JobRecord) -> LearningView | None:
    """The job's learning curve, None where none was measured."""
    curve = job.learning
    if curve is None or not curve.points:
        return None
    return LearningView(
        sentence=curve.fit.sentence,
        figure=_figure(curve, _leader_score(job), job.primary),
        rows=(*_measured(curve), *_projected(curve)),
        projects=bool(curve.fit.band),
    )


def _leader_score(job: JobRecord) -> float | None:
    trials = job.decision.trials if job.decision else ()
    leader = job.decision.leader if job.decision else ""
    return next((trial.score.estimate for trial in trials if trial.run_id == leader), None)


def _measured(curve: LearningCurve) -> list[LearningRow]:
    bounds = _bounds(curve.zero_low, curve.zero_high)
    rows = [LearningRow("0", "not trained", numbers.score(curve.zero), bounds, "")]
    return rows + [
        LearningRow(
            numbers.count(point.examples),
            f"measured, seed {point.seed}",
            numbers.score(point.score),
            _bounds(point.low, point.high),
            "",
        )
        for point in sorted(curve.points, key=lambda point: (point.examples, point.seed))
    ]


def _projected(curve: LearningCurve) -> list[LearningRow]:
    return [
        LearningRow(
            numbers.count(at.examples),
            "projected",
            numbers.score(at.estimate),
            _bounds(at.low, at.high),
            f"{numbers.signed(at.gain)} ({numbers.signed(at.gain_low)} to "
            f"{numbers.signed(at.gain_high)})",
        )
        for at in _told(curve)
    ]


def _told(curve: LearningCurve) -> list[Projection]:
    return [times(curve.fit, factor) for factor in PROJECTED] if curve.fit.band else []


def _bounds(low: float, high: float) -> str:
    return f"{numbers.score(low)} to {numbers.score(high)}"


@dataclass(frozen=True)
class _Canvas:
    """Sizes evenly by doubling across, scores upwards."""

    smallest: float
    largest: float
    low: float
    high: float

    def x(self, examples: float) -> str:
        return across(
            math.log2(examples), math.log2(self.smallest), math.log2(self.largest), LEFT, RIGHT
        )

    def y(self, score: float) -> str:
        return down(score, self.low, self.high, TOP, BOTTOM)


def _figure(curve: LearningCurve, leader: float | None, primary: str) -> Plot:
    band = curve.fit.band
    sizes = [point.examples for point in curve.points] + [at.examples for at in band]
    values = [v for p in curve.points for v in (p.low, p.high, p.score)]
    values += [v for at in band for v in (at.low, at.high)] + ([] if leader is None else [leader])
    ticks = nice_ticks(*span(values, 0.0, 1.0), most=5)
    smallest = float(min(sizes))
    largest = max(float(max(sizes)), 1.01 * smallest)
    canvas = _Canvas(smallest, largest, ticks[0], ticks[-1])
    lines = [] if leader is None else [Reference(leader, "best prompt", "anchor")]
    return Plot(
        slug="learning",
        title="Learning curve",
        description=f"{primary} on dev by number of training examples, doubling to the right. "
        + curve.fit.sentence,
        height=int(BOTTOM) + 44,
        bottom=int(BOTTOM),
        x_label="training examples",
        x_ticks=tuple(Tick(canvas.x(n), numbers.count(n)) for n in _labelled(curve)),
        y_ticks=tuple(Tick(canvas.y(v), tick_label(v)) for v in ticks),
        series=_lines(band, canvas),
        points=(*_points(curve, canvas), *_rings(curve, canvas)),
        references=tuple(PlacedReference(line, canvas.y(line.value)) for line in lines),
        area=tuple(_area(band, canvas)),
    )


def _labelled(curve: LearningCurve) -> list[int]:
    """The sizes that are told, from the largest down, where there is room for their label."""
    sizes = {p.examples for p in curve.points} | {at.examples for at in _told(curve)}
    kept: list[int] = []
    for size in sorted(sizes, reverse=True):
        if not kept or _ROOM * size <= kept[-1]:
            kept.append(size)
    return kept[::-1]


def _lines(band: tuple[Projection, ...], canvas: _Canvas) -> tuple[Series, ...]:
    power = [(canvas.x(at.examples), canvas.y(at.power_law)) for at in band]
    straight = [(canvas.x(at.examples), canvas.y(at.log_linear)) for at in band]
    return (
        Series("saturating power law", "main", _segments(power)),
        Series("straight in the logarithm", "second", _segments(straight)),
    )


def _segments(places: list[tuple[str, str]]) -> tuple[Segment, ...]:
    return tuple(Segment(*a, *b) for a, b in pairwise(places))


def _points(curve: LearningCurve, canvas: _Canvas) -> Iterable[Point]:
    for p in curve.points:
        title = f"{p.examples} examples: {numbers.score(p.score)}"
        x = canvas.x(p.examples)
        yield Point(x, canvas.y(p.score), canvas.y(p.low), canvas.y(p.high), "dot", title)


def _rings(curve: LearningCurve, canvas: _Canvas) -> Iterable[Point]:
    for at in _told(curve):
        title = f"{at.examples} examples, projected: {numbers.score(at.estimate)}"
        x = canvas.x(at.examples)
        yield Point(x, canvas.y(at.estimate), canvas.y(at.low), canvas.y(at.high), "ring", title)


def _area(band: tuple[Projection, ...], canvas: _Canvas) -> Iterable[Slice]:
    """The interval as upright slices: shapes with slanted sides cannot stretch with the page."""
    for a, b in pairwise(band):
        left, right = _number(canvas.x(a.examples)), _number(canvas.x(b.examples))
        width = (right - left) / _PIECES
        for n in range(_PIECES):
            share = (n + 0.5) / _PIECES
            top = canvas.y(a.high + share * (b.high - a.high))
            bottom = canvas.y(a.low + share * (b.low - a.low))
            height = f"{float(bottom) - float(top):.1f}"
            yield Slice(f"{left + n * width:.2f}%", f"{width + 0.02:.2f}%", top, height)


def _number(percentage: str) -> float:
    return float(percentage.rstrip("%"))
