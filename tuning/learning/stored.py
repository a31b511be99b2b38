"""Learning curves in the ledger: the newest of a suite and model, while it is of what is there."""

from __future__ import annotations

from evals.fingerprint import fingerprint
from evals.ledger import Ledger
from evals.prompting import prompt_fingerprint
from evals.suite.spec import Suite
from tuning.learning.records import LearningCurve
from tuning.records import JobRecord
from tuning.training.tune import tuning_prompt

KIND = "learning"


def store_curve(ledger: Ledger, curve: LearningCurve, created: str) -> None:
    """Keep a curve in place of the one before."""
    ledger.store(KIND, _key(curve.suite, curve.model), curve, created=created)


def subject_of(suite: Suite) -> str:
    """Identity of what a suite's learning curve measures; a change makes a stored one stale."""
    tune = suite.tune
    return fingerprint(
        "learning@1",
        [case.fingerprint for case in suite.split("train")],
        sorted(case.fingerprint for case in suite.split("dev")),
        prompt_fingerprint(suite, tuning_prompt(suite)),
        suite.scoring_fingerprint,
        suite.decoding,
        [tune.method, tune.rank, tune.learning_rate, tune.epochs, tune.replay, tune.seed],
    )


def stored_curve(ledger: Ledger, suite: Suite, model: str) -> LearningCurve | None:
    """The stored curve of this suite as it stands on this model's name, or None."""
    curve = ledger.load(KIND, _key(suite.name, model), LearningCurve)
    if curve is None or not suite.prompts or curve.subject != subject_of(suite):
        return None
    return curve


def curve_of_job(ledger: Ledger, suite: Suite, record: JobRecord) -> LearningCurve | None:
    """The stored curve, where it is of the model that the job's verdict rests on."""
    curve = stored_curve(ledger, suite, record.model)
    leader = ledger.find_run(record.decision.leader) if record.decision else None
    if curve is None or leader is None:
        return curve
    same = leader.candidate.model_fingerprint == curve.model_fingerprint
    return curve if same and leader.scoring_fingerprint == curve.scoring_fingerprint else None


def _key(suite: str, model: str) -> str:
    return f"{suite}|{model}"
