"""The leader's prompt on other models: one run for each, on the cases of the leader's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from evals.errors import BudgetSpentError, InfrastructureError, ModelError
from evals.models.protocol import AdaptableModel
from evals.records import Candidate
from evals.suite.spec import Suite
from tuning.evaluating import EvaluateOn

OpenModel = Callable[[str], AdaptableModel]
"""Opens a model by its name; what was open before may be closed."""


def run_others(
    suite: Suite,
    leader: Candidate,
    models: Sequence[str],
    open_model: OpenModel,
    evaluate: EvaluateOn,
) -> dict[str, str]:
    """Run the leader's prompt on each of `models`; what each of them is, by name.

    One is open at a time. A model that cannot be opened or asked ends the work: a verdict
    that leaves it out would open the gate to a training that it may make needless, and all
    that was run is kept. Raises ModelError or InfrastructureError that say so.
    """
    return {name: _run(suite, leader, name, open_model, evaluate) for name in models}


def _run(
    suite: Suite, leader: Candidate, name: str, open_model: OpenModel, evaluate: EvaluateOn
) -> str:
    try:
        model = open_model(name)
        candidate = replace(leader, model=model.name, model_fingerprint=model.fingerprint)
        evaluate(suite, candidate, "dev", f"{name}: {candidate.label}", model=model)
    except BudgetSpentError:
        raise  # it says itself how to go on
    except (InfrastructureError, ModelError) as error:
        kind = InfrastructureError if isinstance(error, InfrastructureError) else ModelError
        raise kind(
            f"{name}, which compare_models names, could not be run: {error.message}",
            path=error.path or suite.root / "suite.yaml",
            line=error.line,
            key=error.key or "compare_models",
            hint=_hint(error),
        ) from error
    return candidate.model_fingerprint


def _hint(error: InfrastructureError | ModelError) -> str:
    kept = (
        "what was run is kept: mend it, or take the model out of compare_models, and repeat the "
        "command"
    )
    return f"{error.hint}; {kept}" if error.hint else kept
