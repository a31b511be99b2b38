"""The verdicts again, from what is stored: no model, no clock."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from benchmarks.verdicts.compact import Stored, restore
from evals.ledger import Ledger
from evals.spending.prices import Prices
from evals.suite import Suite
from tuning.cost.after import cost_route, measured_payback
from tuning.gate.evidence import arm_of, clusters_of
from tuning.records import Decision, GuardLine, JobRecord, ShipDecision
from tuning.shipping.judging import Guard, judge_adapter
from tuning.stored import decide_stored


@dataclass(frozen=True)
class Shown:
    """One suite: the job as it was stored, and both verdicts as they follow from its runs today.

    `shipping` is as stored where no sealed case was run (a failed proof), None without training.
    """

    suite: Suite
    job: JobRecord
    decision: Decision
    shipping: ShipDecision | None


def show(stored: Stored, suite: Suite, guards: Mapping[str, Suite], prices: Prices) -> Shown:
    """Derive the gate's verdict and the one after training."""
    with tempfile.TemporaryDirectory() as folder, closing(Ledger(Path(folder))) as ledger:
        restore(stored, [suite, *guards.values()], ledger)
        decision = decide_stored(suite, ledger, stored.job.model, guards=guards, prices=prices)
        return Shown(suite, stored.job, decision, _shipping(stored.job, suite, ledger, prices))


def _shipping(job: JobRecord, suite: Suite, ledger: Ledger, prices: Prices) -> ShipDecision | None:
    said, training = job.shipping, job.training
    if said is None or training is None or not (job.leader_test and job.adapter_test):
        return said
    before, after = ledger.run(job.leader_test), ledger.run(job.adapter_test)
    cost = measured_payback(before, after, training, suite.operation, prices)
    return judge_adapter(
        arm_of(before),
        arm_of(after),
        [_guard(line, ledger) for line in said.guards],
        min_gain=suite.min_gain,
        look=said.look,
        clusters=clusters_of(before),
        target=suite.target,
        cost=cost_route(cost, suite.operation),
        text=said.text,
    )


def _guard(line: GuardLine, ledger: Ledger) -> Guard:
    base, tuned = ledger.run(line.base_run), ledger.run(line.tuned_run)
    return Guard(line.suite, arm_of(base), arm_of(tuned), line.margin, clusters_of(base))
