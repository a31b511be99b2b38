"""Runs as tables of scores by case: what a baseline keeps and a verdict compares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from evals.fingerprint import fingerprint
from evals.records import CaseResult, Run
from evals.regression.records import ScoredCase
from evals.repeats import by_case, mean_of_repeats, scores_of

Table = Mapping[str, ScoredCase]


class Scores(NamedTuple):
    """One metric of a table: scores by case id, ids without one, and clusters."""

    values: dict[str, float]
    errors: list[str]
    clusters: dict[str, str | None]


def tabulate(runs: Sequence[Run]) -> dict[str, ScoredCase]:
    """One table of the repeats of one candidate: scores averaged case by case.

    A case of which any repeat ended without a score has none. Raises RecordError where the
    runs are not over the same cases.
    """
    metrics = list(dict.fromkeys(name for run in runs for r in run.results for name in r.scores))
    return {case: _scored(results, metrics) for case, results in by_case(runs).items()}


def _scored(results: Sequence[CaseResult], metrics: Sequence[str]) -> ScoredCase:
    first = results[0]
    failed = next((result.failed for result in results if result.failed), None)
    each = {name: scores_of(results, name) for name in metrics}
    means = {name: mean_of_repeats(scores) for name, scores in each.items()}
    return ScoredCase(
        case=first.case_fingerprint,
        request=first.prompt_hash,
        output=fingerprint("outputs@1", [result.output.said for result in results]),
        scores={name: mean for name, mean in means.items() if mean is not None},
        cluster=first.cluster,
        error=failed,
        each=each if len(results) > 1 else {},
    )


def metric_scores(table: Table, metric: str, cases: Sequence[str] | None = None) -> Scores:
    """One metric of `table`, over all its cases or those of `cases` that it has."""
    chosen = [name for name in (table if cases is None else cases) if name in table]
    return Scores(
        {name: table[name].scores[metric] for name in chosen if metric in table[name].scores},
        [name for name in chosen if metric not in table[name].scores],
        {name: table[name].cluster for name in chosen},
    )
