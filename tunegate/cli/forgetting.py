"""What was forgotten, for a person: neutral text, and adapters that were held side by side."""

from __future__ import annotations

from evals.rounding import points_span
from tunegate.cli.console import Terminal, percent
from tuning.forgetting.records import TextChange, Tradeoff, TriedAdapter
from tuning.forgetting.wording import rise_meaning, rise_said, standing_said
from tuning.intervals import Interval


def show_text(text: TextChange | None, terminal: Terminal) -> None:
    """The change on neutral text with what it means; nothing where it was not measured."""
    if text is None:
        return
    limit = "" if text.max_rise is None else f", at most {text.max_rise:g}: {text.result}"
    terminal.line(f"neutral text ({text.passages} passages): {rise_said(text)}{limit}")
    terminal.line(f"  {rise_meaning(text)}")


def show_tradeoff(found: Tradeoff | None, terminal: Terminal) -> None:
    """Every adapter with what it gains on dev and loses on guards; nothing where none was tried."""
    if found is None:
        return
    guards = list(dict.fromkeys(g.suite for line in found.tried for g in line.guards))
    terminal.table(
        f"the trade-off: {found.primary} on dev against {found.leader_label}, in points",
        ["!adapter", ">score", ">gain", ">95% interval",
         *(column for name in guards for column in (f">{name}", ">interval")),
         ">neutral text", "standing"],
        [_row(line, guards, found) for line in found.tried],
    )  # fmt: skip
    terminal.line(found.sentence)
    terminal.line()


def _row(line: TriedAdapter, guards: list[str], found: Tradeoff) -> list[str]:
    chosen = " (judged)" if found.chosen and line.adapter == found.chosen else ""
    cells = [f"{line.what}{chosen}", percent(line.score.estimate if line.score else None)]
    cells += _cells(line.gain)
    seen = {guard.suite: guard for guard in line.guards}
    for name in guards:
        cells += _cells(seen[name].change if name in seen else None)
    text = f"{line.text.rise.estimate:+.3f}" if line.text else "–"
    return [*cells, text, standing_said(line)]


def _cells(change: Interval | None) -> list[str]:
    if change is None:
        return ["–", ""]
    span = points_span(change.low, change.high)
    return [f"{100 * change.estimate:+.1f}", span]
