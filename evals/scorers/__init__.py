"""Scorers: registered factories with versioned names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evals.lazy import importing

if TYPE_CHECKING:
    from evals.scorers.batch import iter_scores, score_many
    from evals.scorers.normal import normalise
    from evals.scorers.protocol import Scorer
    from evals.scorers.registry import ScorerSet, build_scorer, build_scorers, scorer_names
    from evals.scorers.selftest import self_test

__all__ = [
    "Scorer",
    "ScorerSet",
    "build_scorer",
    "build_scorers",
    "iter_scores",
    "normalise",
    "score_many",
    "scorer_names",
    "self_test",
]

# Loaded when asked for: the worker process imports this package and needs none of it.
_HOMES = {
    "Scorer": "evals.scorers.protocol",
    "ScorerSet": "evals.scorers.registry",
    "build_scorer": "evals.scorers.registry",
    "build_scorers": "evals.scorers.registry",
    "iter_scores": "evals.scorers.batch",
    "normalise": "evals.scorers.normal",
    "score_many": "evals.scorers.batch",
    "scorer_names": "evals.scorers.registry",
    "self_test": "evals.scorers.selftest",
}

__getattr__ = importing(__name__, _HOMES, globals())


def __dir__() -> list[str]:
    return __all__
