"""Rounds that have an optimiser write a prompt: what they need installed, and who proposes."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import replace

from evals.approach import Approach, Optimiser
from evals.errors import MissingExtraError, UsageError
from evals.models.names import check_form
from evals.suite.spec import RoundSpec, Suite

MODULES: dict[Optimiser, tuple[str, ...]] = {
    "": (),
    "miprov2": ("dspy", "optuna"),
    "gepa": ("dspy", "gepa"),
}
"""The packages that each optimiser runs on; all of them come with the extra `optimise`."""


def optimised(suite: Suite) -> Iterator[tuple[RoundSpec, Approach]]:
    """Every approach of a suite's rounds that an optimiser works on, with its round."""
    for one in suite.rounds:
        yield from ((one, approach) for approach in one.approaches if approach.technique.optimiser)


def proposers(suite: Suite) -> tuple[str, ...]:
    """The models that a suite's optimisers name as proposers, each once."""
    named = (approach.technique.proposer for _, approach in optimised(suite))
    return tuple(dict.fromkeys(name for name in named if name))


def missing_for(optimiser: Optimiser) -> list[str]:
    """Those of an optimiser's packages that are not installed; imports none of them."""
    return [name for name in MODULES[optimiser] if not is_installed(name)]


def is_installed(package: str) -> bool:
    """Whether a package can be imported; it is not."""
    return importlib.util.find_spec(package) is not None


def what_to_install(optimiser: Optimiser) -> str:
    """What an optimiser lacks here, and what has it, as one line; empty where all is there."""
    if missing := missing_for(optimiser):
        return f"{optimiser} needs {' and '.join(missing)}: pip install 'tunegate[optimise]'"
    return ""


def require_optimiser(optimiser: Optimiser) -> None:
    """Raise MissingExtraError, naming what to install, unless the optimiser can be run here."""
    if lacking := what_to_install(optimiser):
        raise MissingExtraError(lacking)


def require_optimisers(suite: Suite) -> None:
    """The same for every round of a suite; the error says which."""
    for one, approach in optimised(suite):
        if lacking := what_to_install(approach.technique.optimiser):
            raise MissingExtraError(
                lacking,
                path=suite.root / "suite.yaml",
                line=one.line,
                key="rounds",
                hint="or leave the round out",
            )


def with_proposer(suite: Suite, name: str) -> Suite:
    """The suite with `name` as the proposer of all its optimisers.

    Raises ModelError for no model's name, and UsageError where no round is optimised.
    """
    check_form(name)
    if not any(True for _ in optimised(suite)):
        raise UsageError(
            "--proposer was given, and no round of the suite has an optimiser",
            path=suite.root / "suite.yaml",
            key="rounds",
            hint="state a round of the family `optimised`, or leave the option out",
        )
    return replace(suite, rounds=tuple(_proposed_by(name, one) for one in suite.rounds))


def _proposed_by(name: str, one: RoundSpec) -> RoundSpec:
    approaches = (
        replace(approach, technique=replace(approach.technique, proposer=name))
        if approach.technique.optimiser
        else approach
        for approach in one.approaches
    )
    return replace(one, approaches=tuple(approaches))
