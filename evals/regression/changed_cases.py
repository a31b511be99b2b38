"""Which cases lost and gained against the baseline, with what a person needs to see of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from evals.records import Case, CaseResult, Run
from evals.regression.gate import Gate
from evals.regression.judge import same_cases
from evals.regression.records import CaseChange
from evals.regression.tables import Table, metric_scores
from evals.repeats import by_case
from evals.suite.spec import Suite


class ChangedCases(NamedTuple):
    """Cases that lost and that gained against the baseline, the largest change first."""

    lost: tuple[CaseChange, ...] = ()
    gained: tuple[CaseChange, ...] = ()


def changed_cases(suite: Suite, gate: Gate, runs: Sequence[Run], now: Table) -> ChangedCases:
    """Compare the primary metric case by case, over the cases that are the same."""
    metric = gate.definition.primary
    if gate.baseline is None or metric not in suite.metrics:
        return ChangedCases()
    then = metric_scores(gate.baseline.cases, metric, same_cases(gate.baseline, now)).values
    after = metric_scores(now, metric).values
    moved = [name for name in then if then[name] != after.get(name)]
    moved.sort(key=lambda name: (-abs(after.get(name, 0.0) - then[name]), name))
    cases = {case.id: case for case in suite.split(runs[0].split)}
    worst = _worst_results(runs, metric)
    changes = [
        _case_change(cases[name], then[name], after.get(name), worst[name], metric)
        for name in moved
    ]
    return ChangedCases(
        tuple(change for change in changes if (change.after or 0.0) < change.before),
        tuple(change for change in changes if (change.after or 0.0) > change.before),
    )


def _worst_results(runs: Sequence[Run], metric: str) -> dict[str, CaseResult]:
    """Of each case the repeat that shows best why it lost: a failed one, else the lowest score."""

    def score(result: CaseResult) -> float:
        return -1.0 if result.failed else result.scores[metric].value

    return {case: min(results, key=score) for case, results in by_case(runs).items()}


def _case_change(
    case: Case, before: float, after: float | None, result: CaseResult, metric: str
) -> CaseChange:
    return CaseChange(
        id=case.id,
        before=before,
        after=after,
        input=case.asked,
        expected=case.expected,
        got=result.output.said,
        why=result.failed or result.scores[metric].reason,
        path=case.path,
        line=case.line,
    )
