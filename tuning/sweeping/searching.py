"""A search of settings before the training that uses what it found.

Trials learn from a part of train and are judged on another; dev and test are not touched, so
nothing that is claimed of the adapter on them has to be corrected for how much was tried here.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import NamedTuple

from evals.approach import PLAIN, Technique
from evals.errors import UsageError
from evals.judges.identity import judge_identities, scoring_identity
from evals.scorers import build_scorers
from evals.suite.spec import Suite, SweepSpec
from tuning.data.accepting import accepted_by
from tuning.data.dataset import carried
from tuning.data.lint import refuse_errors
from tuning.evaluating import EvaluateCases
from tuning.learning.sampling import WHOLE, Part
from tuning.records import TrainingRecord
from tuning.sweeping.comparing import compare
from tuning.sweeping.halving import Climbed, climb, standing
from tuning.sweeping.parts import part_examples
from tuning.sweeping.planning import Plan, Rung, plan_sweep
from tuning.sweeping.records import StoredTrial, SweepRecord
from tuning.sweeping.space import Settings, default_of, others, settled
from tuning.sweeping.trials import Bench
from tuning.sweeping.wording import found_sentence
from tuning.trainer import Trainer
from tuning.training.base import open_base
from tuning.training.tune import make_task, training_set

TIMES = 10
"""The budget where none is stated: so many times what the default training sees."""


@dataclass(frozen=True)
class SearchingTrainer:
    """A trainer that searches for settings first where the suite asks for it.

    `evaluate` runs candidates on train cases. A search is made once, whatever is trained then.
    """

    trainer: Trainer
    evaluate: EvaluateCases
    searched: dict[Technique, SweepRecord] = field(default_factory=dict)

    def train(
        self, part: Part = WHOLE, label: str = "training", *, leader: Technique = PLAIN
    ) -> TrainingRecord:
        """As `Trainer.train`, with the settings that were found and the record of the search."""
        suite = self.trainer.suite
        if suite.tune.sweep is None:
            return self.trainer.train(part, label, leader=leader)
        refuse_search(suite, self.trainer.begin_from)
        found = self._found(suite.tune.sweep, leader)
        own = replace(suite, tune=settled(suite.tune, found))
        trained = replace(self.trainer, suite=own).train(part, label, leader=leader)
        return replace(trained, sweep=found)

    def _found(self, spec: SweepSpec, leader: Technique) -> SweepRecord:
        technique = carried(leader, self.trainer.suite.tune)
        if technique not in self.searched:
            bench, default = self._bench(spec, leader)
            self.searched[technique] = search_settings(bench, spec, default)
        return self.searched[technique]

    def _bench(self, spec: SweepSpec, leader: Technique) -> tuple[Bench, Settings]:
        """What trials need, and the settings of the training without a search."""
        trainer, suite = self.trainer, self.trainer.suite
        trainer.model.use_adapter(None)
        base, technique = open_base(trainer.model.name), carried(leader, suite.tune)
        with build_scorers(suite, trainer.asker) as scorers:
            accepts = accepted_by(scorers[suite.primary], suite.split("train"))
            data = training_set(suite, base, accepts=accepts, technique=technique)
        refuse_errors(data.findings)
        judges = judge_identities(suite, trainer.asker) if trainer.asker else {}
        bench = Bench(
            suite=suite,
            base=base,
            data=data,
            parts=part_examples(suite, data.examples, spec.seed),
            leader=leader,
            scoring=scoring_identity(suite, judges),
            model=trainer.model,
            ledger=trainer.ledger,
            root=trainer.ledger.folder / "sweep",
            replay=trainer.replay,
            narrator=trainer.narrator,
            evaluate=self.evaluate,
        )
        return bench, default_of(make_task(suite, base, data, data.examples).settings)


def refuse_search(suite: Suite, begin_from: Path | None) -> None:
    """Raise UsageError for a search of settings where training begins from an adapter."""
    if suite.tune.sweep is not None and begin_from is not None:
        raise UsageError(
            "settings are searched for by trainings that begin from the base, and this one "
            "begins from an adapter",
            key="tune.sweep",
            hint="state the settings, or leave the search out with --no-sweep",
        )


class Search(NamedTuple):
    """A search as it was planned; `possible` counts the settings that were not drawn, too."""

    bench: Bench
    seed: int
    budget: int
    plan: Plan
    possible: int


class Held(NamedTuple):
    """Settings with what they came to on all that is learnt from."""

    settings: Settings
    trial: StoredTrial


def search_settings(bench: Bench, spec: SweepSpec, default: Settings) -> SweepRecord:
    """Plan within the budget, try, and hold the best against the default.

    The default is tried first, which tells how long the rest will take. Raises TrainingError
    where the budget or the examples are too few.
    """
    whole, order = Fraction(1), others(spec, default)
    cost = cache(bench.cost)
    budget = spec.budget or TIMES * cost(default, whole)
    plan = plan_sweep(order, default, len(bench.parts.learnt), budget, cost)
    search = Search(bench, spec.seed, budget, plan, len(order) + 1)
    note = bench.narrator.note
    note(_planned(search))
    held = bench.run(default, len(plan.rungs), Rung(1, whole), default=True)
    note(_left(held, plan))
    climbed = climb(plan.contenders, plan.rungs, bench.run)
    bench.clear()
    best = min(climbed.last, key=lambda one: standing(one[1]))
    found = _found(search, Held(default, held), Held(*best), climbed)
    note(found.sentence)
    return found


def _found(search: Search, default: Held, best: Held, climbed: Climbed) -> SweepRecord:
    bench, plan = search.bench, search.plan
    tried, judged = len(plan.contenders), len(bench.parts.judged)
    compared = compare(default.trial, best.trial, bench.parts.groups, tried)
    trials = tuple(one.trial for one in (*climbed.trials, default.trial))
    settings = best.settings if compared.taken else default.settings
    return SweepRecord(
        found=settings.as_dict(),
        default=default.settings.as_dict(),
        best=best.settings.as_dict(),
        changed=compared.taken,
        by=compared.by,
        sentence=found_sentence(
            compared,
            default.settings,
            best.settings,
            tried=tried,
            judged=bench.parts.scored or judged,
            default_failed=default.trial.trial.failed,
            best_failed=best.trial.trial.failed,
        ),
        budget=search.budget,
        planned=plan.planned,
        seen=sum(trial.seen for trial in trials),
        seed=search.seed,
        tried=tried,
        possible=search.possible,
        learnt=len(bench.parts.learnt),
        judged=judged,
        groups=len(set(bench.parts.groups)),
        seconds=sum(trial.seconds for trial in trials),
        score=compared.score,
        loss=compared.loss,
        trials=trials,
    )


def _planned(search: Search) -> str:
    plan, parts = search.plan, search.bench.parts
    rungs = ", then ".join(
        f"{rung.tried} on {float(rung.share):.0%}" if rung.share < 1 else f"{rung.tried} on all"
        for rung in plan.rungs
    )
    return (
        f"search of settings: {len(plan.contenders)} of {search.possible - 1} others beside the "
        f"default, {rungs} of {len(parts.learnt)} train examples; {len(parts.judged)} others "
        f"judge. At most {plan.planned:,} examples seen, of a budget of {search.budget:,}"
    )


def _left(held: StoredTrial, plan: Plan) -> str:
    trial = held.trial
    if not trial.seen:
        return "the default's training failed; the others are tried nevertheless"
    minutes = trial.seconds / trial.seen * (plan.planned - trial.seen) / 60
    return f"the others take at most about {max(1, round(minutes))} min by the default's time"
