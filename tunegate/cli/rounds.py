"""What every round of the search took and gained, for a person."""

from __future__ import annotations

from collections.abc import Sequence

from evals.durations import elapsed
from evals.spending.wording import money_said
from tunegate.cli.console import Terminal, percent
from tuning.records import Interval, RoundLine


def show_rounds(rounds: Sequence[RoundLine], terminal: Terminal) -> None:
    """A table of the rounds, and what searched demonstrations are worth; nothing without any."""
    if not rounds:
        return
    priced = any(line.cost is not None for line in rounds)
    terminal.table(
        "what the rounds took and gained (dev)",
        ["!round", "tried", "best", ">score", ">gain", ">tokens", ">time"]
        + ([">cost"] if priced else []),
        [[*_cells(line), *([_money(line)] if priced else [])] for line in rounds],
    )
    for line in rounds:
        for searched in line.searched:
            terminal.line(searched.sentence)


def _cells(line: RoundLine) -> list[str]:
    tried = str(line.tried) if line.tried == line.declared else f"{line.tried} of {line.declared}"
    return [
        f"{line.index} {line.family}",
        tried,
        line.best or "–",
        percent(line.score.estimate if line.score else None),
        _gain(line.gain),
        f"{line.tokens:,}",
        elapsed(line.seconds),
    ]


def _gain(gain: Interval | None) -> str:
    """The best of a round against the best before it, with the interval taken alone."""
    if gain is None:
        return ""
    return f"{100 * gain.estimate:+.1f} ({100 * gain.low:+.1f} to {100 * gain.high:+.1f})"


def _money(line: RoundLine) -> str:
    return "–" if line.cost is None else money_said(line.cost, line.currency)
