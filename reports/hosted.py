"""What every hosted candidate costs, and how long its calls take."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from evals.records import Run
from evals.spending.records import Spending
from evals.spending.wording import money_said
from reports import numbers
from reports.stored import run_label


@dataclass(frozen=True)
class HostedRow:
    """One candidate on one split; `thousand` is the money for a thousand calls."""

    label: str
    suite: str
    split: str
    requests: str
    prompt_tokens: str
    completion_tokens: str
    thousand: str
    median: str
    p95: str


def hosted_rows(runs: Sequence[Run], model: str = "") -> tuple[HostedRow, ...]:
    """The runs of hosted models, cheapest first; those without a price come last.

    Of another model than `model` its name is said, too.
    """
    return tuple(_row(run, model) for run in hosted_runs(runs))


def hosted_runs(runs: Sequence[Run]) -> list[Run]:
    """The runs of hosted models, cheapest first; those without a price come last."""
    return sorted((run for run in runs if run.spent is not None), key=_rank)


def per_call(run: Run | None) -> float | None:
    """Money for a case that was answered; None where no price is known, or nothing answered."""
    if run is None or run.spent is None or run.spent.money is None:
        return None
    answered = sum(result.output.error is None for result in run.results)
    return run.spent.money / answered if answered else None


def _rank(run: Run) -> tuple[float, str, str]:
    cost = per_call(run)
    return math.inf if cost is None else cost, run.created, run.id


def _row(run: Run, model: str) -> HostedRow:
    assert run.spent is not None
    cost = per_call(run)
    seconds = sorted(r.output.seconds for r in run.results if r.output.error is None)
    return HostedRow(
        label=run_label(run, model),
        suite=run.suite,
        split=run.split,
        requests=numbers.count(run.spent.requests),
        prompt_tokens=numbers.count(run.spent.prompt_tokens),
        completion_tokens=numbers.count(run.spent.completion_tokens),
        thousand=_thousand(run.spent, cost),
        median=numbers.duration(quantile(seconds, 0.5)),
        p95=numbers.duration(quantile(seconds, 0.95)),
    )


def _thousand(spent: Spending, cost: float | None) -> str:
    if cost is not None:
        return money_said(1000 * cost, spent.currency)
    return "no price" if spent.price is None else "not known"


def quantile(ordered: Sequence[float], share: float) -> float | None:
    """The smallest value that at least that share of the values does not exceed."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None
