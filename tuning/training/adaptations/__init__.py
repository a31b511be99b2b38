"""Which weights a training changes, by name: adapters through PEFT, or all of them."""

from __future__ import annotations

from evals.errors import TrainingError
from evals.suite.tune_weights import WEIGHTS
from tuning.training.settings import TrainSettings
from tuning.training.stages import Adaptation


def adaptation_of(settings: TrainSettings) -> Adaptation:
    """How the weights that `settings.weights` names are changed and kept.

    Raises TrainingError for a name that is none.
    """
    from tuning.training.adaptations.full import FullWeights
    from tuning.training.adaptations.kinds import CONFIGS
    from tuning.training.adaptations.quantised import QuantisedBase
    from tuning.training.adaptations.through_peft import PeftWeights

    if settings.weights == "full":
        return FullWeights()
    if settings.weights == "qlora":
        return QuantisedBase(settings.variant)
    if settings.weights in CONFIGS:
        return PeftWeights(settings.variant)
    known = ", ".join(WEIGHTS)
    raise TrainingError(
        f"unknown weights {settings.weights!r}", key="tune.weights", hint=f"known: {known}"
    )
