"""Run one candidate over one split: render, generate what is missing, score, keep.

The batch is the unit of work: planned from the whole split before anything runs,
committed whole, and found again by its key. So a run that was killed goes on where it
was and ends with the outputs it would have had, and two candidates that ask the same
thing of the same model ask it once.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from evals.errors import InfrastructureError, ModelError, NothingRunError, ScorerError
from evals.fingerprint import fingerprint
from evals.ledger import Ledger
from evals.models.protocol import AdaptableModel, Batch
from evals.prompting import build_requests
from evals.records import Candidate, Case, CaseResult, Output, Request, Run, Score, SplitName
from evals.scorers.protocol import Scorer
from evals.suite.spec import Suite

Progress = Callable[[int, int], None]
"""Called with (cases done, cases in all) after every batch."""

MAX_ERROR_SHARE = 0.5
"""A run in which more than this share of cases has no output is an infrastructure failure."""


class Generated(NamedTuple):
    """Outputs in the order of the requests, and the wall seconds they took when they were made."""

    outputs: list[Output]
    seconds: float


@dataclass(frozen=True)
class Runner:
    """What a run needs: a model, the suite's scorers by metric, and the ledger."""

    model: AdaptableModel
    scorers: Mapping[str, Scorer]
    ledger: Ledger
    progress: Progress = lambda _done, _total: None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    clock: Callable[[], float] = time.perf_counter

    def run(
        self,
        suite: Suite,
        candidate: Candidate,
        split: SplitName,
        *,
        cases: Sequence[Case] | None = None,
    ) -> Run:
        """The stored run of `candidate` on `split` (or on `cases` of it), made if need be.

        A stored run with errors that may pass is made again in its own place: the batches
        that hold them are run again, everything else is found.
        Raises NothingRunError for an empty split, InfrastructureError when most cases ended
        in errors of the model and ScorerError when most could not be scored; what was
        generated until then stays in the ledger.
        """
        chosen = tuple(suite.split(split) if cases is None else cases)
        if not chosen:
            raise NothingRunError(
                f"the {split} split of {suite.name} has no cases",
                path=suite.root / "suite.yaml",
                key="split",
            )
        requests = build_requests(suite, candidate, chosen)
        run_id = identify(suite, candidate, split, chosen, requests)
        stored = self.ledger.find_run(run_id)
        if stored is not None and not _may_pass(result.output for result in stored.results):
            self.progress(len(chosen), len(chosen))
            return stored
        generated = self._generate(requests, candidate)
        _refuse_mostly_errors(generated.outputs)
        failures: list[ScorerError] = []
        results = [
            self._score(case, request, output, failures)
            for case, request, output in zip(chosen, requests, generated.outputs, strict=True)
        ]
        _refuse_mostly_unscored(failures, len(results))
        run = Run(
            id=run_id,
            suite=suite.name,
            suite_fingerprint=suite.fingerprint,
            scoring_fingerprint=suite.scoring_fingerprint,
            split=split,
            primary=suite.primary,
            candidate=candidate,
            results=tuple(results),
            seconds=generated.seconds,
            created=self.now().isoformat(timespec="seconds"),
            environment=environment(self.model.provenance),
        )
        self.ledger.store_run(run, chosen)
        return run

    def _generate(self, requests: Sequence[Request], candidate: Candidate) -> Generated:
        outputs: dict[int, Output] = {}
        seconds = 0.0
        for batch in self.model.plan(requests, candidate.decoding):
            made, took = self._batch(batch, candidate)
            outputs.update(zip(batch.indices, made, strict=True))
            seconds += took
            self.progress(len(outputs), len(requests))
        return Generated([outputs[index] for index in range(len(requests))], seconds)

    def _batch(self, batch: Batch, candidate: Candidate) -> Generated:
        key = batch.key(candidate.model_fingerprint, candidate.adapter)
        stored = self.ledger.batch(key)
        if stored is not None:
            return Generated(*stored)
        self._activate(candidate)
        started = self.clock()
        outputs = self.model.run(batch)
        took = self.clock() - started
        if not _may_pass(outputs):
            self.ledger.store_batch(key, outputs, took)
        return Generated(outputs, took)

    def _activate(self, candidate: Candidate) -> None:
        """Switch the model to the candidate's adapter, or to none. Raises ModelError."""
        if candidate.adapter != self.model.adapter:
            self.model.use_adapter(candidate.adapter_path or None)
        if candidate.adapter != self.model.adapter:
            raise ModelError(
                "the adapter on disk is not the one this candidate was made with",
                path=candidate.adapter_path,
                hint="train again, or name the right folder",
            )

    def _score(
        self, case: Case, request: Request, output: Output, failures: list[ScorerError]
    ) -> CaseResult:
        """One case's scores; a scorer's failure becomes its error and joins `failures`."""
        scores: dict[str, Score] = {}
        error = None
        if output.error is None:
            try:
                scores = {name: scorer(case, output) for name, scorer in self.scorers.items()}
            except ScorerError as failure:
                scores, error = {}, failure.message
                failures.append(failure)
        return CaseResult(
            case_id=case.id,
            case_fingerprint=case.fingerprint,
            prompt_hash=fingerprint("request@1", request),
            output=output,
            scores=scores,
            cluster=case.cluster,
            error=error,
        )


def identify(
    suite: Suite,
    candidate: Candidate,
    split: SplitName,
    cases: Sequence[Case],
    requests: Sequence[Request],
) -> str:
    """Derive the run's id from all that can change its numbers."""
    content = fingerprint(
        "run@1",
        suite.name,
        suite.scoring_fingerprint,
        candidate.fingerprint,
        split,
        [case.fingerprint for case in cases],
        [fingerprint("request@1", request) for request in requests],
    )
    return f"{suite.name}-{split}-{content[:10]}"


def environment(model: Mapping[str, str]) -> dict[str, str]:
    """What the model was (`model.weights`, ...) and the versions that can matter to an output.

    Nothing that names a person or a machine.
    """
    from importlib import metadata

    found = {"python": platform.python_version(), "system": platform.system()}
    for package in ("torch", "transformers", "peft"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found | {f"model.{part}": value for part, value in model.items()}


def _may_pass(outputs: Iterable[Output]) -> bool:
    """Whether an output is an error that another try may not give."""
    return any(output.error is not None and output.transient for output in outputs)


def _refuse_mostly_errors(outputs: Sequence[Output]) -> None:
    failed = [output.error for output in outputs if output.error]
    if len(failed) > MAX_ERROR_SHARE * len(outputs):
        raise InfrastructureError(
            f"{len(failed)} of {len(outputs)} cases ended in an error; the first: {failed[0]}",
            hint="nothing that was generated is lost; mend the cause and repeat the command",
        )


def _refuse_mostly_unscored(failures: Sequence[ScorerError], cases: int) -> None:
    if len(failures) > MAX_ERROR_SHARE * cases:
        first = failures[0]
        raise ScorerError(
            f"{len(failures)} of {cases} outputs could not be scored; the first: {first.message}",
            path=first.path,
            line=first.line,
            key=first.key,
            hint="mend the scorer; the outputs are kept and are not generated again",
        )
