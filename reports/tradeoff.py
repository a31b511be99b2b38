"""What is gained against what is forgotten: each adapter that was tried, in figures and a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from reports import numbers
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
from reports.plots import Plot, Point, Segment, Series
from tuning.forgetting.records import Tradeoff, TriedAdapter
from tuning.forgetting.remedies import scale_of
from tuning.forgetting.wording import nats_span, rise_meaning, standing_said
from tuning.records import Interval, JobRecord

# Lines are explained by the figure's key: on a narrow page their words would hide the points.
TOP, BOTTOM, LEFT, RIGHT = 26.0, 250.0, 9.0, 97.0
Place = Callable[[float], str]

_WIDEST = 10.0  # nats: beyond that a figure would show nothing else


@dataclass(frozen=True)
class TradeoffRow:
    """One adapter; its number stands in the figures. `losses` has a cell for each guard."""

    number: str
    what: str
    adapter: str
    score: str
    gain: str
    gain_bounds: str
    losses: tuple[tuple[str, str], ...]
    text: str
    text_bounds: str
    standing: str
    is_judged: bool


@dataclass(frozen=True)
class TradeoffView:
    """All adapters, texts ready to show; a figure for each guard, and one for neutral text."""

    sentence: str
    guards: tuple[str, ...]
    figures: tuple[Plot, ...]
    rows: tuple[TradeoffRow, ...]


@dataclass(frozen=True)
class TextView:
    """The change on neutral text of the adapter that was judged."""

    rise: str
    bounds: str
    base: str
    tuned: str
    meaning: str
    limit: str
    result: str
    passages: str


def text_view(job: JobRecord) -> TextView | None:
    """What the judged adapter makes of neutral text; None where it was not measured."""
    text = job.shipping.text if job.shipping else None
    if text is None:
        return None
    return TextView(
        rise=_nats(text.rise.estimate),
        bounds=numbers.signs(nats_span(text.rise)),
        base=numbers.score(text.base),
        tuned=numbers.score(text.tuned),
        meaning=rise_meaning(text),
        limit="" if text.max_rise is None else f"{text.max_rise:g}",
        result=text.result,
        passages=numbers.count(text.passages),
    )


def tradeoff_view(job: JobRecord) -> TradeoffView | None:
    """The job's trade-off; None where only one adapter was ever looked at."""
    found = job.tradeoff
    if found is None:
        return None
    guards = tuple(dict.fromkeys(g.suite for line in found.tried for g in line.guards))
    figures = [_guard_figure(found, name) for name in guards]
    if any(line.text for line in found.tried):
        figures.append(_text_figure(found))
    rows = tuple(_row(n, line, guards, found) for n, line in enumerate(found.tried, 1))
    return TradeoffView(found.sentence, guards, tuple(figures), rows)


def _row(number: int, line: TriedAdapter, guards: Sequence[str], found: Tradeoff) -> TradeoffRow:
    changes = {guard.suite: guard.change for guard in line.guards}
    return TradeoffRow(
        number=str(number),
        what=line.what,
        adapter=line.adapter,
        score=numbers.score(line.score.estimate if line.score else None),
        gain=numbers.signed(line.gain.estimate if line.gain else None),
        gain_bounds=_bounds(line.gain),
        losses=tuple(
            (
                numbers.signed(changes[name].estimate if name in changes else None),
                _bounds(changes.get(name)),
            )
            for name in guards
        ),
        text=_nats(line.text.rise.estimate) if line.text else numbers.NOTHING,
        text_bounds=numbers.signs(nats_span(line.text.rise)) if line.text else "",
        standing=standing_said(line),
        is_judged=bool(found.chosen) and line.adapter == found.chosen,
    )


def _bounds(change: Interval | None) -> str:
    return numbers.signed_bounds(change) if change else ""


def _nats(value: float) -> str:
    return numbers.signs(f"{value:+.3f}")


@dataclass(frozen=True)
class _Spot:
    """One adapter in a figure: what it gains, what it loses, and its number."""

    number: int
    line: TriedAdapter
    gain: Interval
    loss: Interval


def _guard_figure(found: Tradeoff, name: str) -> Plot:
    spots, margin = [], 0.0
    for number, line in enumerate(found.tried, 1):
        for guard in line.guards:
            if guard.suite == name and line.gain is not None:
                spots.append(_Spot(number, line, line.gain, guard.change))
                margin = guard.margin
    said = "; ".join(
        f"{s.line.what}: gain {numbers.signed(s.gain.estimate)}, "
        f"{name} {numbers.signed(s.loss.estimate)}"
        for s in spots
    )
    return _figure(
        found,
        f"tradeoff-{name}",
        f"Gain on dev against change on the guard {name}",
        f"To the right more is gained, upwards less is forgotten. {said}.",
        spots,
        references=[
            Reference(0.0, "", "zero"),
            Reference(-margin, "", "margin"),
        ],
        floor=-1.0,
        ceiling=1.0,
    )


def _text_figure(found: Tradeoff) -> Plot:
    spots = [
        _Spot(number, line, line.gain, line.text.rise)
        for number, line in enumerate(found.tried, 1)
        if line.gain is not None and line.text is not None
    ]
    limits = {s.line.text.max_rise for s in spots if s.line.text and s.line.text.max_rise}
    said = "; ".join(
        f"{s.line.what}: gain {numbers.signed(s.gain.estimate)}, {_nats(s.loss.estimate)} nats"
        for s in spots
    )
    return _figure(
        found,
        "tradeoff-text",
        "Gain on dev against the rise of cross-entropy on neutral text, nats a token",
        f"To the right more is gained, upwards ordinary text becomes less likely. {said}.",
        spots,
        references=[
            Reference(0.0, "", "zero"),
            *(Reference(limit, "", "margin") for limit in sorted(limits)),
        ],
        floor=-_WIDEST,
        ceiling=_WIDEST,
    )


def _figure(
    found: Tradeoff,
    slug: str,
    title: str,
    description: str,
    spots: Sequence[_Spot],
    *,
    references: Sequence[Reference],
    floor: float,
    ceiling: float,
) -> Plot:
    gains = [v for s in spots for v in (s.gain.low, s.gain.high)] + [0.0, found.min_gain]
    losses = [v for s in spots for v in (s.loss.low, s.loss.high)]
    losses += [line.value for line in references]
    xs, ys = nice_ticks(*span(gains, -1.0, 1.0), most=5), nice_ticks(*span(losses, floor, ceiling))

    def x(value: float) -> str:
        return across(value, xs[0], xs[-1], LEFT, RIGHT)

    def y(value: float) -> str:
        return down(value, ys[0], ys[-1], TOP, BOTTOM)

    points = {s.number: _point(s, x, y, found) for s in spots}
    wanted = Reference(found.min_gain, "", "gain")
    return Plot(
        slug=slug,
        title=title,
        description=description,
        height=int(BOTTOM) + 44,
        bottom=int(BOTTOM),
        x_label="gain on dev over the best prompt",
        x_ticks=tuple(Tick(x(value), tick_label(value)) for value in xs),
        y_ticks=tuple(Tick(y(value), tick_label(value)) for value in ys),
        series=(Series("by scale", "main", _by_scale(spots, points)),),
        points=tuple(points.values()),
        references=tuple(PlacedReference(line, y(line.value)) for line in references),
        uprights=(PlacedReference(wanted, x(found.min_gain)),),
    )


def _point(spot: _Spot, x: Place, y: Place, found: Tradeoff) -> Point:
    good = spot.line.keeps and spot.line.gains
    mark: Mark = "dot" if good else "ring"
    if found.chosen and spot.line.adapter == found.chosen:
        mark = "diamond"
    return Point(
        x(spot.gain.estimate),
        y(spot.loss.estimate),
        y(spot.loss.low),
        y(spot.loss.high),
        mark,
        spot.line.what,
        str(spot.number),
        x(spot.gain.low),
        x(spot.gain.high),
    )


def _by_scale(spots: Sequence[_Spot], points: dict[int, Point]) -> tuple[Segment, ...]:
    """The adapter as trained and its scales, joined in order."""
    scaled = [(scale, s) for s in spots if (scale := scale_of(s.line)) is not None]
    ordered = [points[s.number] for _, s in sorted(scaled, key=lambda pair: -pair[0])]
    return tuple(Segment(a.x, a.y, b.x, b.y) for a, b in pairwise(ordered))
