"""The search that a training's settings come of, as a table."""

from __future__ import annotations

from dataclasses import dataclass

from reports import numbers
from tuning.sweeping.records import SweepRecord, Trial
from tuning.sweeping.wording import fate_of

MOST_ROWS = 60


@dataclass(frozen=True)
class SweptView:
    """A sentence, facts, and a row for each trial; `hidden` trials are not shown."""

    sentence: str
    facts: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, ...], ...]
    hidden: int


def swept_view(sweep: SweepRecord) -> SweptView:
    """What was tried on parts of train, and what was found."""
    return SweptView(
        sentence=sweep.sentence,
        facts=(
            ("Tried", f"{sweep.tried} of {sweep.possible - 1} others beside the default"),
            ("Learnt from", f"{sweep.learnt:,} train examples"),
            ("Judged on", f"{sweep.judged:,} other train examples in {sweep.groups:,} groups"),
            ("Examples seen", f"{sweep.seen:,} of a budget of {sweep.budget:,}"),
            ("Took", numbers.duration(sweep.seconds)),
            ("Seed", str(sweep.seed)),
        ),
        rows=tuple(_row(trial, sweep) for trial in sweep.trials[:MOST_ROWS]),
        hidden=max(0, len(sweep.trials) - MOST_ROWS),
    )


def _row(trial: Trial, sweep: SweepRecord) -> tuple[str, ...]:
    bounds = (
        f"{numbers.score(trial.low)} to {numbers.score(trial.high)}"
        if trial.low is not None
        else numbers.NOTHING
    )
    return (
        "default" if trial.default else str(trial.rung),
        f"{trial.learning_rate:g}",
        str(trial.rank) if trial.rank else numbers.NOTHING,
        f"{trial.epochs:g}",
        numbers.count(trial.examples),
        numbers.count(trial.seen),
        numbers.score(trial.score),
        bounds,
        numbers.score(trial.loss),
        numbers.duration(trial.seconds),
        fate_of(trial, sweep),
    )
