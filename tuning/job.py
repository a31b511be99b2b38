"""The whole job on one suite: check, rounds, gate, training, sealed split, guards.

Every stage looks for its stored result first, so the same job after a kill, or simply
again, does only what is missing and ends with the same numbers. Nothing here prints: a
`Narrator` is told what happens.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evals.approach import PLAIN
from evals.asking import Asker
from evals.errors import (
    GateShutError,
    ModelError,
    SuiteError,
    UsageError,
)
from evals.generating import Progress
from evals.judges.calibrating import calibrate, check_labels
from evals.judges.identity import judge_identities
from evals.judges.uses import judge_models
from evals.ledger import Ledger
from evals.models.names import is_hosted
from evals.models.protocol import AdaptableModel
from evals.prompting.candidates import held_by
from evals.records import SPLITS, Candidate, Case, Finding, Run, SplitName, first_error
from evals.runner import Runner, environment
from evals.scorers import build_scorers
from evals.scorers.protocol import Scorer
from evals.spending.prices import Prices
from evals.suite.spec import Suite
from tuning.adapters.registry import AdapterRecord, keep_adapter, keep_siblings, set_aside
from tuning.data.dataset import carried
from tuning.data.foreseeing import foreseen
from tuning.finishing import Finishing
from tuning.forgetting.making import adapter_to_scale, make_with, refuse_remedies
from tuning.forgetting.records import Tradeoff
from tuning.forgetting.tradeoff import measure_tradeoff, store_tradeoff
from tuning.forgetting.trying import bench_of
from tuning.gate.dev_looks import keep_look
from tuning.gate.soundness import StoredChecks, check_stored
from tuning.learning.measuring import Plan, measure_curve
from tuning.learning.records import LearningCurve
from tuning.learning.sampling import Part
from tuning.narrator import Narrator
from tuning.records import Decision, JobRecord, Phase, TrainingRecord
from tuning.search.optimising import refuse_unworkable
from tuning.search.oracle import awaits_oracle, oracle_candidate
from tuning.search.prompts import PromptSearch
from tuning.shipping.sealed import Look
from tuning.shipping.unproven import refuse_unproven
from tuning.stored import JOB, decide_stored, decided_job, job_key, standing_leader
from tuning.stronger.found import awaits_others, compared_models
from tuning.stronger.running import OpenModel, run_others
from tuning.sweeping.searching import SearchingTrainer, refuse_search
from tuning.trainer import Trainer
from tuning.training.tune import tuning_prompt


@dataclass(frozen=True)
class Job:
    """One suite on one model, with everything the stages need.

    `guards` are the loaded suites that `suite.guards` names; `looks_path` is where looks at
    the sealed split are counted; adapters are written under the ledger's folder. `asker` asks
    the models that judge; None where none does. `open_other` opens a model to compare in the
    place of `model`, which must open again when it is used; None: no other model is run.
    `begin_from` is the folder of an adapter that training begins from; None: the base.
    `trained_as` says with which options of `tunegate tune` that is asked for, for the record.
    """

    suite: Suite
    guards: Mapping[str, Suite]
    model: AdaptableModel
    ledger: Ledger
    looks_path: Path
    narrator: Narrator
    prices: Prices = field(default_factory=Prices)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    clock: Callable[[], float] = time.perf_counter
    asker: Asker | None = None
    open_other: OpenModel | None = None
    write_card: Callable[[AdapterRecord], None] | None = None
    begin_from: Path | None = None
    trained_as: tuple[str, ...] | None = None

    @property
    def key(self) -> str:
        """Under which the job's record is stored."""
        return job_key(self.suite.name, self.model.name)

    def run(self, *, override: str | None = None, tune: bool = True) -> JobRecord:
        """Do all that is missing, in order, and return the job's record without its runs.

        Raises SuiteError when the suite does not pass `check`. A shut gate ends the job
        with the gate's decision; `override` trains nevertheless and is recorded. A hosted
        model's job ends there, too: its weights are not at hand. Raises ModelError for an
        override of one; MissingExtraError and SuiteError for optimisers that cannot work here.
        """
        if override:
            self._refuse_untrainable()
        refuse_unworkable(self.suite)
        refuse_remedies(self.suite)
        begun = self._begin(override, self._checks())
        self._calibrate()
        record, decision = self._compared(begun, self._search())
        if tune and (decision.open or override) and not is_hosted(self.model.name):
            record = self._finish(record, decision)
        return record

    def tune(self, *, override: str | None = None) -> JobRecord:
        """Train on the stored verdict. Raises GateShutError unless it is open or overridden.

        Raises ModelError for a hosted model.
        """
        self._refuse_untrainable()
        refuse_remedies(self.suite)
        refuse_search(self.suite, self.begin_from)
        checks = self._checks()
        self._calibrate()
        searched = self._decide()
        self._note_look(searched)
        decision = self._probed(searched)
        if not decision.open and not override:
            raise GateShutError(
                f"the gate is shut: {decision.verdict}. {decision.sentence}",
                hint='see `tunegate gate`; --override "reason" trains nevertheless',
            )
        record = self._decided(self._begin(override, checks), decision)
        return self._finish(record, decision)

    def _refuse_untrainable(self) -> None:
        if is_hosted(self.model.name):
            raise ModelError(
                f"{self.model.name} cannot be trained here: its weights are not at hand",
                hint="name a model that can be with --model hf:..., or have its provider train it",
            )

    def evaluate(
        self,
        suite: Suite,
        candidate: Candidate,
        split: SplitName,
        label: str,
        *,
        cases: Sequence[Case] | None = None,
        keep: bool = True,
        model: AdaptableModel | None = None,
    ) -> Run:
        """One run, with its scorers and a progress bar; found again where it is stored.

        `cases` and `keep` are as in `Runner.run`; `model` is the candidate's, where that is not
        the job's.
        """
        with (
            build_scorers(suite, self.asker) as scorers,
            self.narrator.progress(label) as progress,
        ):
            runner = self._runner(suite, scorers, progress, model=model)
            return runner.run(suite, candidate, split, cases=cases, keep=keep)

    def _runner(
        self,
        suite: Suite,
        scorers: Mapping[str, Scorer],
        progress: Progress,
        *,
        model: AdaptableModel | None = None,
    ) -> Runner:
        return Runner(
            model or self.model,
            scorers,
            self.ledger,
            progress,
            self.prices,
            judges=self._judges(suite),
            now=self.now,
            clock=self.clock,
        )

    def _judges(self, suite: Suite) -> dict[str, str]:
        """What the models that judge for a suite are; empty where nothing can be asked."""
        return judge_identities(suite, self.asker) if self.asker else {}

    def _calibrate(self) -> None:
        """Hold the judges of the suite and of its guards against people's labels."""
        suites = (self.suite, *self.guards.values())
        check_labels(*suites)
        for suite in suites:
            if self.asker is not None and judge_models(suite):
                with self.narrator.progress(f"{suite.name}: judges and people"):
                    calibrate(suite, self.asker, self.ledger)

    def _checks(self) -> StoredChecks:
        """What `check` finds. Raises SuiteError where the suite does not pass."""
        checks = check_stored(self.suite, self.guards, self.ledger, self.clock)
        refuse_errors(self.suite, checks.findings)
        # Not stored with the others: they are of the suite, and these of files beside it.
        ahead = foreseen(self.suite, tuning_prompt)
        for finding in ahead:
            self.narrator.note(finding.message)
        return replace(checks, findings=(*checks.findings, *ahead))

    def _begin(self, override: str | None, checks: StoredChecks) -> JobRecord:
        return self._keep(
            JobRecord(
                suite=self.suite.name,
                task=self.suite.task,
                model=self.model.name,
                min_gain=self.suite.min_gain,
                target=self.suite.target,
                primary=self.suite.primary,
                split_sizes={name: len(self.suite.split(name)) for name in SPLITS},
                calls_per_month=self.suite.operation.calls_per_month,
                checks=checks.findings,
                decision=None,
                training=None,
                shipping=None,
                leader_test=None,
                adapter_test=None,
                override=override,
                phases=(Phase("check", checks.seconds),),
                slices=self.suite.slices,
                environment=environment(self.model.provenance),
                trained_as=self.trained_as,
            )
        )

    def _decide(self, others: Mapping[str, str] | None = None) -> Decision:
        """The verdict from what is stored; `others` are what compared models are, by name."""
        judges: dict[str, str] = {}
        for suite in (self.suite, *self.guards.values()):
            judges |= self._judges(suite)
        return decide_stored(
            self.suite,
            self.ledger,
            self.model.name,
            self.model.fingerprint,
            judges=judges,
            guards=self.guards,
            prices=self.prices,
            others=others,
            held_by=lambda decoding: held_by(self.model, decoding),
        )

    def _compared(self, begun: JobRecord, searched: Decision) -> tuple[JobRecord, Decision]:
        """Keep the verdict of the search, and then that with the probes, where they count.

        The first is kept before any of them is run, so that it can be reported if one fails.
        """
        record = self._decided(begun, searched)
        decision = self._probed(searched)
        if decision == searched:
            return record, searched
        return self._decided(begun, decision), decision

    def _probed(self, searched: Decision) -> Decision:
        """The verdict with other models and the cases' own documents, where they can change it."""
        others = self._run_others(searched)
        decision = self._decide(others) if others else searched
        if not awaits_oracle(self.suite, decision):
            return decision
        leader = self.ledger.run(decision.leader).candidate
        probe = oracle_candidate(self.suite, leader)
        self.evaluate(self.suite, probe, "dev", f"each case's own documents: {leader.label}")
        return self._decide(others or None)

    def _run_others(self, decision: Decision) -> dict[str, str]:
        """Run the models to compare where the verdict waits for them; what they are, by name."""
        if self.open_other is None or not awaits_others(decision):
            return {}
        return run_others(
            self.suite,
            self.ledger.run(decision.leader).candidate,
            compared_models(self.suite, self.model.name),
            self.open_other,
            self.evaluate,
        )

    def _decided(self, record: JobRecord, decision: Decision) -> JobRecord:
        """Keep the verdict, and how long each round took, with its searches."""
        self._note_look(decision)
        rounds = {f"round {one.index}: {one.family}": one.seconds for one in decision.rounds}
        for line in decision.stronger:
            if line.run_id:
                rounds[f"compared: {line.model}"] = self.ledger.run(line.run_id).seconds
        if decision.oracle:
            rounds["own documents"] = self.ledger.run(decision.oracle.run_id).seconds
        phases = tuple(Phase(name, seconds) for name, seconds in rounds.items())
        return self._keep(record, decision=decision, phases=record.phases + phases)

    def _note_look(self, decision: Decision) -> None:
        """Write a verdict that could have opened the gate down as a look at dev."""
        if decision.dev_look:
            keep_look(
                self.ledger,
                self.key,
                self.suite.split("dev"),
                declared=self.suite.search.dev_extensions,
                when=self.now().isoformat(),
            )

    def _search(self) -> Decision:
        search = PromptSearch(
            suite=self.suite,
            model=self.model,
            ledger=self.ledger,
            evaluate=self.evaluate,
            find=self._find,
            decide=self._decide,
            note=self.narrator.note,
            open_proposer=self.open_other,
        )
        return search.run()

    def _find(self, candidate: Candidate) -> Run | None:
        runner = Runner(self.model, {}, self.ledger, judges=self._judges(self.suite))
        return runner.find(self.suite, candidate, "dev")

    def _finish(self, record: JobRecord, decision: Decision) -> JobRecord:
        """Train (or find what was trained), then judge it on the sealed split and the guards."""
        finishing = Finishing(
            suite=self.suite,
            guards=self.guards,
            model=self.model,
            ledger=self.ledger,
            look=Look(self.looks_path, self.now()),
            evaluate=self.evaluate,
            train=SearchingTrainer(self._trainer, self.evaluate).train,
            keep=self._keep,
            prices=self.prices,
            make=make_with(self._trainer),
            note=self.narrator.note,
            find=self._find,
        )
        return finishing.run(record, decision)

    def learn(self, plan: Plan) -> LearningCurve:
        """Measure the suite's learning curve on dev, whatever the gate says: it opens nothing.

        Raises SuiteError when the suite does not pass `check`, ModelError for a hosted model,
        TrainingError where a training fails or its adapter is not proven.
        """
        self._refuse_untrainable()
        self._refuse_retrieving()
        self._checks()
        self._calibrate()
        return measure_curve(
            self.suite,
            self.model,
            self.ledger,
            plan,
            train=self._train_proven,
            evaluate=self.evaluate,
            note=self.narrator.note,
            created=self.now().isoformat(),
        )

    def trade_off(self, scales: Sequence[float], adapter: str = "") -> Tradeoff:
        """Hold an adapter beside itself at other scales, and keep what is found.

        `adapter` is the beginning of an id; without one, that of the stored job. Raises
        NothingRunError where no verdict on the suite as it is says what it must beat, or there is
        no adapter.
        """
        self._refuse_untrainable()
        self._checks()
        self._calibrate()
        record = decided_job(self.ledger, self.suite.name, self.model.name)
        assert record.decision is not None
        leader = standing_leader(self.suite, self.ledger, record.decision, self.model)
        training = adapter_to_scale(self.ledger, record, adapter)
        bench = bench_of(
            leader,
            suite=self.suite,
            guards=self.guards,
            model=self.model,
            ledger=self.ledger,
            evaluate=self.evaluate,
            created=self.now().isoformat(),
        )
        make = make_with(self._trainer)
        found = measure_tradeoff(bench, training, scales, make, self.narrator.note)
        store_tradeoff(self.ledger, found, self.now().isoformat())
        return found

    def _refuse_retrieving(self) -> None:
        """Raise UsageError where an adapter would keep what no curve measures.

        It would be asked otherwise than the adapters that the curve is made of.
        """
        record = self.ledger.load(JOB, self.key, JobRecord)
        leader = (
            self.ledger.find_run(record.decision.leader) if record and record.decision else None
        )
        if leader is None or carried(leader.candidate.technique, self.suite.tune) == PLAIN:
            return
        kept = (
            "tune.documents shows an adapter what is retrieved"
            if self.suite.tune.documents is not None
            else f"the best prompt, '{leader.candidate.label}', is shown documents or held to a "
            "structure, which an adapter keeps"
        )
        raise UsageError(
            f"{kept}; a learning curve of such adapters is not measured in this version",
            hint="`tunegate run` trains on all the examples, and judges that",
        )

    def _train_proven(self, part: Part, label: str) -> TrainingRecord:
        training = self._trainer.train(part, label)
        refuse_unproven(training)
        return training

    @property
    def _trainer(self) -> Trainer:
        return Trainer(
            self.suite,
            self.guards,
            self.model,
            self.ledger,
            self.narrator,
            self.asker,
            self._runner,
            self.begin_from,
        )

    def _keep(self, record: JobRecord, /, **changes: Any) -> JobRecord:
        changed = replace(record, **changes)
        when = self.now().isoformat()
        self.ledger.store(JOB, self.key, changed, created=when)
        if changes.keys() & {"training", "shipping"}:
            kept = keep_adapter(self.ledger, changed, when=when)
            if "tradeoff" in changes:
                set_aside(self.ledger, changed)
            siblings = keep_siblings(self.ledger, changed, when=when)
            for one in (*([kept] if kept else []), *siblings):
                if self.write_card:
                    self.write_card(one)
        return changed


def refuse_errors(suite: Suite, findings: tuple[Finding, ...]) -> None:
    """Raise SuiteError for a suite that does not pass `check`, naming the first fault."""
    error = first_error(findings)
    if error:
        raise SuiteError(
            f"fix the evals first: {error.message}",
            path=error.where or suite.root / "suite.yaml",
            hint="`tunegate check` lists them all",
        )
