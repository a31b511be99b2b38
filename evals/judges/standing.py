"""Which judges may gate, from what is stored: nothing is asked, and nothing opened."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from evals.codec import decode
from evals.judges.calibrating import CALIBRATION, calibration_key, labelled_identity, labels_of
from evals.judges.records import Calibration, JudgeStanding
from evals.judges.uses import JudgeUse, judges_of
from evals.ledger import Ledger
from evals.suite.spec import Suite


def judge_standings(
    suite: Suite, ledger: Ledger, judges: Mapping[str, str], gating: Collection[str]
) -> tuple[JudgeStanding, ...]:
    """What is known of every judge of the suite; verdicts rest on the metrics in `gating`.

    `judges` are the identities of the models that judged, by name. Of a model that is not
    among them the least favourable calibration counts. Raises SuiteError for a malformed
    labels file.
    """
    return tuple(
        _standing(use, suite, ledger, judges.get(use.model), gates=use.metric in gating)
        for use in judges_of(suite)
    )


def _standing(
    use: JudgeUse, suite: Suite, ledger: Ledger, model: str | None, *, gates: bool
) -> JudgeStanding:
    found, missing = None, ""
    if use.labels_file is None:
        missing = (
            "no labels by people: give it `calibration`, a file with answers that people labelled"
        )
    else:
        found = _stored(use, suite, ledger, model)
        if found is None:
            missing = "it was not held against people's labels: run `tunegate eval`"
    return JudgeStanding(
        suite=suite.name,
        metric=use.metric,
        name=use.spec.name,
        model=use.model,
        gates=gates,
        calibration=found,
        missing=missing,
    )


def _stored(use: JudgeUse, suite: Suite, ledger: Ledger, model: str | None) -> Calibration | None:
    labels = labels_of(use, suite)
    if model is not None:
        return ledger.load(CALIBRATION, calibration_key(use, suite, labels, model), Calibration)
    identity = labelled_identity(use, suite, labels)
    stored = (decode(body, Calibration) for body in ledger.documents(CALIBRATION).values())
    fitting = [one for one in stored if one.identity == identity]
    return min(fitting, key=lambda one: (one.reached, one.least or -1.0), default=None)
