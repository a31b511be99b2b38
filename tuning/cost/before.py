"""Whether tuning would pay, told before anything is trained: what the gate asks about cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from evals.approach import Approach
from evals.records import Run
from evals.spending.prices import Prices
from evals.stated import options_of
from evals.suite.spec import Suite
from tuning.cost.calls import call_cost, cost_of_call
from tuning.cost.estimate import lengths_of, training_seconds, tuned_call, tuning_run
from tuning.cost.missing import missing_of
from tuning.cost.payback import Sides, payback_of, training_cost
from tuning.data.dataset import carried
from tuning.records import CostStanding, Decision, TrainingEstimate, TrainingRecord
from tuning.training.tune import tuning_prompt


def expected_payback(
    suite: Suite,
    runs: Sequence[Run],
    leader: Run,
    prices: Prices,
    earlier: TrainingRecord | None = None,
) -> CostStanding:
    """When a tuned model in place of `leader` would pay, by estimate; else what is missing.

    `runs` are the dev runs the verdict rests on; `earlier` is what training took before.
    """
    model, operation = leader.candidate.model, suite.operation
    if missing := missing_of(operation, model, prices):
        return CostStanding(missing=missing)
    rate, tuned_rate = prices.rate(model), prices.rate(model, tuned=True)
    assert rate is not None
    assert tuned_rate is not None
    prompt = tuning_prompt(suite)
    own = tuning_run(runs, prompt, carried(leader.candidate.technique, suite.tune))
    before = cost_of_call(leader, rate)
    lengths = lengths_of(suite, prompt, runs, leader)
    if before is None or lengths is None:
        unmeasured = f"'{leader.candidate.label}' was stored without tokens or without seconds"
        return CostStanding(missing=(f"{unmeasured} (run it here)",))
    after = tuned_call(lengths, tuned_rate, own)
    if after is None:
        asked = Approach(technique=carried(leader.candidate.technique, suite.tune))
        how = " ".join([f"tunegate eval {suite.name} --prompt {prompt}", *options_of(asked)])
        untimed = (
            f"'{prompt}{asked.label}', as the adapter would be asked, was never timed without "
            "demonstrations"
        )
        return CostStanding(missing=(f"{untimed} ({how})",))
    earlier = earlier if earlier and earlier.prompt == prompt else None
    seconds = training_seconds(suite, prompt, lengths, runs, earlier)
    if seconds is None:
        return CostStanding(missing=("no stored run says how fast the model is here",))
    sides = Sides(leader.candidate.label, f"{prompt} + adapter", before, after)
    training = training_cost(seconds.times(suite.tune.seeds), operation, prices.hours)
    return CostStanding(payback_of(sides, training, operation, prices.currency, is_estimate=True))


def expected_training(
    suite: Suite, runs: Sequence[Run], leader: Run, earlier: TrainingRecord | None = None
) -> TrainingEstimate | None:
    """What the training of all seeds would take on the machine of `runs`; None where untimed."""
    prompt = tuning_prompt(suite)
    lengths = lengths_of(suite, prompt, runs, leader)
    if lengths is None:
        return None
    earlier = earlier if earlier and earlier.prompt == prompt else None
    found = training_seconds(suite, prompt, lengths, runs, earlier)
    if found is None:
        return None
    likely, most, basis = found.times(suite.tune.seeds)
    return TrainingEstimate(likely, most, basis)


def with_costs(
    decision: Decision, runs: Sequence[Run], prices: Prices, standing: CostStanding
) -> Decision:
    """The decision with what each tried candidate's calls cost, and whether tuning pays."""
    by_id = {run.id: run for run in runs}
    trials = tuple(
        replace(
            trial, cost=call_cost(by_id[trial.run_id], prices) if trial.run_id in by_id else None
        )
        for trial in decision.trials
    )
    return replace(decision, trials=trials, cost=standing)
