"""Demonstrations for a prompt: which train cases it shows, for which case."""

from evals.prompting.demonstrations.choosing import demonstrations_of, select
from evals.prompting.demonstrations.fixed import drawn
from evals.prompting.demonstrations.grouping import Joined, train_groups
from evals.prompting.demonstrations.identity import method_fingerprint, refuse_unusable
from evals.prompting.demonstrations.leaks import Leak, Leaks, leaks_of
from evals.prompting.demonstrations.spreading import spread

__all__ = [
    "Joined",
    "Leak",
    "Leaks",
    "demonstrations_of",
    "drawn",
    "leaks_of",
    "method_fingerprint",
    "refuse_unusable",
    "select",
    "spread",
    "train_groups",
]
