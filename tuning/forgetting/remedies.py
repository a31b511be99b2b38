"""What may be tried when a guard fails: the steps of each remedy, fixed before any is tried.

A remedy may have several steps, the mildest first, and each step is one adapter. How many there
are decides how sure a guard's pass must be (`levels`), so nothing that is seen adds a step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from evals.suite.spec import TuneSpec
from evals.suite.tune_remedies import remedies_of
from tuning.data.replay import REPLAY_SHARE
from tuning.forgetting.records import SCALE, TriedAdapter
from tuning.records import TrainingRecord
from tuning.sweeping.space import settled

SCALES = (0.75, 0.5, 0.25)
EPOCHS = (1 / 2,)
RATES = (1 / 3, 1 / 10)
REPLAYS = (3.0,)
LEAST_REPLAY = 0.24
"""A share of general requests for a training that had none, or few: three times the usual."""

_STEPS: Mapping[str, tuple[float, ...]] = {
    "scale": SCALES,
    "epochs": EPOCHS,
    "rate": RATES,
    "replay": REPLAYS,
}


@dataclass(frozen=True)
class Step:
    """One adapter to try: the first one times `scale`, or a training by `tune` (None: scaled)."""

    remedy: str
    what: str
    scale: float = 1.0
    tune: TuneSpec | None = None


def count_steps(tune: TuneSpec) -> int:
    """How many adapters the declared remedies may try. Raises UsageError as `remedies_of` does."""
    return sum(len(_STEPS[name]) for name in remedies_of(tune))


def steps_of(tune: TuneSpec, training: TrainingRecord) -> tuple[Step, ...]:
    """The steps of the declared remedies, in order, from how `training` was made.

    What a search of settings found stays, but for the one setting that a step changes.
    """
    made_by = settled(tune, training.sweep)
    return tuple(
        _step(name, factor, made_by, training)
        for name in remedies_of(tune)
        for factor in _STEPS[name]
    )


def _step(name: str, factor: float, tune: TuneSpec, training: TrainingRecord) -> Step:
    if name == "scale":
        return Step(name, f"{SCALE} {factor:g}", scale=factor)
    if name == "epochs":
        epochs = factor * float(training.settings["epochs"])
        return Step(name, f"{epochs:g} epochs", tune=replace(tune, epochs=epochs))
    if name == "rate":
        rate = float(f"{factor * float(training.settings['learning_rate']):.3g}")
        return Step(name, f"rate {rate:g}", tune=replace(tune, learning_rate=rate))
    share = REPLAY_SHARE if tune.replay is None else tune.replay
    more = min(1.0, max(LEAST_REPLAY, factor * share))
    return Step(name, f"replay {more:g}", tune=replace(tune, replay=more))


def scale_of(line: TriedAdapter) -> float | None:
    """By how much an adapter of a trade-off is scaled; None for one that was trained otherwise."""
    if not line.remedy:
        return 1.0
    if line.remedy != SCALE:
        return None
    return float(line.what.removeprefix(SCALE))
