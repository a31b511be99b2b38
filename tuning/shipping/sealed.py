"""After training: best prompt against adapter on the sealed split, and the guards.

Both arms of each comparison run the same way on the same weights, the adapter switched
off and on. The look at the sealed split is written down before anything is generated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from evals.approach import PLAIN, Approach, Technique
from evals.errors import TrainingError
from evals.fingerprint import fingerprint
from evals.looks import take_look
from evals.models.protocol import AdaptableModel
from evals.prompting import make_candidate
from evals.records import Candidate, Run
from evals.spending.prices import Prices
from evals.suite.spec import Suite
from tuning.cost.after import UNTIMED, DevRuns, cost_route, measured_payback
from tuning.cost.calls import call_cost
from tuning.data.dataset import carried
from tuning.evaluating import Evaluate
from tuning.forgetting.records import TextChange
from tuning.gate.evidence import arm_of, clusters_of
from tuning.records import CostStanding, ShipDecision, TrainingRecord
from tuning.shipping.judging import Guard, judge_adapter


class Sealed(NamedTuple):
    """The verdict after training, with the two sealed-split runs it rests on."""

    decision: ShipDecision
    before: Run
    after: Run


class Look(NamedTuple):
    """Where looks are counted, and the time of this one."""

    path: Path
    when: datetime


def judge_sealed(
    *,
    suite: Suite,
    guards: Mapping[str, Suite],
    model: AdaptableModel,
    leader: Candidate,
    tuned: Candidate,
    training: TrainingRecord,
    evaluate: Evaluate,
    look: Look,
    prices: Prices | None = None,
    asked: str = "",
    guard_alpha: float | None = None,
    text: TextChange | None = None,
    dev: DevRuns = UNTIMED,
) -> Sealed:
    """Evaluate leader and adapter on test, base and adapter on every guard, and judge.

    `tuned` is the adapter with the prompt that it is to be judged with; `asked` says which that
    is, where it is not the one it was trained with. `guard_alpha` and `text` are as in
    `judge_adapter`. Where the suite's volume and `prices` are
    known, an adapter may also ship for cost; `dev` are as in `measured_payback`.
    """
    number = take_look(
        look.path,
        suite.split("test"),
        pair_fingerprint(leader, tuned),
        purpose=f"{tuned.label} against {leader.label}",
        when=look.when.isoformat(timespec="seconds"),
        known_as=names_of([training]),
    )
    before, after, arms = run_sealed(
        Sides(suite, leader, tuned),
        guards=guards,
        model=model,
        training=training,
        evaluate=evaluate,
    )
    known = prices or Prices()
    cost = measured_payback(before, after, training, suite.operation, known, dev=dev)
    decision = judge_adapter(
        arm_of(before),
        arm_of(after),
        arms,
        min_gain=suite.min_gain,
        look=number,
        clusters=clusters_of(before),
        target=suite.target,
        cost=cost_route(cost, suite.operation),
        guard_alpha=guard_alpha,
        text=text,
        asked=asked,
    )
    return Sealed(with_call_costs(decision, cost, before, after, known), before, after)


def pair_fingerprint(leader: Candidate, tuned: Candidate) -> str:
    """Identity of a look at the sealed split: what is compared there."""
    return fingerprint("pair@1", leader.fingerprint, tuned.fingerprint)


def names_of(trainings: Sequence[TrainingRecord]) -> list[str]:
    """The adapters of trainings, and those that they were made of.

    As one of several trainings an adapter is known by its weights: with another prompt, against
    another leader, scaled, or trained further, it is still the one that was seen to do well.
    """
    return [name for one in trainings for name in (one.adapter, one.parent) if name]


class Sides(NamedTuple):
    """What is compared on a suite's sealed split: the leader by prompt, and an adapter's prompt.

    `named` stands after the adapter's in what a person is told: which of several it is.
    """

    suite: Suite
    leader: Candidate
    tuned: Candidate
    named: str = ""


class Arms(NamedTuple):
    """The runs of both sides on the sealed split, and the guards with theirs."""

    before: Run
    after: Run
    guards: tuple[Guard, ...]


def run_sealed(
    sides: Sides,
    *,
    guards: Mapping[str, Suite],
    model: AdaptableModel,
    training: TrainingRecord,
    evaluate: Evaluate,
) -> Arms:
    """Run both sides on the sealed split, and each guard without and with the adapter.

    The look at the sealed split has to be written down before.
    """
    suite, leader, tuned, named = sides
    before = evaluate(suite, leader, "test", f"sealed split: {leader.label}")
    after = evaluate(suite, tuned, "test", f"sealed split: {tuned.label}{named}")
    found = tuple(
        guard_arms(guards[spec.suite], spec.max_loss, model, training, evaluate, named=named)
        for spec in suite.guards
    )
    return Arms(before, after, found)


def with_call_costs(
    decision: ShipDecision, cost: CostStanding, before: Run, after: Run, prices: Prices
) -> ShipDecision:
    """The verdict with whether the adapter pays, and what a call of each side costs."""
    return replace(
        decision,
        cost=cost,
        before_cost=call_cost(before, prices),
        after_cost=call_cost(after, prices),
    )


def tuned_candidate(
    suite: Suite, model: AdaptableModel, training: TrainingRecord, leader: Technique = PLAIN
) -> Candidate:
    """The prompt it was trained with on the model with the adapter.

    It is shown as many documents as the suite's `tune` states, else as the leader is, and held to
    the structure that the leader is. Raises TrainingError for an adapter that was trained with
    other documents.
    """
    technique = carried(leader, suite.tune)
    if training.shown != replace(technique, structured=False):
        raise TrainingError(
            f"the adapter was trained with {_retrieved(training.shown)}, and would be asked with "
            f"{_retrieved(technique)}, as {_whose(suite)}",
            path=training.adapter_path,
            hint="train again: `tunegate tune`",
        )
    return _adapted(suite, model, training.prompt, training, technique)


def _whose(suite: Suite) -> str:
    stated = suite.tune.documents is not None
    return "tune.documents states" if stated else "the prompt that it is to beat is"


def _retrieved(technique: Technique) -> str:
    """What a technique shows of documents, in words."""
    if not technique.retrieval:
        return "no documents"
    return f"{technique.documents} retrieved document{'s' * (technique.documents != 1)}"


def _adapted(
    suite: Suite,
    model: AdaptableModel,
    prompt: str,
    training: TrainingRecord,
    technique: Technique = PLAIN,
) -> Candidate:
    return make_candidate(
        suite,
        model,
        prompt,
        Approach(technique=technique),
        adapter=training.adapter,
        adapter_path=training.adapter_path,
    )


def guard_arms(
    guard: Suite,
    margin: float,
    model: AdaptableModel,
    training: TrainingRecord,
    evaluate: Evaluate,
    *,
    named: str = "",
) -> Guard:
    """A guard run on its dev cases without and with the adapter, both asked with its own prompt."""
    prompt = guard.default_prompt
    base = make_candidate(guard, model, prompt)
    tuned = _adapted(guard, model, prompt, training)
    base_run = evaluate(guard, base, "dev", f"guard {guard.name}: base")
    tuned_run = evaluate(guard, tuned, "dev", f"guard {guard.name}: adapter{named}")
    return Guard(
        suite=guard.name,
        base=arm_of(base_run),
        tuned=arm_of(tuned_run),
        margin=margin,
        clusters=clusters_of(base_run),
    )
