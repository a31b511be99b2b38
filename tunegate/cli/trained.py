"""What a training was and took, for a person."""

from __future__ import annotations

from tunegate.cli.console import Terminal
from tunegate.cli.sweeping import show_sweep
from tuning.records import TrainingRecord


def show_training(training: TrainingRecord, terminal: Terminal) -> None:
    """What was searched for, and a line: method, examples, seconds, memory, why it ended."""
    from reports.effort import training_effort

    if training.sweep is not None:
        show_sweep(training.sweep, terminal)
    terminal.line(
        f"trained: {training.method}, {training.examples:,} examples with prompt "
        f"{training.prompt}; {training_effort(training)}"
    )
    if training.ended:
        terminal.line(f"training ended: {training.ended}")
    terminal.line()
