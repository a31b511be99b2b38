"""Scorers: registered factories with versioned names."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

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
    "Scorer": "protocol",
    "ScorerSet": "registry",
    "build_scorer": "registry",
    "build_scorers": "registry",
    "iter_scores": "batch",
    "normalise": "normal",
    "score_many": "batch",
    "scorer_names": "registry",
    "self_test": "selftest",
}


def __getattr__(name: str) -> Any:
    """Import a public name from its module on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
