"""Runs as tables of scores by case: what a baseline keeps and a verdict compares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from evals.fingerprint import fingerprint
from evals.records import CaseResult, Run
from evals.regression.records import ScoredCase

Table = Mapping[str, ScoredCase]


class Scores(NamedTuple):
    """One metric of a table: scores by case id, ids without one, and clusters."""

    values: dict[str, float]
    errors: list[str]
    clusters: dict[str, str | None]


def tabulate(runs: Sequence[Run]) -> dict[str, ScoredCase]:
    """One table of the repeats of one candidate: scores averaged case by case.

    A case of which any repeat ended without a score has none: an average over what was
    left would favour the repeats that went well.
    """
    by_case = zip(*(run.results for run in runs), strict=True)
    return {results[0].case_id: _scored(results) for results in by_case}


def _scored(results: Sequence[CaseResult]) -> ScoredCase:
    first = results[0]
    failed = next((result.failed for result in results if result.failed), None)
    names = () if failed else tuple(first.scores)
    return ScoredCase(
        case=first.case_fingerprint,
        request=first.prompt_hash,
        output=fingerprint("outputs@1", [result.output.said for result in results]),
        scores={
            name: sum(result.scores[name].value for result in results) / len(results)
            for name in names
        },
        cluster=first.cluster,
        error=failed,
    )


def metric_scores(table: Table, metric: str, cases: Sequence[str] | None = None) -> Scores:
    """One metric of `table`, over all its cases or those of `cases` that it has."""
    chosen = [name for name in (table if cases is None else cases) if name in table]
    return Scores(
        {name: table[name].scores[metric] for name in chosen if metric in table[name].scores},
        [name for name in chosen if metric not in table[name].scores],
        {name: table[name].cluster for name in chosen},
    )
