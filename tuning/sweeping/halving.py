"""The rungs of a search: all are tried on little, and those that do best on more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from tuning.sweeping.planning import Rung
from tuning.sweeping.records import StoredTrial
from tuning.sweeping.space import Settings

Run = Callable[[Settings, int, Rung], StoredTrial]
"""Tries settings on a rung, by its number from 1; found again where it was tried before."""


class Climbed(NamedTuple):
    """All trials in the order in which they were made, and those of the last rung."""

    trials: tuple[StoredTrial, ...]
    last: tuple[tuple[Settings, StoredTrial], ...]


def climb(contenders: Sequence[Settings], rungs: Sequence[Rung], run: Run) -> Climbed:
    """Run the rungs; on each those go on that `standing` puts first, of equals the earlier."""
    made: list[StoredTrial] = []
    left = list(contenders)
    tried: list[tuple[Settings, StoredTrial]] = []
    for number, rung in enumerate(rungs, 1):
        tried = [(settings, run(settings, number, rung)) for settings in left]
        on = rungs[number].tried if number < len(rungs) else 0
        best = sorted(range(len(tried)), key=lambda place: standing(tried[place][1]))[:on]
        made += [
            replace(one, trial=replace(one.trial, went_on=place in best))
            for place, (_, one) in enumerate(tried)
        ]
        left = [settings for place, (settings, _) in enumerate(tried) if place in best]
    return Climbed(tuple(made), tuple(tried))


def standing(one: StoredTrial) -> tuple[bool, float, float]:
    """What trials of a rung are ranked by, less is better: score, and of equals the loss."""
    trial = one.trial
    score = 0.0 if trial.score is None else -round(trial.score, 9)
    return bool(trial.failed), score, float("inf") if trial.loss is None else trial.loss
