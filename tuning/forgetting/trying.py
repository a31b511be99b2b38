"""One adapter of a trade-off: what it gains on dev, what it loses on guards and neutral text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from evals.claims import reaches
from evals.errors import ModelError
from evals.ledger import Ledger
from evals.models.protocol import AdaptableModel
from evals.records import Candidate, Run
from evals.stats import two_sided_z
from evals.suite.spec import Suite
from tuning.evaluating import Evaluate
from tuning.forgetting.neutral import Adapter, judge_rise, measure_text
from tuning.forgetting.records import GuardChange, TextChange, TriedAdapter
from tuning.gate.evidence import arm_of, clusters_of
from tuning.gate.sample import Sample
from tuning.intervals import Interval, interval_of
from tuning.records import GuardLine, TrainingRecord
from tuning.shipping.judging import Guard, judge_guard
from tuning.shipping.sealed import guard_arms, tuned_candidate

_LEVEL = 0.95


@dataclass(frozen=True)
class Bench:
    """What adapters are held side by side with: the leader's run on dev, the guards.

    `candidate_of` gives an adapter with the prompt that it is judged with. The sealed split is
    not looked at here.
    """

    suite: Suite
    guards: Mapping[str, Suite]
    model: AdaptableModel
    ledger: Ledger
    leader: Run
    evaluate: Evaluate
    candidate_of: Callable[[TrainingRecord], Candidate]
    created: str

    def forgetting(
        self, training: TrainingRecord, alpha: float
    ) -> tuple[tuple[GuardChange, ...], TextChange | None]:
        """The guards and neutral text with the adapter on and off; `alpha` is of a pass."""
        arms = self.guards_of(training)
        guards = tuple(guard_change(judge_guard(one, pass_alpha=alpha)) for one in arms)
        return guards, self.text(training, alpha)

    def guards_of(self, training: TrainingRecord) -> tuple[Guard, ...]:
        """Each guard on its dev cases with the adapter on and off."""
        return tuple(
            guard_arms(self.guards[spec.suite], spec.max_loss, self.model, training, self.evaluate)
            for spec in self.suite.guards
        )

    def text(self, training: TrainingRecord, alpha: float) -> TextChange | None:
        """The change on neutral text, held against the suite's limit where it states one."""
        adapter = Adapter(training.adapter, training.adapter_path)
        change = measure_text(self.model, self.ledger, adapter, created=self.created)
        limit = self.suite.tune.max_text_rise
        if change is None and limit is not None:
            raise ModelError(
                f"{self.model.name} cannot be asked how likely it finds texts, or its context is "
                "too short for them, so tune.max_text_rise cannot be judged",
                key="tune.max_text_rise",
                hint="leave it out",
            )
        return None if change is None else judge_rise(change, limit, alpha)

    def try_one(
        self, training: TrainingRecord, what: str, remedy: str, alpha: float
    ) -> TriedAdapter:
        """The adapter on dev and on every guard; what was run is found again."""
        guards, text = self.forgetting(training, alpha)
        candidate = self.candidate_of(training)
        run = self.evaluate(self.suite, candidate, "dev", f"{what}: dev: {candidate.label}")
        before, after = arm_of(self.leader), arm_of(run)
        sample = Sample([before, after], clusters_of(self.leader))
        pair, score = sample.pair(before, after), sample.interval(after)
        gain, gains = None, False
        if pair is not None:
            z = two_sided_z(_LEVEL)
            gain = Interval(pair.estimate, pair.lower(z), pair.upper(z), _LEVEL)
            gains = after.usable and reaches(pair, self.suite.min_gain)
        return TriedAdapter(
            what=what,
            remedy=remedy,
            adapter=training.adapter,
            adapter_path=training.adapter_path,
            label=candidate.label,
            score=interval_of(score) if score else None,
            gain=gain,
            gains=gains,
            guards=guards,
            text=text,
            run=run.id,
        )


def bench_of(
    leader: Run,
    *,
    suite: Suite,
    guards: Mapping[str, Suite],
    model: AdaptableModel,
    ledger: Ledger,
    evaluate: Evaluate,
    created: str,
) -> Bench:
    """A bench on which each adapter is asked with the prompt that it was trained with."""
    technique = leader.candidate.technique

    def candidate_of(training: TrainingRecord) -> Candidate:
        return tuned_candidate(suite, model, training, technique)

    return Bench(suite, guards, model, ledger, leader, evaluate, candidate_of, created)


def guard_change(line: GuardLine) -> GuardChange:
    """A guard's line of a verdict, as a trade-off has it."""
    return GuardChange(
        suite=line.suite,
        change=line.difference,
        margin=line.margin,
        result=line.result,
        likely_loss=line.likely_loss,
        alpha=line.alpha,
        cases=line.cases,
        base_run=line.base_run,
        tuned_run=line.tuned_run,
    )
