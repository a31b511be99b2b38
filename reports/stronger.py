"""Other models with the leading prompt: the table under how prompting was tried."""

from __future__ import annotations

from dataclasses import dataclass

from evals.records import Run
from evals.spending.wording import money_said
from reports import numbers
from reports.hosted import per_call, quantile
from reports.stored import is_named
from tuning.records import Decision, JobRecord, StrongerLine


@dataclass(frozen=True)
class StrongerRow:
    """One model; texts are ready to show. `difference` is against the model judged."""

    model: str
    standing: str
    score: str
    bounds: str
    certain: str
    difference: str
    difference_bounds: str
    thousand: str
    median: str
    p95: str
    cases: str
    errors: str


@dataclass(frozen=True)
class StrongerView:
    """The model that is judged, and every model the suite names to compare, in its order."""

    caption: str
    rows: tuple[StrongerRow, ...]


def stronger_view(job: JobRecord) -> StrongerView | None:
    """None where no other model was run."""
    decision = job.decision
    if decision is None or not any(line.run_id for line in decision.stronger):
        return None
    leader = next((t for t in decision.trials if is_named(t, decision.leader)), None)
    prompt = leader.label if leader else decision.leader
    target = "" if decision.target is None else f", target {numbers.score(decision.target)}"
    rows = [*_judged_here(job, decision), *(_row(job, line) for line in decision.stronger)]
    return StrongerView(
        f"Models with the prompt {prompt}, on the same dev cases{target}.", (*rows,)
    )


def _judged_here(job: JobRecord, decision: Decision) -> list[StrongerRow]:
    leader = next((t for t in decision.trials if is_named(t, decision.leader)), None)
    if leader is None:
        return []
    run = job.runs.get(leader.run_id)
    median, p95 = _latency(run)
    cost = per_call(run)
    currency = run.spent.currency if run and run.spent else ""
    return [
        StrongerRow(
            job.model,
            "judged here",
            numbers.score(leader.score.estimate),
            numbers.bounds(leader.score),
            numbers.NOTHING,
            numbers.NOTHING,
            "",
            numbers.NOTHING if cost is None else money_said(1000 * cost, currency),
            median,
            p95,
            numbers.count(leader.cases),
            numbers.count(leader.errors),
        )
    ]


def _row(job: JobRecord, line: StrongerLine) -> StrongerRow:
    median, p95 = _latency(job.runs.get(line.run_id) if line.run_id else None)
    difference = line.difference
    return StrongerRow(
        line.model,
        _standing(line),
        numbers.score(line.score.estimate if line.score else None),
        numbers.bounds(line.score),
        numbers.least(line.certain),
        numbers.signed(difference.estimate if difference else None),
        numbers.signed_bounds(difference) if difference else "",
        numbers.NOTHING if line.cost is None else money_said(line.cost, line.currency),
        median,
        p95,
        numbers.count(line.cases) if line.run_id else numbers.NOTHING,
        numbers.count(line.errors) if line.run_id else numbers.NOTHING,
    )


def _standing(line: StrongerLine) -> str:
    """What the gate makes of a model, in a few words."""
    if line.run_id is None:
        return "not run"
    if not line.usable:
        return "cannot be judged"
    if not line.reaches:
        return "target not shown to be reached"
    if line.suffices:
        return "reaches the target" if line.max_cost is not None else "reaches it, cost not judged"
    return "too dear" if line.cost is not None else "reaches it at unknown cost"


def _latency(run: Run | None) -> tuple[str, str]:
    median, p95 = latency_of(run)
    return numbers.duration(median), numbers.duration(p95)


def latency_of(run: Run | None) -> tuple[float | None, float | None]:
    """Median and 95th percentile of the seconds for a call; None where not measured."""
    seconds = sorted(r.output.seconds for r in run.results if not r.output.error) if run else []
    if not seconds or seconds[-1] <= 0:
        return None, None
    return quantile(seconds, 0.5), quantile(seconds, 0.95)
