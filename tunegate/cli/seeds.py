"""Several trainings that differ by seed alone, for a person: a table, and what they show."""

from __future__ import annotations

from evals.rounding import points_span
from tunegate.cli.console import Terminal, percent
from tuning.records import Interval, SeedLine, Seeds


def show_seeds(seeds: Seeds | None, terminal: Terminal) -> None:
    """The trainings side by side; nothing where there was one."""
    if seeds is None:
        return
    rows = [
        [
            f"{line.seed}, {'chosen' if line.chosen else 'not chosen'}",
            line.adapter,
            _held_out(line),
            percent(line.score.estimate),
            f"{100 * line.gain.estimate:+.1f}",
            _span(line.gain),
            _guards(line),
        ]
        for line in seeds.lines
    ]
    mean = f"{100 * seeds.gain.estimate:+.1f}"
    rows.append(["a training at random", "", "", "", mean, _span(seeds.gain), ""])
    rows.append(["these alone", "", "", "", mean, _span(seeds.gain_of_these), ""])
    terminal.table(
        "trainings that differ by seed alone",
        ["!seed", "!adapter", ">held out", ">sealed", ">gain", ">interval", "guards"],
        rows,
    )
    terminal.line(seeds.sentence)


def _held_out(line: SeedLine) -> str:
    return "–" if line.held_out is None else f"{line.held_out_of} {line.held_out:.3f}"


def _span(interval: Interval) -> str:
    return points_span(interval.low, interval.high)


def _guards(line: SeedLine) -> str:
    """What each guard says, those that pass counted alone."""
    said = [
        f"{guard.suite} {guard.result} ({100 * guard.difference.estimate:+.1f})"
        for guard in line.guards
    ]
    if line.text is not None and line.text.result:
        said.append(f"neutral text {line.text.result} ({line.text.rise.estimate:+.2f} nats)")
    return ", ".join(said)
