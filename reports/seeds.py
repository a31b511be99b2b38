"""Several trainings that differ by seed alone, side by side: for the page, Markdown and cards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reports import numbers
from reports.markup import literal, table, words
from tuning.records import GuardLine, JobRecord, SeedLine, Seeds

_LONG = 1_000
_NAME = 80
RESULTS = {"pass": "passed", "fail": "failed", "inconclusive": "inconclusive"}


@dataclass(frozen=True)
class SeedRow:
    """One training; texts are ready to show. That of all together has no adapter."""

    name: str
    adapter: str
    held_out: str
    score: str
    bounds: str
    gain: str
    gain_bounds: str
    guards: str


@dataclass(frozen=True)
class SeedsView:
    """The trainings by seed, then what one at random gains, then these alone."""

    sentence: str
    rows: tuple[SeedRow, ...]


def seeds_view(job: JobRecord) -> SeedsView | None:
    """Nothing where there was one training."""
    return view_of(job.shipping.seeds) if job.shipping and job.shipping.seeds else None


def view_of(seeds: Seeds) -> SeedsView:
    """The table and its sentence."""
    mean = numbers.signed(seeds.gain.estimate)
    rows = (
        *map(_row, seeds.lines),
        _total("a training at random", mean, numbers.signed_bounds(seeds.gain)),
        _total("these alone", mean, numbers.signed_bounds(seeds.gain_of_these)),
    )
    return SeedsView(seeds.sentence, rows)


def seeds_markdown(view: SeedsView) -> str:
    """The sentence and the table."""
    head = ["Seed", "Adapter", "Guards", "Held out", "Sealed cases", "Gain"]
    rows = [
        [
            words(row.name, _NAME),
            literal(row.adapter, cell=True) if row.adapter else "",
            words(row.guards, _LONG),
            words(row.held_out, _NAME),
            f"{row.score} ({row.bounds})" if row.bounds else row.score,
            f"**{row.gain}** ({row.gain_bounds})",
        ]
        for row in view.rows
    ]
    return f"{words(view.sentence, _LONG)}\n\n{table(head, rows, numeric_from=3)}"


def _row(line: SeedLine) -> SeedRow:
    return SeedRow(
        name=f"{line.seed}, {'chosen' if line.chosen else 'not chosen'}",
        adapter=line.adapter,
        held_out=_held_out(line),
        score=numbers.score(line.score.estimate),
        bounds=numbers.bounds(line.score),
        gain=numbers.signed(line.gain.estimate),
        gain_bounds=numbers.signed_bounds(line.gain),
        guards="; ".join(_guards(line)) or "none stated",
    )


def _total(name: str, gain: str, bounds: str) -> SeedRow:
    return SeedRow(name, "", "", "", "", gain, bounds, "")


def _held_out(line: SeedLine) -> str:
    if line.held_out is None:
        return numbers.NOTHING
    return f"{line.held_out_of} {numbers.score(line.held_out)}"


def _guards(line: SeedLine) -> Iterator[str]:
    """What each guard says, and neutral text where it is held to a limit."""
    yield from map(_guard, line.guards)
    if line.text is not None and line.text.result:
        yield f"neutral text {RESULTS[line.text.result]} ({line.text.rise.estimate:+.2f} nats)"


def _guard(guard: GuardLine) -> str:
    return f"{guard.suite} {RESULTS[guard.result]} ({numbers.signed(guard.difference.estimate)})"
