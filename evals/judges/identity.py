"""What a run was scored by, where models judged: runs judged by different ones never compare."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from evals.errors import ScorerError
from evals.fingerprint import fingerprint
from evals.judges.uses import judge_models, judges_of
from evals.records import Run
from evals.suite.spec import Suite

if TYPE_CHECKING:
    from evals.asking import Asker


def judge_identities(suite: Suite, asker: Asker) -> dict[str, str]:
    """What the models that judge for this suite are now, by name; opens them."""
    return {model: asker.identity(model) for model in judge_models(suite)}


def scoring_identity(suite: Suite, judges: Mapping[str, str]) -> str:
    """Identity of what is measured, and of the `judges` that measure it, by name.

    Without judges it is the suite's own. Raises ScorerError, naming a metric, where the
    identity of one that judges is not known: no model runs there.
    """
    for use in judges_of(suite):
        if use.model not in judges:
            raise ScorerError(
                f'metric "{use.metric}" is judged by the model {use.model}, and no model runs here',
                path=suite.root / "suite.yaml",
                line=use.spec.line or None,
                key=f"metrics.{use.spec.name}",
                hint="`tunegate eval` and `tunegate run` run it",
            )
    models = judge_models(suite)
    if not models:
        return suite.scoring_fingerprint
    return fingerprint(
        "judged@1", suite.scoring_fingerprint, {model: judges[model] for model in models}
    )


def scored_as_stated(run: Run, suite: Suite) -> bool:
    """Whether a run was scored as the suite states now, by whatever weights its judges had."""
    if sorted(run.judges) != list(judge_models(suite)):
        return False
    return run.scoring_fingerprint == scoring_identity(suite, run.judges)
