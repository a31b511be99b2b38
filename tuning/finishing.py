"""What follows an open gate: training, then the sealed split and the guards."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from evals.errors import SuiteError
from evals.ledger import Ledger
from evals.models.protocol import AdaptableModel
from evals.records import Candidate, Run
from evals.spending.prices import Prices
from evals.suite.spec import Suite
from tuning.cost.after import DevRuns
from tuning.evaluating import Evaluate
from tuning.forgetting.choosing import Make, Remedied, choose_remedy, remedied_seconds
from tuning.forgetting.levels import ALPHA
from tuning.forgetting.remedies import steps_of
from tuning.forgetting.trying import Bench, bench_of
from tuning.gate.failing import document_steps
from tuning.records import Decision, JobRecord, Phase, ShipDecision, TrainingRecord
from tuning.repeating.sealed import judge_seeds
from tuning.repeating.training import train_seeds
from tuning.shipping.sealed import Look, Sealed
from tuning.shipping.unproven import can_be_asked, refuse_unproven, reject_unproven
from tuning.together.choosing import Chosen, Desk, Find, choose_candidate
from tuning.together.telling import asked_with


class Keep(Protocol):
    """Stores a job's record with some fields changed, and returns it."""

    def __call__(self, record: JobRecord, /, **changes: Any) -> JobRecord:
        """The record with `changes`, stored."""
        ...


@dataclass(frozen=True)
class Finishing:
    """Trains where the gate let it, judges what was trained, and keeps each step."""

    suite: Suite
    guards: Mapping[str, Suite]
    model: AdaptableModel
    ledger: Ledger
    look: Look
    evaluate: Evaluate
    train: Callable[..., TrainingRecord]
    keep: Keep
    prices: Prices
    make: Make
    note: Callable[[str], None]
    find: Find

    def run(self, record: JobRecord, decision: Decision) -> JobRecord:
        """Train (or find what was trained), then judge it on the sealed split and the guards."""
        self._refuse_unsealed()
        led = self.ledger.run(decision.leader)
        record, trainings = self._train(record, led.candidate)
        bench = self._bench(led)
        steps = steps_of(self.suite.tune, trainings[0])
        remedied = choose_remedy(bench, trainings[0], steps, self.make, self.note)
        record = self._keep_remedied(record, remedied)
        if remedied.training.failed_proofs:
            return self._reject(record, bench, remedied.training)
        phases = list(record.phases)
        chosen = self._choose(decision, remedied.training)
        if chosen.record:
            phases.append(Phase("tuned and prompted together", chosen.seconds))
            record = self.keep(record, together=chosen.record, phases=tuple(phases))
        judged = (remedied.training, *trainings[1:])
        sealed = judge_seeds(
            judged,
            suite=self.suite,
            guards=self.guards,
            model=self.model,
            leader=led.candidate,
            tuned=chosen.candidate,
            evaluate=self.evaluate,
            look=self.look,
            prices=self.prices,
            guard_alpha=remedied.guard_alpha,
            texts=[bench.text(one, remedied.guard_alpha) for one in judged],
            asked=asked_with(chosen.record),
            dev=DevRuns(led, self._on_dev(chosen.candidate)),
        )
        phases.append(Phase("sealed split", self._sealed_seconds(sealed)))
        phases.append(Phase("guards", self._guard_seconds(sealed.decision)))
        return self.keep(
            record,
            shipping=told_what_was_not_shown(sealed.decision, decision),
            leader_test=sealed.before.id,
            adapter_test=sealed.after.id,
            phases=tuple(phases),
        )

    def _train(
        self, record: JobRecord, leader: Candidate
    ) -> tuple[JobRecord, tuple[TrainingRecord, ...]]:
        """Train as often as the suite asks for, keeping what is trained.

        The first to be trained is the last where it fails a proof; the verdict is then about it.
        Raises TrainingError where a further one does.
        """
        begun = record.phases
        trained: tuple[TrainingRecord, ...] = ()
        for trained in train_seeds(self.suite.tune, self.train, leader.technique):
            first, *others = trained
            phases = (*begun, *_training_phases(trained))
            record = self.keep(record, training=first, siblings=tuple(others), phases=phases)
            if not others and first.failed_proofs:
                break
            for one in trained:
                refuse_unproven(one)
        return record, trained

    def _reject(self, record: JobRecord, bench: Bench, training: TrainingRecord) -> JobRecord:
        """The verdict on an adapter that failed a proof, with what it loses where that is known."""
        asked = can_be_asked(training)
        decision = reject_unproven(
            training,
            bench.guards_of(training) if asked else (),
            min_gain=self.suite.min_gain,
            text=bench.text(training, ALPHA) if asked else None,
        )
        ran = [Phase("guards", self._guard_seconds(decision))] if decision.guards else []
        return self.keep(record, shipping=decision, phases=(*record.phases, *ran))

    def _bench(self, leader: Run) -> Bench:
        """What adapters are held side by side with; each is asked with the prompt it was taught."""
        return bench_of(
            leader,
            suite=self.suite,
            guards=self.guards,
            model=self.model,
            ledger=self.ledger,
            evaluate=self.evaluate,
            created=self.look.when.isoformat(),
        )

    def _keep_remedied(self, record: JobRecord, remedied: Remedied) -> JobRecord:
        """Keep every adapter that was made, and then which is judged."""
        if remedied.tradeoff is None:
            return record
        for made in remedied.trained:
            record = self.keep(record, training=made)
        took = remedied_seconds(self.ledger, remedied.tradeoff, remedied.training.adapter)
        return self.keep(
            record,
            training=remedied.training,
            tradeoff=remedied.tradeoff,
            phases=(*record.phases, Phase("remedies", took)),
        )

    def _choose(self, decision: Decision, training: TrainingRecord) -> Chosen:
        """With which prompt the adapter is judged, chosen on dev."""
        desk = Desk(
            self.suite,
            self.model,
            self.ledger,
            self.look.path,
            self.evaluate,
            self.find,
            self.prices,
        )
        return choose_candidate(desk, decision, training)

    def _on_dev(self, candidate: Candidate) -> Run | None:
        return self.ledger.fullest_run(self.suite.name, "dev", candidate.fingerprint)

    def _refuse_unsealed(self) -> None:
        if not self.suite.split("test"):
            raise SuiteError(
                "there are no test cases, so nothing could be claimed of an adapter",
                path=self.suite.root / "suite.yaml",
                key="cases",
                hint="give the suite a test split before training",
            )

    def _sealed_seconds(self, sealed: Sealed) -> float:
        others = [line.run for line in sealed.decision.trained if not line.chosen]
        seconds = sealed.before.seconds + sealed.after.seconds
        return seconds + sum(self.ledger.run(run).seconds for run in others)

    def _guard_seconds(self, decision: ShipDecision) -> float:
        guards = [*decision.guards, *(g for line in decision.trained for g in line.guards)]
        runs = [run for guard in guards for run in (guard.base_run, guard.tuned_run)]
        return sum(self.ledger.run(run).seconds for run in dict.fromkeys(runs))


def told_what_was_not_shown(judged: ShipDecision, gate: Decision) -> ShipDecision:
    """A verdict that does not ship, with the step that the gate knew of, if training passed it."""
    if judged.verdict == "ship_adapter":
        return judged
    steps = document_steps(gate.verdict, gate.failures)
    return replace(judged, next_steps=(*steps, *judged.next_steps))


def _training_phases(trained: Sequence[TrainingRecord]) -> Iterator[Phase]:
    """What the search of settings took, which all trainings share, and what they took."""
    if trained[0].sweep is not None:
        yield Phase("search of settings", trained[0].sweep.seconds)
    yield Phase("training", sum(one.seconds for one in trained))
