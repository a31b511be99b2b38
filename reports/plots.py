"""Charts with a vertical axis: the plateau over the rounds, and curves over training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

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


@dataclass(frozen=True)
class Point:
    """A marker at `x` (per cent) and `y` (pixels), with its whiskers and its own words.

    Without `low_x` and `high_x` there is no whisker across.
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
    """A horizontal band between two heights, in pixels."""

    y: str
    height: str
    label: str


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

    `references` are lines across, `uprights` lines from top to bottom.
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
    left: float = 11.0
    right: float = 99.0
    top: float = 22.0
    bottom: float = 250.0

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
    return Plot(
        slug=slug,
        title=title,
        description=description,
        height=int(canvas.bottom) + 34,
        bottom=int(canvas.bottom),
        x_label="",
        x_ticks=tuple(Tick(canvas.x(i, 0.5), name) for i, name in enumerate(round_names)),
        y_ticks=tuple(Tick(canvas.y(v), tick_label(v)) for v in ticks),
        series=(Series("best so far", "main", _best_so_far(attempts, canvas)),),
        points=_points(attempts, canvas),
        band=_band(canvas, anchor, min_gain) if anchor is not None else None,
        references=tuple(PlacedReference(line, canvas.y(line.value)) for line in lines),
    )


def _band(canvas: Columns, anchor: float, min_gain: float) -> Band:
    upper, lower = canvas.y(anchor + min_gain), canvas.y(anchor)
    height = float(lower) - float(upper)
    return Band(upper, f"{height:.1f}", f"less than {min_gain:g} above the anchor")


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
    top, bottom, left, right = 18.0, 200.0, 9.0, 98.0
    xs = [x for line in lines for x, _ in line.values] or [0.0, 1.0]
    ys = [y for line in lines for _, y in line.values]
    ticks = nice_ticks(0.0, max(ys, default=1.0) or 1.0, most=4)
    steps = nice_ticks(min(xs), max(xs), most=5)
    low, high = steps[0], max(steps[-1], steps[0] + 1e-9)
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
        x_ticks=tuple(Tick(across(v, low, high, left, right), tick_label(v)) for v in steps),
        y_ticks=tuple(Tick(down(v, ticks[0], ticks[-1], top, bottom), y_text(v)) for v in ticks),
        series=tuple(series),
        points=points,
    )
