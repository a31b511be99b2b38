"""Which weights a training changes, by name: adapters through PEFT."""

from __future__ import annotations

from evals.errors import TrainingError
from tuning.training.settings import TrainSettings
from tuning.training.stages import Adaptation


def adaptation_of(settings: TrainSettings) -> Adaptation:
    """How the weights that `settings.weights` names are changed and kept.

    Raises TrainingError for a name that is none.
    """
    from tuning.training.adaptations.through_peft import PEFT_KINDS, PeftWeights

    if settings.weights in PEFT_KINDS:
        return PeftWeights()
    known = ", ".join(PEFT_KINDS)
    raise TrainingError(
        f"unknown weights {settings.weights!r}", key="tune.weights", hint=f"known: {known}"
    )
