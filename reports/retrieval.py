"""Documents: what retrieval found, apart from how good the answers were, and the probe."""

from __future__ import annotations

from dataclasses import dataclass

from evals.retrieval.recall import Recall
from evals.summaries import Mean
from reports import numbers
from tuning.records import Interval, JobRecord, OracleLine


@dataclass(frozen=True)
class RetrievalRow:
    """One candidate that retrieves; texts are ready to show."""

    label: str
    name: str
    recall: str
    bounds: str
    cases: str
    found: str
    missed: str


@dataclass(frozen=True)
class RetrievalView:
    """The probe in a sentence (empty where it was not run), and every candidate that retrieves."""

    probe: str
    rows: tuple[RetrievalRow, ...]


def retrieval_view(job: JobRecord) -> RetrievalView | None:
    """None where nothing was retrieved and no probe was run."""
    decision = job.decision
    if decision is None or not (decision.recalls or decision.oracle):
        return None
    return RetrievalView(
        _probe(decision.oracle) if decision.oracle else "",
        tuple(map(_row, decision.recalls)),
    )


def _probe(oracle: OracleLine) -> str:
    score = numbers.score(oracle.score.estimate if oracle.score else None)
    text = (
        f"With each case's own documents in its prompt, which no one can deploy, {oracle.label} "
        f"scores {score} ({numbers.bounds(oracle.score)})"
    )
    if oracle.difference:
        text += (
            f": {numbers.signed(oracle.difference.estimate)} "
            f"({numbers.signed_bounds(oracle.difference)}) against itself as it was tried"
        )
    if oracle.without:
        text += f"; {numbers.plural(oracle.without, 'case')} without documents were shown none"
    if oracle.errors:
        text += f"; {numbers.plural(oracle.errors, 'case')} ended in errors"
    return f"{text}."


def _row(recall: Recall) -> RetrievalRow:
    mean = recall.recall
    return RetrievalRow(
        label=recall.label,
        name=mean.name,
        recall=numbers.score(mean.mean),
        bounds=_bounds(mean),
        cases=numbers.count(mean.n),
        found=_quality(recall.found),
        missed=_quality(recall.missed),
    )


def _bounds(mean: Mean) -> str:
    if mean.low is None or mean.high is None:
        return numbers.NOTHING
    return numbers.bounds(Interval(mean.mean, mean.low, mean.high))


def _quality(mean: Mean | None) -> str:
    if mean is None:
        return numbers.NOTHING
    return f"{numbers.score(mean.mean)} ({_bounds(mean)}), {numbers.plural(mean.n, 'case')}"
