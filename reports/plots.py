"""Charts with a vertical axis: the plateau over the rounds, and curves over training."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from reports.chart_text import NARROWEST, every, text_width
from reports.charts import (
    Mark,
    PlacedReference,
    Reference,
    Tick,
    across,
    down,
    nice_ticks,
    span,
    tick_label,
)

_NEAR = 14.0  # percentages across that a label takes to either side on a narrow page
_WIDE = 2.1  # times the narrowest: a chart from where the names of rounds are shown


@dataclass(frozen=True)
class Point:
    """A marker at `x` (per cent) and `y` (pixels), with its whiskers and its own words.

    Without `low_x` and `high_x` there is no whisker across. A label stands over `label_y`, or
    beside the marker where that is empty.
    """

    x: str
    y: str
    low_y: str
    high_y: str
    mark: Mark
    title: str
    label: str = ""
    low_x: str = ""
    high_x: str = ""
    label_y: str = ""
    anchor: Literal["start", "middle", "end"] = "middle"


@dataclass(frozen=True)
class Segment:
    """A straight piece of a line."""

    x1: str
    y1: str
    x2: str
    y2: str


@dataclass(frozen=True)
class Series:
    """A named line of segments, told apart by dash and marker as well as colour."""

    name: str
    style: Literal["main", "second", "third"]
    segments: tuple[Segment, ...]
    points: tuple[Point, ...] = ()


@dataclass(frozen=True)
class Band:
    """A horizontal band between two heights, in pixels, over the width that the axis leaves."""

    y: str
    height: str
    label: str
    width: str = "100%"


@dataclass(frozen=True)
class Slice:
    """An upright piece of an area: percentages across, pixels down."""

    x: str
    width: str
    y: str
    height: str


@dataclass(frozen=True)
class Plot:
    """Points and lines over a horizontal axis, ready to draw. `area` lies behind them.

    `references` are lines across, `uprights` lines from top to bottom. Left of `left` stand
    the labels of the vertical axis alone. `reference_side` is where the words of a line stand.
    """

    slug: str
    title: str
    description: str
    height: int
    bottom: int
    x_label: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    series: tuple[Series, ...]
    points: tuple[Point, ...] = ()
    band: Band | None = None
    references: tuple[PlacedReference, ...] = ()
    area: tuple[Slice, ...] = ()
    uprights: tuple[PlacedReference, ...] = ()
    left: str = "0%"
    reference_side: Literal["left", "right"] = "right"


@dataclass(frozen=True)
class Attempt:
    """One candidate of the plateau picture: its round, its score and how it is marked."""

    round_index: int
    estimate: float
    low: float
    high: float
    mark: Mark
    title: str
    label: str = ""


@dataclass(frozen=True)
class Columns:
    """The canvas of the plateau picture: a column for each round, scores upwards."""

    low: float
    high: float
    count: int
    left: float = 12.0
    right: float = 100.0
    top: float = 40.0
    bottom: float = 268.0

    def y(self, value: float) -> str:
        """Pixels from the top."""
        return down(value, self.low, self.high, self.top, self.bottom)

    def x(self, column: int, share: float) -> str:
        """Percentage across, `share` of the way through a round's column."""
        width = (self.right - self.left) / max(self.count, 1)
        return f"{self.left + (column + share) * width:.2f}%"


def plateau(
    slug: str,
    title: str,
    description: str,
    attempts: Sequence[Attempt],
    round_names: Sequence[str],
    *,
    anchor: float | None,
    min_gain: float,
    target: float | None,
) -> Plot:
    """Lay out every candidate by round, the best so far, the δ band and the target.

    `round_names[i]` is the label of round i; attempts are in the order they were tried.
    """
    values = [v for a in attempts for v in (a.low, a.high, a.estimate)]
    values += [target] if target is not None else []
    values += [anchor, min(anchor + min_gain, 1.0)] if anchor is not None else []
    ticks = nice_ticks(*span(values, 0.0, 1.0), most=5)
    canvas = Columns(ticks[0], ticks[-1], len(round_names))
    lines = [Reference(target, f"target {target:g}", "target")] if target is not None else []
    points = _labelled(_points(attempts, canvas), lines[0] if lines else None, canvas)
    return Plot(
        slug=slug,
        title=title,
        description=description,
        height=int(canvas.bottom) + 34,
        bottom=int(canvas.bottom),
        x_label="",
        x_ticks=_round_ticks(round_names, canvas),
        y_ticks=tuple(Tick(canvas.y(v), tick_label(v)) for v in ticks),
        series=(Series("best so far", "main", _best_so_far(attempts, canvas)),),
        points=points,
        band=_band(canvas, anchor, min_gain) if anchor is not None else None,
        references=tuple(PlacedReference(line, canvas.y(line.value)) for line in lines),
        left=f"{canvas.left:g}%",
        reference_side=_free_side(points, canvas.y(target)) if target is not None else "right",
    )


def _round_ticks(names: Sequence[str], canvas: Columns) -> tuple[Tick, ...]:
    """Rounds by name where there is room, else by number; of very many every few."""
    parts = [name.partition(". ") for name in names]
    shorts = [head if rest else head[:3] for head, _, rest in parts]
    wide = max((text_width(name, 12) for name in names), default=0.0)
    if wide * len(names) > _WIDE * NARROWEST:
        names = shorts
    fitting = every(shorts, 0.85 * NARROWEST)
    return tuple(
        Tick(canvas.x(i, 0.5), name, spare=bool(i % fitting), short=shorts[i])
        for i, name in enumerate(names)
    )


def _labelled(
    points: Sequence[Point], target: Reference | None, canvas: Columns
) -> tuple[Point, ...]:
    """Every label over the whiskers around it, clear of other labels and of the target's line."""
    line = float(canvas.y(target.value)) if target else -math.inf
    taken: list[tuple[float, float]] = []
    placed = []
    for point in points:
        if not point.label:
            placed.append(point)
            continue
        x = _percent(point.x)
        near = [float(other.high_y) for other in points if abs(_percent(other.x) - x) < _NEAR]
        y = min(near) - 6
        beside = [other for at, other in taken if abs(at - x) < 2 * _NEAR]
        while any(abs(other - y) < 15 for other in (line, *beside)):
            y -= 2
        taken.append((x, y))
        side: Literal["start", "middle", "end"] = "end" if x > 80 else "middle"
        placed.append(replace(point, label_y=f"{y:.1f}", anchor="start" if x < 30 else side))
    return tuple(placed)


def _free_side(points: Sequence[Point], line: str) -> Literal["left", "right"]:
    """Where the words above a line meet fewer whiskers."""
    y = float(line)
    crossing = [
        _percent(point.x) for point in points
        if float(point.high_y) < y + 4 and float(point.low_y) > y - 20
    ]  # fmt: skip
    right = sum(x > 60 for x in crossing)
    return "right" if right <= sum(x < 50 for x in crossing) else "left"


def _percent(place: str) -> float:
    return float(place.rstrip("%"))


def _band(canvas: Columns, anchor: float, min_gain: float) -> Band:
    upper, lower = canvas.y(anchor + min_gain), canvas.y(anchor)
    height, width = float(lower) - float(upper), f"{canvas.right - canvas.left:g}%"
    return Band(upper, f"{height:.1f}", f"less than {min_gain:g} above the anchor", width)


def _points(attempts: Sequence[Attempt], canvas: Columns) -> tuple[Point, ...]:
    """Candidates of a round side by side in its column, in the order they were tried."""
    sizes = Counter(attempt.round_index for attempt in attempts)
    seen: Counter[int] = Counter()
    points = []
    for a in attempts:
        seen[a.round_index] += 1
        x = canvas.x(a.round_index, seen[a.round_index] / (sizes[a.round_index] + 1))
        y, low, high = canvas.y(a.estimate), canvas.y(a.low), canvas.y(a.high)
        points.append(Point(x, y, low, high, a.mark, a.title, a.label))
    return tuple(points)


def _best_so_far(attempts: Sequence[Attempt], canvas: Columns) -> tuple[Segment, ...]:
    """A staircase: the highest estimate of each round and all before it."""
    segments: list[Segment] = []
    best: float | None = None
    for column in range(canvas.count):
        tried = [a.estimate for a in attempts if a.round_index == column]
        highest = max([*tried, best] if best is not None else tried, default=None)
        if highest is None:
            continue
        start, end, y = canvas.x(column, 0), canvas.x(column, 1), canvas.y(highest)
        if best is not None and highest > best:
            segments.append(Segment(start, canvas.y(best), start, y))
        segments.append(Segment(start, y, end, y))
        best = highest
    return tuple(segments)


@dataclass(frozen=True)
class Curve:
    """A named series of (step, value) pairs, in order."""

    name: str
    values: tuple[tuple[float, float], ...]
    mark: Mark
    style: Literal["main", "second", "third"]
    marked: bool = True


@dataclass(frozen=True)
class Spot:
    """A place on a plot that is pointed out, with its words."""

    x: float
    y: float
    label: str


def curves(
    slug: str,
    title: str,
    description: str,
    lines: Sequence[Curve],
    x_label: str,
    *,
    spot: Spot | None = None,
    y_text: Callable[[float], str] = tick_label,
) -> Plot:
    """Lay out line charts from zero upwards, one marker for each value of sparse series.

    `spot` is pointed out; `y_text` writes the values of the vertical axis.
    """
    top, bottom, right = 18.0, 200.0, 98.0
    xs = [x for line in lines for x, _ in line.values] or [0.0, 1.0]
    ys = [y for line in lines for _, y in line.values]
    ticks = nice_ticks(0.0, max(ys, default=1.0) or 1.0, most=4)
    steps = nice_ticks(min(xs), max(xs), most=5)
    low, high = steps[0], max(steps[-1], steps[0] + 1e-9)
    left = _gutter([y_text(value) for value in ticks])
    series = []
    for line in lines:
        places = [
            (across(x, low, high, left, right), down(y, ticks[0], ticks[-1], top, bottom), x, y)
            for x, y in line.values
        ]
        marked = places if line.marked and len(places) <= 40 else []
        series.append(
            Series(
                line.name,
                line.style,
                tuple(Segment(a[0], a[1], b[0], b[1]) for a, b in pairwise(places)),
                tuple(
                    Point(px, py, py, py, line.mark, f"{line.name}, {x_label} {x:g}: {y:.4g}")
                    for px, py, x, y in marked
                ),
            )
        )
    points: tuple[Point, ...] = ()
    if spot is not None:
        at = across(spot.x, low, high, left, right)
        y = down(spot.y, ticks[0], ticks[-1], top, bottom)
        points = (Point(at, y, y, y, "diamond", spot.label),)
    return Plot(
        slug=slug,
        title=title,
        description=description,
        height=244,
        bottom=int(bottom),
        x_label=x_label,
        x_ticks=step_ticks([(across(v, low, high, left, right), tick_label(v)) for v in steps]),
        y_ticks=tuple(Tick(down(v, ticks[0], ticks[-1], top, bottom), y_text(v)) for v in ticks),
        series=tuple(series),
        points=points,
        left=f"{left:g}%",
    )


def _gutter(labels: Sequence[str]) -> float:
    """Percentages across for the labels of the vertical axis, on a narrow page."""
    widest = max(text_width(label, 12) for label in labels) + 8
    return min(max(100 * widest / NARROWEST, 10.0), 20.0)


def step_ticks(places: Sequence[tuple[str, str]]) -> tuple[Tick, ...]:
    """Labels of a horizontal axis, the last one turned inwards, spare ones for wide pages."""
    fitting = every([label for _, label in places], 0.85 * NARROWEST)
    last = len(places) - 1
    return tuple(
        Tick(at, label, "end" if i == last else "middle", spare=bool(i % fitting))
        for i, (at, label) in enumerate(places)
    )
