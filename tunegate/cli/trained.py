"""What a training was and took, for a person."""

from __future__ import annotations

from tunegate.cli.console import Terminal
from tuning.records import TrainingRecord


def show_training(training: TrainingRecord, terminal: Terminal) -> None:
    """One line: the method, the examples, seconds, tokens a second and peak memory."""
    from reports.effort import training_effort

    terminal.line(
        f"trained: {training.method}, {training.examples:,} examples with prompt "
        f"{training.prompt}; {training_effort(training)}"
    )
    terminal.line()
