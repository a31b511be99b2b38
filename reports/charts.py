"""Chart geometry: where everything lies; the templates only draw it.

Horizontal places are percentages and vertical ones pixels, so that a chart fills any
width while its text keeps its size, from 320 pixels to paper. Shapes, dashes and words
carry the meaning; colour only repeats it. Words have lanes of their own, where no line passes.
Nothing here knows about runs or decisions.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from reports.chart_text import NARROWEST, every, text_width, wrapped

Mark = Literal["dot", "ring", "diamond", "square"]
LineKind = Literal["zero", "anchor", "target", "gain", "margin"]

LANE = 22  # pixels for a row's label, and LINE for each further line of it
LINE = 16
ROOM = 26  # pixels for its interval


@dataclass(frozen=True)
class ForestRow:
    """One estimate with its interval, in the units of the axis.

    `numbers` stands at the right end of the row, `bounds` after it where there is room.
    """

    label: str
    numbers: str
    estimate: float
    low: float
    high: float
    mark: Mark = "ring"
    note: str = ""
    bounds: str = ""


@dataclass(frozen=True)
class Reference:
    """A vertical or horizontal line at a value that matters."""

    value: float
    label: str
    kind: LineKind


@dataclass(frozen=True)
class PlacedRow:
    """A forest row on the canvas: percentages across, pixels down.

    Its words lie in a lane from `top`, `lane` high; `lines` are those of its label, the last
    with the note where there is room for it (`beside`).
    """

    row: ForestRow
    lines: tuple[tuple[int, str], ...]
    beside: bool
    top: int
    lane: int
    y: int
    x: str
    low_x: str
    high_x: str


@dataclass(frozen=True)
class Tick:
    """A labelled place on an axis.

    On a narrow page the label of a `spare` one is left out, and of a long one all but `short`.
    """

    at: str
    label: str
    anchor: Literal["start", "middle", "end"] = "middle"
    spare: bool = False
    short: str = ""


@dataclass(frozen=True)
class PlacedReference:
    """A reference line on the canvas; `at` is a percentage across or pixels down."""

    line: Reference
    at: str


@dataclass(frozen=True)
class Forest:
    """A forest plot, ready to draw. `slug` makes the ids of its title and description."""

    slug: str
    title: str
    description: str
    height: int
    axis_y: int
    rows: tuple[PlacedRow, ...]
    references: tuple[PlacedReference, ...]
    ticks: tuple[Tick, ...]


def nice_ticks(low: float, high: float, most: int = 5) -> tuple[float, ...]:
    """Round values (steps of 1, 2, 2.5 or 5 times a power of ten) that span low to high."""
    span = max(high - low, 1e-9)
    power = 10.0 ** math.floor(math.log10(span / most))
    step = next(power * m for m in (1, 2, 2.5, 5, 10, 20) if span / (power * m) <= most)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return tuple(round(i * step, 10) for i in range(first, last + 1))


def span(values: Iterable[float], floor: float, ceiling: float) -> tuple[float, float]:
    """The smallest and largest finite value, kept inside floor and ceiling, never equal."""
    known = [v for v in values if math.isfinite(v)]
    low, high = min(known, default=0.0), max(known, default=1.0)
    low, high = max(low, floor), min(high, ceiling)
    if high - low < 0.02:
        low, high = max(low - 0.05, floor), min(high + 0.05, ceiling)
    return low, high


def across(value: float, low: float, high: float, left: float = 1.0, right: float = 99.0) -> str:
    """Where `value` lies between the ends of an axis, as a percentage of the width."""
    share = (min(max(value, low), high) - low) / (high - low)
    return f"{left + share * (right - left):.2f}%"


def down(value: float, low: float, high: float, top: float, bottom: float) -> str:
    """Where `value` lies between the ends of an axis, in pixels from the top."""
    share = (min(max(value, low), high) - low) / (high - low)
    return f"{bottom - share * (bottom - top):.1f}"


def tick_label(value: float) -> str:
    """A value on an axis, as short as it goes."""
    return f"{value:g}".replace("-", "\u2212")


def forest(
    slug: str,
    title: str,
    description: str,
    rows: Sequence[ForestRow],
    references: Sequence[Reference] = (),
    *,
    floor: float = 0.0,
    ceiling: float = 1.0,
) -> Forest:
    """Lay out estimates with intervals, one a row, over a common axis of values.

    `floor` and `ceiling` are the least and greatest values there can be: 0 and 1 for
    scores, -1 and 1 for differences.
    """
    values = [v for row in rows for v in (row.low, row.high, row.estimate)]
    ticks = nice_ticks(*span(values + [r.value for r in references], floor, ceiling))
    low, high = ticks[0], ticks[-1]
    placed: list[PlacedRow] = []
    top = 0
    for row in rows:
        placed.append(_placed(row, top, low, high))
        top += placed[-1].lane + ROOM
    axis_y = top + 4
    lines = tuple(PlacedReference(r, across(r.value, low, high)) for r in references)
    return Forest(
        slug,
        title,
        description,
        axis_y + 24,
        axis_y,
        tuple(placed),
        lines,
        x_ticks(ticks, low, high),
    )


def _placed(row: ForestRow, top: int, low: float, high: float) -> PlacedRow:
    """A row from `top` down: a lane for its words, then the interval."""
    room = max(NARROWEST - text_width(row.numbers) - 14, 60)
    lines = wrapped(row.label, room)
    beside = not row.note or text_width(f"{lines[-1]} {row.note}") + 8 <= room
    lane = LANE + LINE * (len(lines) - 1 + (not beside))
    return PlacedRow(
        row=row,
        lines=tuple((top + 15 + LINE * i, line) for i, line in enumerate(lines)),
        beside=beside,
        top=top,
        lane=lane,
        y=top + lane + ROOM // 2 - 2,
        x=across(row.estimate, low, high),
        low_x=across(row.low, low, high),
        high_x=across(row.high, low, high),
    )


def x_ticks(values: Sequence[float], low: float, high: float) -> tuple[Tick, ...]:
    """Axis labels, the outermost turned inwards so that none is cut off."""
    labels = [tick_label(value) for value in values]
    fitting = every(labels, 0.98 * NARROWEST)
    last = len(values) - 1
    return tuple(
        Tick(
            across(value, low, high),
            labels[i],
            "start" if i == 0 else "end" if i == last else "middle",
            spare=bool(i % fitting),
        )
        for i, value in enumerate(values)
    )
