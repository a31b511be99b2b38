"""Remedies one after another, where an adapter forgets, until one is good enough.

What is chosen by: every guard passes for certain, at a level that is shared among all adapters
that may be tried (`levels`), and on dev the adapter still gains `min_gain`. The sealed split is
not looked at: it judges the one that is chosen here, in a look of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from evals.errors import TrainingError
from evals.ledger import Ledger
from tuning.forgetting.levels import ALPHA, guard_levels
from tuning.forgetting.records import Tradeoff, TriedAdapter
from tuning.forgetting.remedies import Step
from tuning.forgetting.trying import Bench
from tuning.forgetting.wording import chosen_sentence, forgets_said
from tuning.records import TrainingRecord

AS_TRAINED = "as trained"

Make = Callable[[Step, TrainingRecord], TrainingRecord]
"""The adapter of a step, made of the first one or trained anew, or found; proofs included."""


class Remedied(NamedTuple):
    """The adapter to be judged, the level at which its guards must pass, and what was tried.

    Without a trade-off no remedy was needed. `trained` are the adapters that were made.
    """

    training: TrainingRecord
    guard_alpha: float = ALPHA
    tradeoff: Tradeoff | None = None
    trained: tuple[TrainingRecord, ...] = ()


def choose_remedy(
    bench: Bench,
    training: TrainingRecord,
    steps: Sequence[Step],
    make: Make,
    note: Callable[[str], None],
) -> Remedied:
    """Try the steps in order where `training` forgets; the first good one, else `training`.

    They are tried, too, where it failed a proof: what makes a model forget can also break it.
    """
    levels = guard_levels(len(steps))
    first = _as_trained(bench, training, levels.trained, note) if steps else None
    if first is None:
        return Remedied(training, levels.trained)
    tried = [first]
    made: list[TrainingRecord] = []
    chosen: TrainingRecord | None = None
    for step in steps:
        line, found = try_step(bench, training, step, make, alpha=levels.remedy, tried=tried)
        tried.append(line)
        made += [found] if found else []
        if found is not None and line.keeps and line.gains:
            chosen = found
            break
    tradeoff = _tradeoff(bench, training, tried, remedies=len(steps), chosen=chosen)
    note(tradeoff.sentence)
    alpha = levels.trained if chosen is None else levels.remedy
    return Remedied(chosen or training, alpha, tradeoff, tuple(made))


def _as_trained(
    bench: Bench, training: TrainingRecord, alpha: float, note: Callable[[str], None]
) -> TriedAdapter | None:
    """The line of the adapter as it was trained; None where nothing calls for a remedy."""
    line = TriedAdapter(
        AS_TRAINED,
        adapter=training.adapter,
        adapter_path=training.adapter_path,
        seconds=training.seconds,
    )
    if said := _unproven(training):
        note(f"{said}: remedies are tried")
        return replace(line, failed=said)
    guards, text = bench.forgetting(training, alpha)
    probe = replace(line, guards=guards, text=text)
    if not probe.forgets:
        return None
    note(f"{forgets_said(probe)}: remedies are tried")
    return replace(bench.try_one(training, AS_TRAINED, "", alpha), seconds=training.seconds)


def _unproven(training: TrainingRecord) -> str:
    """Which proof an adapter failed first; empty where it holds all."""
    failed = training.failed_proofs
    return f"it failed a proof: {failed[0].name}: {failed[0].evidence}" if failed else ""


def remedied_seconds(ledger: Ledger, tradeoff: Tradeoff, judged: str) -> float:
    """What the remedies took: their trainings, and their runs on dev and the guards.

    The guards of the adapter that is judged are told with its verdict.
    """
    others = tradeoff.tried[1:]
    runs = [line.run for line in tradeoff.tried if line.run]
    runs += [
        guard.tuned_run
        for line in tradeoff.tried
        if line.adapter != judged
        for guard in line.guards
    ]
    return sum(line.seconds for line in others) + sum(ledger.run(run).seconds for run in runs)


def try_step(
    bench: Bench,
    training: TrainingRecord,
    step: Step,
    make: Make,
    *,
    alpha: float,
    tried: Sequence[TriedAdapter],
) -> tuple[TriedAdapter, TrainingRecord | None]:
    """One step's line, and its adapter where it could be judged."""
    failed = TriedAdapter(step.what, step.remedy)
    try:
        made = make(step, training)
    except TrainingError as error:
        return replace(failed, failed=error.message), None
    failed = replace(failed, adapter=made.adapter, adapter_path=made.adapter_path)
    if any(made.adapter == line.adapter for line in tried):
        return replace(failed, failed="it gives an adapter that was tried already"), None
    if said := _unproven(made):
        return replace(failed, failed=said), None
    line = bench.try_one(made, step.what, step.remedy, alpha)
    return replace(line, seconds=made.seconds if step.tune else 0.0), made


def _tradeoff(
    bench: Bench,
    training: TrainingRecord,
    tried: Sequence[TriedAdapter],
    *,
    remedies: int,
    chosen: TrainingRecord | None,
) -> Tradeoff:
    found = Tradeoff(
        suite=bench.suite.name,
        model=bench.model.name,
        primary=bench.suite.primary,
        adapter=training.adapter,
        leader=bench.leader.id,
        leader_label=bench.leader.candidate.label,
        min_gain=bench.suite.min_gain,
        tried=tuple(tried),
        remedies=remedies,
        chosen=chosen.adapter if chosen else "",
    )
    return replace(found, sentence=chosen_sentence(found))
