"""An adapter with several prompts, for a person: what was tried on dev and what was chosen."""

from __future__ import annotations

from tunegate.cli.console import Terminal, percent
from tuning.intervals import Interval
from tuning.together.records import Together, TogetherLine


def show_together(record: Together, terminal: Terminal) -> None:
    """The table, and the choice in words."""
    terminal.table(
        "tuned and prompted together (dev)",
        ["!prompt", "!why", ">adapter", ">95% interval", ">base", ">tuning adds", ">prompting adds",
         ">prompt tokens", ">a case", ""],
        [_row(line, record) for line in record.lines],
    )  # fmt: skip
    terminal.line(record.sentence)
    terminal.line()


def _row(line: TogetherLine, record: Together) -> list[str]:
    scored = line.score
    return [
        line.label,
        line.why,
        percent(scored.estimate if scored else None),
        f"{100 * scored.low:.1f} to {100 * scored.high:.1f}" if scored else "",
        percent(line.base.estimate if line.base else None),
        _change(line.tuning),
        _change(line.prompting),
        "–" if line.prompt_tokens is None else f"{line.prompt_tokens:.0f}",
        "–" if line.seconds is None else f"{line.seconds:.2f} s",
        _standing(line, record),
    ]


def _standing(line: TogetherLine, record: Together) -> str:
    if line.left_out:
        return f"not run: {line.left_out}"
    return "chosen" if line.run_id == record.chosen else ""


def _change(interval: Interval | None) -> str:
    if interval is None:
        return "–"
    low, high = 100 * interval.low, 100 * interval.high
    return f"{100 * interval.estimate:+.1f} ({low:+.1f} to {high:+.1f})"
