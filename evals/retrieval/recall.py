"""How much of what a case needs was found, told apart from how good its answer was.

Recomputed from a stored run and its cases alone: no model, no index.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from evals.records import Case, CaseResult, Run
from evals.stats import known_bounds
from evals.summaries import Mean


@dataclass(frozen=True)
class Recall:
    """Recall of a run that showed up to `pieces` pieces of documents to each case.

    `recall` is the mean share of a case's own documents that something was shown of, over the
    cases that name any; `without` counts the others. `found` and `missed` are the run's mean
    score over the cases for which all of their documents were shown, and over those for which
    one or more were not; None where there is no such case with a score.
    """

    run_id: str
    label: str
    pieces: int
    recall: Mean
    found: Mean | None
    missed: Mean | None
    without: int = 0

    @property
    def sentence(self) -> str:
        """All of it in one sentence."""
        parts = [f"{self.recall.name} {_said(self.recall)} over {_cases(self.recall.n)}"]
        if self.without:
            parts.append(f"{_cases(self.without)} name no documents")
        if self.found:
            parts.append(f"score {_said(self.found)} where all were found ({self.found.n})")
        if self.missed:
            parts.append(f"{_said(self.missed)} where not ({self.missed.n})")
        return "; ".join(parts)


def recall_of(run: Run, cases: Mapping[str, Case]) -> Recall | None:
    """The recall of a run; `cases` are those of the suite or ledger, by id or fingerprint.

    None for a run that retrieves nothing (`oracle` needs to find nothing either), and where no
    case names documents.
    """
    technique = run.candidate.technique
    if technique.retrieval != "bm25":
        return None
    known = [(result, _needed(result, cases)) for result in run.results]
    rows = [(result, needed) for result, needed in known if needed]
    if not rows:
        return None
    shares = [_share(result, needed) for result, needed in rows]
    complete = [result for (result, _), share in zip(rows, shares, strict=True) if share == 1.0]
    partial = [result for (result, _), share in zip(rows, shares, strict=True) if share < 1.0]
    name = f"recall@{technique.documents}"
    return Recall(
        run_id=run.id,
        label=run.candidate.label,
        pieces=technique.documents,
        recall=_mean(name, shares, [result for result, _ in rows]),
        found=_quality("found", run.primary, complete),
        missed=_quality("missed", run.primary, partial),
        without=len(known) - len(rows),
    )


def _needed(result: CaseResult, cases: Mapping[str, Case]) -> tuple[str, ...]:
    case = cases.get(result.case_fingerprint) or cases.get(result.case_id)
    return case.documents if case else ()


def _share(result: CaseResult, needed: Sequence[str]) -> float:
    return sum(name in result.documents for name in needed) / len(needed)


def _quality(name: str, metric: str, results: Iterable[CaseResult]) -> Mean | None:
    scored = [result for result in results if not result.failed]
    values = [result.scores[metric].value for result in scored]
    return _mean(name, values, scored) if scored else None


def _mean(name: str, values: Sequence[float], results: Sequence[CaseResult]) -> Mean:
    low, high = known_bounds(values, [result.cluster for result in results])
    return Mean(name, sum(values) / len(values), low, high, len(values))


def _said(mean: Mean) -> str:
    if mean.low is None or mean.high is None:
        return f"{mean.mean:.2f}"
    return f"{mean.mean:.2f} ({mean.low:.2f} to {mean.high:.2f})"


def _cases(count: int) -> str:
    return "1 case" if count == 1 else f"{count} cases"
