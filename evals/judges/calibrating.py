"""Holding a suite's judges against people's labels, and keeping what came out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast

from evals.errors import StatisticsError, UnjudgedError
from evals.fingerprint import fingerprint
from evals.judges.labels import Label, read_labels
from evals.judges.records import Calibration
from evals.judges.uses import JudgeUse, judges_of
from evals.ledger import Ledger
from evals.records import Case, Output
from evals.scorers.registry import build_scorer
from evals.suite.spec import Suite

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from evals.asking import Asker
    from evals.errors import ScorerError
    from evals.stats import Kappa, KappaWeights

CALIBRATION = "calibration"
"""Kind of the ledger's documents."""


class _Judge(Protocol):
    """What both judges are, besides scorers."""

    @property
    def labels(self) -> tuple[str, ...]: ...

    def judged(self, pairs: Iterable[tuple[Case, Output]]) -> Iterator[str | ScorerError]: ...


def calibrate(suite: Suite, asker: Asker, ledger: Ledger) -> tuple[Calibration, ...]:
    """Calibrate every judge of the suite that has labels, or find that it was; keep the results.

    One whose model could not be reached for some labels is left out: the next call asks those
    again. Raises SuiteError for a malformed labels file, and as asking does.
    """
    found: list[Calibration] = []
    for use in judges_of(suite):
        if use.labels_file is None:
            continue
        model = asker.identity(use.model)
        labels = labels_of(use, suite)
        key = calibration_key(use, suite, labels, model)
        stored = ledger.load(CALIBRATION, key, Calibration)
        if stored is None:
            stored = _calibrated(use, suite, labels, asker, (key, model))
            if stored is None:
                continue
            ledger.store(CALIBRATION, key, stored)
        found.append(stored)
    return tuple(found)


def check_labels(*suites: Suite) -> None:
    """Read the labels of every judge that has some, before anything is asked and paid for.

    Raises SuiteError for a malformed labels file.
    """
    for suite in suites:
        for use in judges_of(suite):
            if use.labels_file is not None:
                labels_of(use, suite)


def labels_of(use: JudgeUse, suite: Suite) -> tuple[Label, ...]:
    """People's labels for a judge that has any. Raises SuiteError."""
    assert use.labels_file is not None
    choices = _judge(use, suite, None).labels
    return read_labels(suite.root / use.labels_file, suite.cases, choices)


def labelled_identity(use: JudgeUse, suite: Suite, labels: Sequence[Label]) -> str:
    """Identity of a judge with its labels and the cases that they are of."""
    cases = [[label.case.fingerprint, label.cluster] for label in labels]
    return fingerprint("labelled@1", use.identity(suite), cases)


def calibration_key(use: JudgeUse, suite: Suite, labels: Sequence[Label], model: str) -> str:
    """Where a calibration is kept: it holds for this judge, these labels and this model alone."""
    return fingerprint("calibration@1", labelled_identity(use, suite, labels), model)


def _judge(use: JudgeUse, suite: Suite, asker: Asker | None) -> _Judge:
    return cast("_Judge", build_scorer(use.spec, suite.root, asker))


def _calibrated(
    use: JudgeUse, suite: Suite, labels: Sequence[Label], asker: Asker, keys: tuple[str, str]
) -> Calibration | None:
    """The calibration; None where the judge could not be reached for a label."""
    judge = _judge(use, suite, asker)
    said = list(judge.judged((label.case, Output(label.output, "stop")) for label in labels))
    if any(isinstance(one, UnjudgedError) and one.transient for one in said):
        return None
    place = {choice: number for number, choice in enumerate(judge.labels)}
    people = [place[label.label] for label in labels]
    model = [place[one] if isinstance(one, str) else None for one in said]
    weights = cast("KappaWeights", use.spec.options.get("weights", "none"))
    kappa, problem = _kappa(people, model, len(place), weights, [one.cluster for one in labels])
    columns = [len(place) if one is None else one for one in model]
    rows = [[0] * (len(place) + 1) for _ in place]
    for row, column in zip(people, columns, strict=True):
        rows[row][column] += 1
    right = sum(rows[number][number] for number in range(len(place)))
    return Calibration(
        identity=labelled_identity(use, suite, labels),
        judge_identity=keys[1],
        demanded=use.min_kappa,
        weights=weights,
        choices=judge.labels,
        confusion=tuple(map(tuple, rows)),
        labels=len(labels),
        clusters=kappa.clusters if kappa else None,
        agreement=right / len(labels) if labels else 0.0,
        kappa=kappa.estimate if kappa else None,
        low=kappa.low if kappa else None,
        high=kappa.high if kappa else None,
        least=kappa.least if kappa else None,
        labels_needed=kappa.items_needed(use.min_kappa) if kappa else None,
        problem=problem,
    )


def _kappa(
    people: Sequence[int],
    model: Sequence[int | None],
    choices: int,
    weights: KappaWeights,
    clusters: Sequence[str | None],
) -> tuple[Kappa | None, str]:
    """Kappa, or why there is none."""
    from evals.stats import cohen_kappa

    try:
        found = cohen_kappa(people, model, choices, weights=weights, clusters=clusters)
    except StatisticsError as error:
        return None, error.message
    return found, ""
