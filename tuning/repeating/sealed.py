"""Several trainings on the sealed split and the guards: one look, one verdict.

The look is at all of them together, and is written down before anything is generated. Each
candidate is run once; what is stored of them is found again, so a job that was killed goes on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from evals.fingerprint import fingerprint
from evals.looks import take_look
from evals.models.protocol import AdaptableModel
from evals.records import Candidate, Run, SplitName
from evals.spending.prices import Prices
from evals.suite.spec import Suite
from tuning.cost.after import UNTIMED, DevRuns, cost_route, measured_payback
from tuning.evaluating import Evaluate
from tuning.forgetting.records import TextChange
from tuning.gate.evidence import arm_of, clusters_of
from tuning.records import TrainingRecord
from tuning.repeating.judging import Contender, judge_trainings
from tuning.repeating.training import best_look, seed_of
from tuning.shipping.sealed import (
    Arms,
    Look,
    Sealed,
    Sides,
    judge_sealed,
    names_of,
    pair_fingerprint,
    run_sealed,
    with_call_costs,
)


def judge_seeds(
    trainings: Sequence[TrainingRecord],
    *,
    suite: Suite,
    guards: Mapping[str, Suite],
    model: AdaptableModel,
    leader: Candidate,
    tuned: Candidate,
    evaluate: Evaluate,
    look: Look,
    prices: Prices | None = None,
    asked: str = "",
    guard_alpha: float | None = None,
    texts: Sequence[TextChange | None] = (),
    dev: DevRuns = UNTIMED,
) -> Sealed:
    """Judge the first of `trainings`, beside the others; a single one as `judge_sealed` does.

    `tuned`, `asked` and `guard_alpha` are as there, of the first; the others are asked the same
    way. `texts` are the changes on neutral text, one for each training; empty: not measured.
    `dev` are as in `measured_payback`, of the first.
    """
    texts = texts or [None] * len(trainings)
    if len(trainings) == 1:
        return judge_sealed(
            suite=suite,
            guards=guards,
            model=model,
            leader=leader,
            tuned=tuned,
            training=trainings[0],
            evaluate=evaluate,
            look=look,
            prices=prices,
            asked=asked,
            guard_alpha=guard_alpha,
            text=texts[0],
            dev=dev,
        )
    candidates = [
        replace(tuned, adapter=one.adapter, adapter_path=one.adapter_path) for one in trainings
    ]
    number = take_look(
        look.path,
        suite.split("test"),
        fingerprint("seeds@1", leader.fingerprint, sorted(one.fingerprint for one in candidates)),
        among=[one.adapter for one in trainings],
        known_as=[*names_of(trainings), *(pair_fingerprint(leader, one) for one in candidates)],
        purpose=f"{tuned.label}, {len(candidates)} seeds, against {leader.label}",
        when=look.when.isoformat(timespec="seconds"),
    )
    once = _once(evaluate)
    arms = [
        run_sealed(
            Sides(suite, leader, candidate, f", seed {seed_of(one)}"),
            guards=guards,
            model=model,
            training=one,
            evaluate=once,
        )
        for one, candidate in zip(trainings, candidates, strict=True)
    ]
    known = prices or Prices()
    return _judged(
        trainings, arms, texts, suite=suite, number=number, prices=known, asked=asked, dev=dev
    )


def _judged(
    trainings: Sequence[TrainingRecord],
    arms: Sequence[Arms],
    texts: Sequence[TextChange | None],
    *,
    suite: Suite,
    number: int,
    prices: Prices,
    asked: str,
    dev: DevRuns,
) -> Sealed:
    """The verdict at look `number`, and what the trainings cost together."""
    before, after, _ = arms[0]
    # Who would train anew would train them all again.
    together = replace(trainings[0], seconds=sum(one.seconds for one in trainings))
    cost = measured_payback(before, after, together, suite.operation, prices, dev=dev)
    decision = judge_trainings(
        arm_of(before),
        [_contender(*each) for each in zip(trainings, arms, texts, strict=True)],
        min_gain=suite.min_gain,
        look=number,
        clusters=clusters_of(before),
        target=suite.target,
        cost=cost_route(cost, suite.operation),
        asked=asked,
    )
    return Sealed(with_call_costs(decision, cost, before, after, prices), before, after)


def _contender(training: TrainingRecord, arms: Arms, text: TextChange | None) -> Contender:
    return Contender(
        seed=seed_of(training),
        adapter=training.adapter,
        after=arm_of(arms.after),
        guards=arms.guards,
        held_out=best_look(training),
        text=text,
    )


def _once(evaluate: Evaluate) -> Evaluate:
    """Asks for each run once: what all trainings are held against is the same."""
    made: dict[tuple[str, str, SplitName], Run] = {}

    def run(suite: Suite, candidate: Candidate, split: SplitName, label: str) -> Run:
        key = suite.fingerprint, candidate.fingerprint, split
        if key not in made:
            made[key] = evaluate(suite, candidate, split, label)
        return made[key]

    return run
