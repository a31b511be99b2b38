"""What goes wrong in a run: failures by kind, by slice and by topic of the inputs."""

from evals.failures.analysing import analyse
from evals.failures.form import can_tell_form
from evals.failures.records import (
    CONSTRAINABLE,
    KINDS,
    MEANINGS,
    Failure,
    FailureAnalysis,
    FailureKind,
)

__all__ = [
    "CONSTRAINABLE",
    "KINDS",
    "MEANINGS",
    "Failure",
    "FailureAnalysis",
    "FailureKind",
    "analyse",
    "can_tell_form",
]
