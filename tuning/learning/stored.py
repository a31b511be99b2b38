"""Learning curves in the ledger: the newest of a suite and model, while it is of what is there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from evals.errors import RecordError
from evals.fingerprint import fingerprint
from evals.ledger import EDITED, Ledger
from evals.prompting import prompt_fingerprint
from evals.suite.spec import Suite, TuneSpec
from evals.suite.tune_methods import own_of
from tuning.learning.projecting import MOST_TIMES
from tuning.learning.records import (
    MOST_EXAMPLES,
    CurveFit,
    LearningCurve,
    LearningPoint,
    Projection,
)
from tuning.records import JobRecord
from tuning.training.tune import tuning_prompt

KIND = "learning"

_Part = LearningCurve | CurveFit | LearningPoint | Projection
_MOST = float(MOST_TIMES * MOST_EXAMPLES)
_SCORES = {"zero", "zero_low", "zero_high", "share", "score", "low", "high"}
_SCORES |= {"estimate", "power_law", "log_linear"}


def store_curve(ledger: Ledger, curve: LearningCurve, created: str) -> None:
    """Keep a curve in place of the one before."""
    ledger.store(KIND, _key(curve.suite, curve.model), curve, created=created)


def subject_of(suite: Suite) -> str:
    """Identity of what a suite's learning curve measures; a change makes a stored one stale."""
    tune = suite.tune
    files = [[file.path, file.format, file.columns, file.split, file.sha256] for file in tune.data]
    return fingerprint(
        "learning@1",
        [case.fingerprint for case in suite.split("train")],
        sorted(case.fingerprint for case in suite.split("dev")),
        prompt_fingerprint(suite, tuning_prompt(suite)),
        suite.scoring_fingerprint,
        suite.decoding,
        [tune.method, tune.rank, tune.learning_rate, tune.epochs, tune.replay, tune.seed],
        *_later(tune),
        *([[files, tune.too_long]] if files or tune.too_long != "refuse" else []),
    )


def _later(tune: TuneSpec) -> list[object]:
    """What a curve stored before these settings were there did without."""
    settings = [tune.weights, tune.variant, tune.alpha, tune.dropout, own_of(tune)]
    ending = [tune.until, tune.keep]
    return [
        *([settings] if any(value is not None for value in settings) else []),
        *([{"ending": ending}] if any(value is not None for value in ending) else []),
    ]


def stored_curve(ledger: Ledger, suite: Suite, model: str) -> LearningCurve | None:
    """The stored curve of this suite as it stands on this model's name, or None.

    Raises RecordError for one with numbers that no curve has.
    """
    key = _key(suite.name, model)
    curve = ledger.load(KIND, key, LearningCurve)
    if curve is not None and (wrong := _impossible(curve)):
        raise RecordError(
            f"the stored learning curve is damaged: {wrong}",
            path=ledger.path,
            key=f"{KIND} {key}",
            hint=EDITED,
        )
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


def _impossible(curve: LearningCurve) -> str | None:
    """What a curve holds that none has: a number without bounds, or a score outside 0 to 1."""
    parts: list[_Part] = [curve, curve.fit, *curve.points, *curve.fit.band]
    for name, value in (pair for part in parts for pair in _numbers(part)):
        low, high = (0.0, 1.0) if name in _SCORES else (-_MOST, _MOST)
        if not low <= value <= high:
            return f"{name} is {str(value)[:20]}; expected {low:g} to {high:g}"
    sizes = [at.examples for at in curve.fit.band]
    if sizes != sorted(set(sizes)) or (sizes and not 1 <= sizes[0] <= curve.fit.largest):
        return "the sizes that it projects to do not rise"
    return None


def _numbers(part: _Part) -> Iterator[tuple[str, float]]:
    for one in fields(part):
        value = getattr(part, one.name)
        if isinstance(value, int | float) and one.name != "seed":
            yield one.name, value
