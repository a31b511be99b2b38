"""Run one candidate over one split: render, generate what is missing, score, keep.

A run that was killed goes on where it was and ends with the outputs it would have had, and
two candidates that ask the same thing of the same model ask it once: see `evals.generating`.
"""

from __future__ import annotations

import platform
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from evals.errors import (
    BudgetSpentError,
    InfrastructureError,
    NothingRunError,
    RunWarning,
    ScorerError,
    UnansweredError,
    UnjudgedError,
)
from evals.fingerprint import fingerprint
from evals.generating import Generator, Progress
from evals.judges.identity import scoring_identity
from evals.ledger import Ledger
from evals.models.protocol import AdaptableModel
from evals.on_demand import OnDemand
from evals.prompting import build_requests
from evals.prompting.answers import answered, drawn_decodings, explained, settle
from evals.records import Candidate, Case, CaseResult, Output, Request, Run, Score, SplitName
from evals.retrieval.showing import shown_ids
from evals.scorers.batch import iter_scores
from evals.scorers.protocol import Scorer
from evals.spending.accounts import spending_of
from evals.spending.prices import Prices
from evals.staging import planned_apart
from evals.suite.spec import Suite

MAX_ERROR_SHARE = 0.5
"""A run in which more than this share of cases has no output is an infrastructure failure."""


@dataclass(frozen=True)
class Runner:
    """What a run needs: a model, the suite's scorers by metric, the ledger, and prices.

    `judges` are the identities of the models that the scorers ask, by name.
    """

    model: AdaptableModel
    scorers: Mapping[str, Scorer]
    ledger: Ledger
    progress: Progress = lambda _done, _total: None
    prices: Prices = field(default_factory=Prices)
    judges: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    clock: Callable[[], float] = time.perf_counter

    def run(
        self,
        suite: Suite,
        candidate: Candidate,
        split: SplitName,
        *,
        cases: Sequence[Case] | None = None,
        keep: bool = True,
    ) -> Run:
        """The stored run of `candidate` on `split` (or on `cases` of it), made if need be.

        Without `keep` a run that is made is not stored; its outputs are, and cost nothing again.

        A stored run with errors that may pass is made again in its own place: the batches
        that hold them are run again, everything else is found. Where that fails as a whole, the
        stored run stands, with a warning.
        Raises NothingRunError for an empty split, UnansweredError when most cases ended in errors
        of the model, and ScorerError when most could not be scored and where a model
        judges that is not in `judges`; what was generated until then stays in the ledger.
        """
        chosen = tuple(suite.split(split) if cases is None else cases)
        if not chosen:
            raise NothingRunError(
                f"the {split} split of {suite.name} has no cases",
                path=suite.root / "suite.yaml",
                key="split",
            )
        requests = build_requests(suite, candidate, chosen)
        hashes = [prompt_hash(request) for request in requests]
        run_id = identify(suite, candidate, split, chosen, hashes, judges=self.judges)
        stored = self.ledger.find_run(run_id)
        if stored is not None and not _may_pass(stored):
            self.progress(len(chosen), len(chosen))
            return self._priced(stored, chosen)
        lists = planned_apart(suite, chosen)
        try:
            samples, seconds = self._draw(requests, candidate, lists, suite.decoding.stop)
        except BudgetSpentError:
            raise
        except InfrastructureError as error:
            if stored is None:
                raise
            _warn_kept(stored, error)
            return self._priced(stored, chosen)
        _refuse_mostly_errors(samples)
        outputs = [settle(candidate, each) for each in samples]
        results = self._score(chosen, hashes, outputs, lists)
        shown = shown_ids(suite, candidate.technique, chosen)
        run = Run(
            id=run_id,
            suite=suite.name,
            suite_fingerprint=suite.fingerprint,
            scoring_fingerprint=scoring_identity(suite, self.judges),
            split=split,
            primary=suite.primary,
            candidate=candidate,
            results=tuple(
                replace(result, documents=ids) for result, ids in zip(results, shown, strict=True)
            ),
            seconds=seconds,
            created=self.now().isoformat(timespec="seconds"),
            environment=environment(self.model.provenance),
            spent=spending_of(candidate.model, outputs, self.prices),
            judges=self.judges,
        )
        if keep:
            self.ledger.store_run(run, chosen)
        return run

    def find(self, suite: Suite, candidate: Candidate, split: SplitName) -> Run | None:
        """The stored run of `candidate` on all of `split`, as it is, or None."""
        chosen = suite.split(split)
        hashes = [prompt_hash(request) for request in build_requests(suite, candidate, chosen)]
        return self.ledger.find_run(
            identify(suite, candidate, split, chosen, hashes, judges=self.judges)
        )

    def _priced(self, run: Run, cases: Sequence[Case]) -> Run:
        """A stored run; one that had no price is given the one that is there now."""
        if run.spent and run.spent.price:
            return run
        outputs = [result.output for result in run.results]
        spent = spending_of(run.candidate.model, outputs, self.prices)
        if spent != run.spent:
            run = replace(run, spent=spent)
            self.ledger.store_run(run, cases)
        return run

    def _draw(
        self,
        requests: Sequence[Request],
        candidate: Candidate,
        lists: Sequence[Sequence[int]],
        stop: Sequence[str],
    ) -> tuple[list[list[Output]], float]:
        """The samples of each request, in the order drawn, and the seconds they took.

        Each of the lists of places is planned apart. Of a candidate that votes all cases are
        asked for a first sample, then all for a second, ...: each is a plan of its own, so that
        a candidate with another number of votes finds the same samples.
        """
        samples: list[list[Output]] = [[] for _ in requests]
        seconds, done = 0.0, 0
        drawn = drawn_decodings(candidate)
        for places in lists:
            for decoding in drawn:
                progress = _of_samples(done, len(drawn), len(requests), self.progress)
                generator = Generator(self.model, self.ledger, progress, self.clock)
                made = generator.generate(
                    OnDemand(_at(requests, places), len(places)),
                    decoding,
                    adapter=candidate.adapter,
                    adapter_path=candidate.adapter_path,
                )
                for place, output in zip(places, made.outputs, strict=True):
                    one = answered(candidate, output, samples[place], stop)
                    samples[place].append(one)
                seconds += made.seconds
                done += len(places)
                del made  # its texts go before those of the next sample come
        return samples, seconds

    def _score(
        self,
        cases: Sequence[Case],
        prompt_hashes: Sequence[str],
        outputs: Sequence[Output],
        lists: Sequence[Sequence[int]],
    ) -> list[CaseResult]:
        """One result for each case, scored in the lists of places that were generated together.

        What a model judges is kept by batch, too.
        """
        results: dict[int, CaseResult] = {}
        for places in lists:
            found = score_outputs(
                self.scorers,
                [cases[place] for place in places],
                [prompt_hashes[place] for place in places],
                [outputs[place] for place in places],
            )
            results.update(zip(places, found, strict=True))
        return [results[place] for place in range(len(cases))]


def _of_samples(before: int, each: int, cases: int, progress: Progress) -> Progress:
    """Progress in cases, where so many samples are drawn of `each` case."""
    return lambda done, _: progress((before + done) // each, cases)


def _at(requests: Sequence[Request], places: Sequence[int]) -> Callable[[int], Request]:
    return lambda number: requests[places[number]]


def _warn_kept(run: Run, error: InfrastructureError) -> None:
    """Say that a stored run stands as it is, since its errors cannot be tried again now."""
    warnings.warn(
        f"the stored run {run.id} is shown as it is, with {_errors_said(run)}: trying them "
        f"again failed ({error.message})",
        RunWarning,
        stacklevel=3,
    )


def _errors_said(run: Run) -> str:
    """`3 errors`, and how many votes are missing on other cases."""
    missing = sum(r.output.ballots.count(None) for r in run.results if r.output.error is None)
    return f"{len(run.errors)} errors" + (f" and {missing} votes missing" if missing else "")


def _may_pass(run: Run) -> bool:
    """Whether a case of a run, or a vote on it, ended in an error that another try may not give."""
    return any(result.transient or result.output.transient for result in run.results)


def prompt_hash(request: Request) -> str:
    """Identity of what a model was asked."""
    return fingerprint("request@1", request)


def score_outputs(
    scorers: Mapping[str, Scorer],
    cases: Sequence[Case],
    prompt_hashes: Sequence[str],
    outputs: Sequence[Output],
) -> tuple[CaseResult, ...]:
    """One result for each case: its scores, or the first scorer's failure as its error.

    Raises ScorerError when most outputs could not be scored.
    """
    answered = [n for n, output in enumerate(outputs) if output.error is None]
    scores: list[dict[str, Score]] = [{} for _ in outputs]
    failures: dict[int, ScorerError] = {}
    for name, scorer in scorers.items():
        pairs = ((cases[n], outputs[n]) for n in answered)
        for n, said in zip(answered, iter_scores(scorer, pairs), strict=True):
            if isinstance(said, ScorerError):
                failures.setdefault(n, said)
            else:
                scores[n][name] = said
    _refuse_mostly_unscored(list(failures.values()), len(outputs))
    return tuple(
        CaseResult(
            case_id=case.id,
            case_fingerprint=case.fingerprint,
            prompt_hash=prompt_hashes[n],
            output=outputs[n],
            scores={}
            if n in failures
            else {name: explained(outputs[n], one) for name, one in scores[n].items()},
            cluster=case.cluster,
            error=failures[n].message if n in failures else None,
            transient=_is_transient(failures.get(n)),
        )
        for n, case in enumerate(cases)
    )


def _is_transient(failure: ScorerError | None) -> bool:
    return isinstance(failure, UnjudgedError) and failure.transient


def identify(
    suite: Suite,
    candidate: Candidate,
    split: SplitName,
    cases: Sequence[Case],
    prompt_hashes: Sequence[str],
    *,
    judges: Mapping[str, str] | None = None,
) -> str:
    """Derive the run's id from all that can change its numbers; `judges` as in `Runner`."""
    content = fingerprint(
        "run@1",
        suite.name,
        scoring_identity(suite, judges or {}),
        candidate.fingerprint,
        split,
        [case.fingerprint for case in cases],
        list(prompt_hashes),
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


def _refuse_mostly_errors(samples: Sequence[Sequence[Output]]) -> None:
    """`samples` are those of each case: one, or as many as it has votes."""
    outputs = [output for each in samples for output in each]
    failed = [output.error for output in outputs if output.error]
    if len(failed) > MAX_ERROR_SHARE * len(outputs):
        what = "cases" if len(outputs) == len(samples) else f"votes on {len(samples)} cases"
        raise UnansweredError(
            f"{len(failed)} of {len(outputs)} {what} ended in an error; the first: {failed[0]}",
            transient=any(output.error and output.transient for output in outputs),
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
