"""The models that judge: how far they agree with people, and whether they may gate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from evals.judges.records import Calibration, JudgeStanding
from reports import numbers
from tuning.records import JobRecord

UNREADABLE = "unreadable"


@dataclass(frozen=True)
class ConfusionView:
    """Counts: a row for each label that people gave, a column for each thing the judge said.

    `own` is the number of the column that agrees with the row.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[ConfusionRow, ...]


@dataclass(frozen=True)
class ConfusionRow:
    """One label of people, and how often the judge said what of it."""

    label: str
    counts: tuple[str, ...]
    own: int


@dataclass(frozen=True)
class JudgeRow:
    """One judge with its agreement. `status` is the word by which it is coloured."""

    name: str
    suite: str
    model: str
    status: Literal["pass", "fail", "not_tested"]
    status_label: str
    role: str
    kappa: str
    bounds: str
    least: str
    demanded: str
    agreement: str
    labels: str
    sentence: str
    confusion: ConfusionView | None


@dataclass(frozen=True)
class JudgesView:
    """Every model that judges for the suite or its guards; `sentence` sums them up."""

    sentence: str
    rows: tuple[JudgeRow, ...]


def judges_view(job: JobRecord) -> JudgesView | None:
    """What is known of the judges that a verdict rests on; None where no model judges."""
    judges = job.decision.judges if job.decision else ()
    if not judges:
        return None
    return JudgesView(_sentence(judges), tuple(_row(judge, job.suite) for judge in judges))


def _sentence(judges: tuple[JudgeStanding, ...]) -> str:
    gating = [judge for judge in judges if judge.gates]
    blocked = [judge for judge in gating if not judge.may_gate]
    if not gating:
        return "No verdict rests on a model's judgement: these metrics are only shown."
    if blocked:
        return (
            f"The verdict would rest on {numbers.plural(len(gating), 'judge')}, of which "
            f"{len(blocked)} may not gate: agreement with people is not shown."
        )
    return "Every judge that the verdict rests on is shown to agree with people as demanded."


def _row(judge: JudgeStanding, suite: str) -> JudgeRow:
    found = judge.calibration
    status: Literal["pass", "fail", "not_tested"] = "not_tested" if found is None else "fail"
    elsewhere = "" if judge.suite == suite else f"guard {judge.suite}"
    return JudgeRow(
        name=judge.name,
        suite=elsewhere,
        model=judge.model,
        status="pass" if judge.may_gate else status,
        status_label="may gate" if judge.may_gate else "may not gate",
        role="the verdict rests on it" if judge.gates else "only shown",
        kappa=_two(found.kappa if found else None),
        bounds=_bounds(found),
        least=_two(found.least if found else None),
        demanded=_two(found.demanded if found else None),
        agreement=numbers.percent(found.agreement) if found else numbers.NOTHING,
        labels=numbers.count(found.labels) if found else numbers.NOTHING,
        sentence=found.sentence if found else judge.missing,
        confusion=_confusion(judge.name, found) if found else None,
    )


def _two(value: float | None) -> str:
    """Two decimals, with a minus sign that a table aligns."""
    return numbers.NOTHING if value is None else f"{value:.2f}".replace("-", "\u2212")


def _bounds(found: Calibration | None) -> str:
    if found is None or found.low is None or found.high is None:
        return numbers.NOTHING
    return f"{_two(found.low)} to {_two(found.high)}"


def _confusion(name: str, found: Calibration) -> ConfusionView:
    columns = (*found.choices, UNREADABLE) if found.unreadable else found.choices
    weights = "" if found.weights == "none" else f"; near misses count ({found.weights} weights)"
    clusters = f" in {numbers.plural(found.clusters, 'cluster')}" if found.clusters else ""
    return ConfusionView(
        f"{name}: what people said of {numbers.plural(found.labels, 'answer')}{clusters}, and "
        f"what the judge said{weights}",
        columns,
        tuple(
            ConfusionRow(label, tuple(map(numbers.count, row[: len(columns)])), number)
            for number, (label, row) in enumerate(zip(found.choices, found.confusion, strict=True))
        ),
    )
