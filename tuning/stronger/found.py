"""The stored runs by which the models of `compare_models` are judged.

Such a run asks what the leader's run asked: the same prompt, demonstrations, decoding and
cases, scored the same, with no adapter. Like the search it is found by what it is and not by
who made it, so `gate` finds what `run` has made, and what `eval --model` has.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from evals.ledger import Ledger
from evals.records import Candidate, Run
from evals.spending.prices import Prices
from evals.suite.spec import Suite
from tuning.gate.evidence import StrongerModel, arm_of
from tuning.records import Decision
from tuning.stronger.cost import cost_of_thousand


class Found(NamedTuple):
    """The run that counts, if there is one, and how many of other weights do not."""

    run: Run | None = None
    left_out: int = 0


def compared_models(suite: Suite, model: str) -> tuple[str, ...]:
    """The models that the suite names, without the one that is judged."""
    return tuple(name for name in suite.compare_models if name != model)


def awaits_others(decision: Decision) -> bool:
    """Whether other models can change the verdict: a plateau, a target, no earlier rule.

    Anywhere else what they can do is no question yet, and asking them may cost money.
    """
    if not decision.plateau or decision.target is None or not decision.stronger:
        return False
    verdicts = [rule.verdict for rule in decision.rules]
    applied = [rule.status for rule in decision.rules].index("applies")
    return applied >= verdicts.index("try_stronger_model")


def unrun_models(suite: Suite, model: str) -> tuple[StrongerModel, ...] | None:
    """The models to compare before any of them was looked at; None where the suite names none."""
    names = compared_models(suite, model)
    return tuple(StrongerModel(name, None) for name in names) or None


def find_stronger(
    suite: Suite,
    ledger: Ledger,
    leader: Run,
    prices: Prices,
    fingerprints: Mapping[str, str] | None = None,
) -> tuple[StrongerModel, ...]:
    """Every model to compare, with its run where one is stored that fits the leader's.

    `fingerprints` are what the models are now, by name, where a command has opened them; of
    another the newest run counts. What they cost is by `prices`.
    """
    known = fingerprints or {}
    return tuple(
        _evidence(name, _find(ledger, leader, name, known.get(name)), suite, prices)
        for name in compared_models(suite, leader.candidate.model)
    )


def _evidence(name: str, found: Found, suite: Suite, prices: Prices) -> StrongerModel:
    cost = cost_of_thousand(found.run, prices) if found.run else None
    return StrongerModel(
        name,
        arm_of(found.run) if found.run else None,
        cost=cost.money if cost else None,
        max_cost=suite.operation.max_cost,
        currency=cost.currency if cost else prices.currency,
        left_out=found.left_out,
    )


def _find(ledger: Ledger, leader: Run, model: str, model_fingerprint: str | None) -> Found:
    cases = _cases(leader)
    fitting = []
    for header in ledger.runs(leader.suite, leader.split):
        if header.candidate.model != model or not _asks_the_same(header, leader):
            continue
        run = ledger.run(header.id)
        if _cases(run) == cases:
            fitting.append(run)
    if fitting and model_fingerprint is None:
        model_fingerprint = fitting[-1].candidate.model_fingerprint
    counting = [run for run in fitting if run.candidate.model_fingerprint == model_fingerprint]
    return Found(counting[-1] if counting else None, len(fitting) - len(counting))


def _asks_the_same(run: Run, leader: Run) -> bool:
    scored = run.scoring_fingerprint == leader.scoring_fingerprint
    return scored and _question(run.candidate) == _question(leader.candidate)


def _question(candidate: Candidate) -> tuple[object, ...]:
    """All of a candidate but the model."""
    return (
        candidate.prompt_fingerprint,
        candidate.demonstrations,
        candidate.k,
        candidate.seed,
        candidate.demonstrations_fingerprint,
        candidate.adapter,
        candidate.decoding,
        candidate.technique,
        candidate.listed,
        candidate.found,
        candidate.documents_fingerprint,
    )


def _cases(run: Run) -> dict[str, str]:
    return {result.case_id: result.case_fingerprint for result in run.results}
