"""One trial of a search: trained, judged on cases that it never saw, stored, its adapter removed.

A trial that is stored is never made again, and one that was killed in its training goes on from
its last whole checkpoint. What is stored are its numbers, which is all that a search needs.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from evals.approach import Technique
from evals.errors import DivergedError, UnansweredError
from evals.fingerprint import fingerprint
from evals.ledger import Ledger
from evals.models.protocol import AdaptableModel
from evals.records import Case, Decoding, Request
from evals.stats import score_interval
from evals.suite.spec import Suite
from tuning.data.dataset import Example, carried, data_fingerprint
from tuning.data.replay import Replay, replay_count
from tuning.data.training_set import TrainingSet
from tuning.evaluating import EvaluateCases
from tuning.learning.sampling import take_part
from tuning.narrator import Narrator
from tuning.records import TrainingRecord
from tuning.shipping.sealed import tuned_candidate
from tuning.sweeping.parts import SweepParts
from tuning.sweeping.planning import Rung
from tuning.sweeping.records import StoredTrial, Trial
from tuning.sweeping.space import Settings, applied
from tuning.training.base import BaseModel
from tuning.training.objectives.arguments import plan_steps
from tuning.training.task import Task
from tuning.training.train import train_adapter
from tuning.training.tune import make_task

KIND = "sweep-trial"


class Judged(NamedTuple):
    """What an adapter came to, case by case; `failed` says why there are no numbers."""

    scores: tuple[float, ...] = ()
    losses: tuple[float, ...] = ()
    failed: str = ""


@dataclass(frozen=True)
class Bench:
    """Tries settings of one suite on one model.

    `leader` is what the adapter is to beat, whose retrieval and structure it keeps. `scoring` is
    the identity of the scorers and of all that judges for them. Folders of trials lie in `root`.
    """

    suite: Suite
    base: BaseModel
    data: TrainingSet
    parts: SweepParts
    leader: Technique
    scoring: str
    model: AdaptableModel
    ledger: Ledger
    root: Path
    replay: Replay
    narrator: Narrator
    evaluate: EvaluateCases
    clock: Callable[[], float] = time.perf_counter

    def cost(self, settings: Settings, share: Fraction) -> int:
        """Examples seen by a training that takes all of its steps."""
        task = self._task(settings, share, replayed=False)
        learnt = task.settings.parts_of(task.examples).train
        rows = len(learnt) + replay_count(self.suite.tune, len(task.examples))
        return plan_steps(rows, task.settings).total * task.settings.batch

    def run(
        self, settings: Settings, number: int, rung: Rung, *, default: bool = False
    ) -> StoredTrial:
        """Try settings on a rung, or find what they came to when they were tried before."""
        task = self._task(settings, rung.share)
        key = self._key(task)
        stored = self.ledger.load(KIND, key, StoredTrial)
        if stored is None:
            told = f"{'default' if default else f'rung {number}'}: {settings.label}"
            stored = self._try(task, settings, f"{told}, {len(task.examples)} examples")
            self.ledger.store(KIND, key, stored)
        trial = replace(stored.trial, rung=number, default=default, went_on=False)
        return replace(stored, trial=trial)

    def clear(self) -> None:
        """Remove what trials left on disk."""
        shutil.rmtree(self.root, ignore_errors=True)

    def _task(self, settings: Settings, share: Fraction, *, replayed: bool = True) -> Task:
        """The training of settings on a part of what may be learnt from, to its own end."""
        tune = self.suite.tune
        seed = tune.sweep.seed if tune.sweep else tune.seed
        examples = take_part(self.parts.learnt, share, seed)
        count = replay_count(tune, len(examples))
        plain = replace(applied(tune, settings), seed=seed, until=None, keep=None)
        return make_task(
            replace(self.suite, tune=plain),
            self.base,
            self.data,
            examples,
            replayed=self.replay(count) if replayed else (),
            technique=carried(self.leader, self.suite.tune),
        )

    def _key(self, task: Task) -> str:
        return fingerprint(
            "sweep-trial@1",
            task.identity,
            data_fingerprint(self.parts.judged),
            [case.fingerprint for case in self._cases],
            self.scoring,
            self.suite.decoding,
            carried(self.leader, self.suite.tune),
            self.model.fingerprint,
        )

    @property
    def _cases(self) -> list[Case]:
        cases = {case.id: case for case in self.suite.split("train")}
        return [cases[example.case_id] for example in self.parts.judged[: self.parts.scored]]

    def _try(self, task: Task, settings: Settings, label: str) -> StoredTrial:
        began = self.clock()
        folder = self.root / task.identity
        seen, judged = 0, Judged()
        self.model.use_adapter(None)
        try:
            with self.narrator.progress(label) as progress:
                record = train_adapter(
                    task, self.root, lambda step, total, _loss: progress(step, total)
                )
            seen = max((point.step for point in record.curve), default=0) * task.settings.batch
            judged = self._judge(record, label)
        except DivergedError as error:
            judged = Judged(failed=error.message)
        finally:
            self.model.use_adapter(None)
        shutil.rmtree(folder, ignore_errors=True)
        trial = Trial(*settings, 0, len(task.examples), seen, self.clock() - began)
        return StoredTrial(self._numbered(trial, judged), judged.scores, judged.losses)

    def _numbered(self, trial: Trial, judged: Judged) -> Trial:
        if judged.failed:
            return replace(trial, failed=judged.failed)
        loss = sum(judged.losses) / len(judged.losses)
        if not judged.scores:
            return replace(trial, loss=loss)
        score = score_interval(judged.scores, self.parts.groups[: len(judged.scores)])
        return replace(trial, score=score.estimate, low=score.low, high=score.high, loss=loss)

    def _judge(self, record: TrainingRecord, label: str) -> Judged:
        """Score and loss of an adapter on the cases that judge.

        An answer without a score counts 0: what is found here is judged again, by the sealed
        split. An adapter that answers nothing is behind any that does. Whether the proofs hold
        is for the final training: one on few examples need not have learnt where to stop.
        """
        scores: tuple[float, ...] = ()
        if cases := self._cases:
            candidate = tuned_candidate(self.suite, self.model, record, self.leader)
            told = f"{label}: judged on {len(cases)}"
            try:
                run = self.evaluate(self.suite, candidate, "train", told, cases=cases, keep=False)
            except UnansweredError as error:
                if error.transient:
                    raise
                return Judged(failed=error.message)
            primary = self.suite.primary
            scores = tuple(0.0 if r.failed else r.scores[primary].value for r in run.results)
        self.model.use_adapter(record.adapter_path)
        losses = answer_losses(self.model, self.parts.judged)
        if losses is None:
            return Judged(failed="a right answer had no finite likelihood")
        return Judged(scores, losses)


def answer_losses(model: AdaptableModel, examples: Sequence[Example]) -> tuple[float, ...] | None:
    """Nats per token of each example's answer, its end apart; None where one is not finite.

    It is read as evaluations read the likelihood of an option, by the model as it is set.
    """
    requests = [Request(example.messages, choices=(example.answer,)) for example in examples]
    found = [0.0] * len(requests)
    for batch in model.plan(requests, Decoding()):
        for index, output in zip(batch.indices, model.run(batch), strict=True):
            if output.error or not output.logprobs:
                return None
            found[index] = -output.logprobs[0] / max(1, output.completion_tokens)
    return tuple(found)
