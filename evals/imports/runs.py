"""Imported results as a run of the ledger: averaged over repeats, tied to cases, identified.

Errors stay a third state: a case of which one attempt failed has no score, and says so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from evals.errors import RecordError, UsageError
from evals.fingerprint import canonical_json, fingerprint
from evals.imports.metrics import Metrics, choose_metrics
from evals.imports.records import ImportedCase, ImportedResults
from evals.imports.repeats import averaged
from evals.imports.rescored import rescore
from evals.judges.identity import scoring_identity
from evals.records import Candidate, Case, CaseResult, Finding, Run, SplitName
from evals.scorers.protocol import Scorer
from evals.suite.cases import compact_json
from evals.suite.section import NAME
from evals.suite.spec import Suite

MOST_NAME = 300
PREFIX = "imported:"
"""What the model of an imported run begins with: no model of that name can be opened."""

Attempts = Mapping[str, Sequence[ImportedCase]]


@dataclass(frozen=True)
class ImportedRun:
    """A run ready to be stored with its cases. `repeats` is the most attempts of one case.

    `unmatched` are ids of the file that the suite does not have, `absent` cases of the suite's
    split that the file does not have.
    """

    run: Run
    cases: tuple[Case, ...]
    metrics: tuple[str, ...]
    findings: tuple[Finding, ...]
    repeats: int
    unmatched: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Parts:
    """What the two ways to a run differ in."""

    suite: str
    suite_fingerprint: str
    scoring_fingerprint: str
    split: SplitName
    metrics: Metrics


def run_of_name(
    results: ImportedResults,
    suite: str,
    path: Path,
    *,
    metric: str | None = None,
    split: SplitName = "dev",
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> ImportedRun:
    """A run of a suite that is only a name: the cases are what the file says of them.

    Raises UsageError for what is no name, and what `choose_metrics` raises.
    """
    if not NAME.fullmatch(suite):
        raise UsageError(
            f"{suite!r:.80} is neither a suite nor a name for one",
            key="--suite",
            hint="letters, digits, '_', '-' and '.', beginning with a letter or digit",
        )
    metrics = choose_metrics(results, metric, str(path))
    attempts = _attempts(results.cases)
    cases = {identity: _case(made[0], split) for identity, made in attempts.items()}
    parts = _Parts(
        suite, fingerprint("imported-suite@1", suite), _scoring(results, metrics), split, metrics
    )
    scored = {identity: averaged(made, metrics) for identity, made in attempts.items()}
    return _whole(results, parts, cases=cases, attempts=attempts, scored=scored, now=now)


def run_of_suite(
    results: ImportedResults,
    suite: Suite,
    path: Path,
    *,
    metric: str | None = None,
    split: SplitName = "dev",
    scorers: Mapping[str, Scorer] | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> ImportedRun:
    """A run over the cases of a suite that the file has, matched by id.

    With `scorers` the file's outputs are scored by them, so that the run compares with those
    made here; otherwise the file's own scores stand. Raises RecordError where no id matches,
    two match the same case, or there is nothing to score; UsageError for `metric` with
    `scorers`; and what `choose_metrics` raises.
    """
    known = {case.id: case for case in suite.split(split)}
    matched = _matched(results.cases, known, path)
    kept = {each.id for made in matched.values() for each in made}
    unmatched = tuple(dict.fromkeys(case.id for case in results.cases if case.id not in kept))
    if not matched:
        raise RecordError(
            f"none of {len(unmatched)} ids is a case of {suite.name} ({split}): "
            f"{', '.join(unmatched[:5])}",
            path=path,
            hint="give the cases the suite's ids, name another --split, or another --suite",
        )
    cases = {identity: known[identity] for identity in matched}
    if scorers is not None:
        if metric is not None:
            raise UsageError(
                "--rescore uses the suite's own metrics: leave --metric away", key="--metric"
            )
        metrics = Metrics(suite.primary, tuple(suite.metrics), ())
        scoring = scoring_identity(suite, {})  # refuses what a model judges: none runs here
        scored = rescore(matched, cases, scorers, path)
    else:
        metrics = choose_metrics(results, metric, str(path))
        scored = {identity: averaged(made, metrics) for identity, made in matched.items()}
        scoring = _scoring(results, metrics)
    parts = _Parts(suite.name, suite.fingerprint, scoring, split, metrics)
    absent = tuple(identity for identity in known if identity not in matched)
    return _whole(
        results,
        parts,
        cases=cases,
        attempts=matched,
        scored=scored,
        now=now,
        unmatched=unmatched,
        absent=absent,
    )


def _attempts(cases: Sequence[ImportedCase]) -> dict[str, list[ImportedCase]]:
    found: dict[str, list[ImportedCase]] = defaultdict(list)
    for case in cases:
        found[case.id].append(case)
    return dict(found)


def _matched(
    cases: Sequence[ImportedCase], known: Mapping[str, Case], path: Path
) -> dict[str, list[ImportedCase]]:
    """Attempts by the suite's ids, in the suite's order; an id counts before its aliases."""
    found: dict[str, list[ImportedCase]] = defaultdict(list)
    for case in cases:
        identity = next((name for name in (case.id, *case.aliases) if name in known), None)
        if identity is None:
            continue
        other = found[identity][0].id if found[identity] else case.id
        if other != case.id:
            raise RecordError(
                f"{other!r} and {case.id!r} are both case {identity!r} of the suite", path=path
            )
        found[identity].append(case)
    return {identity: found[identity] for identity in known if found.get(identity)}


def _case(first: ImportedCase, split: SplitName) -> Case:
    expected = first.expected
    stated = "" if expected is None else compact_json(expected)
    return Case(
        id=first.id,
        input=first.input,
        expected=expected,
        answer=expected if isinstance(expected, str) else stated,
        split=split,
        cluster=first.cluster,
        choices=first.choices,
    )


def _scoring(results: ImportedResults, metrics: Metrics) -> str:
    """Runs of one harness compare by one metric; the others they have may differ by file."""
    return fingerprint("imported-scoring@1", results.format, metrics.primary)


def _whole(
    results: ImportedResults,
    parts: _Parts,
    *,
    cases: Mapping[str, Case],
    attempts: Attempts,
    scored: Mapping[str, CaseResult],
    now: Callable[[], datetime],
    unmatched: tuple[str, ...] = (),
    absent: tuple[str, ...] = (),
) -> ImportedRun:
    made = tuple(
        CaseResult(
            case_id=identity,
            case_fingerprint=case.fingerprint,
            prompt_hash=attempts[identity][0].prompt_hash,
            output=scored[identity].output,
            scores=scored[identity].scores,
            cluster=case.cluster,
            error=scored[identity].error,
        )
        for identity, case in cases.items()
    )
    candidate = _candidate(results)
    run = Run(
        id=_identity(parts, candidate, made),
        suite=parts.suite,
        suite_fingerprint=parts.suite_fingerprint,
        scoring_fingerprint=parts.scoring_fingerprint,
        split=parts.split,
        primary=parts.metrics.primary,
        candidate=candidate,
        results=made,
        seconds=sum(result.output.seconds for result in made),
        created=_created(results.created, now),
        environment={"imported": results.format},
    )
    return ImportedRun(
        run=run,
        cases=tuple(cases.values()),
        metrics=parts.metrics.names,
        findings=(*results.findings, *parts.metrics.findings),
        repeats=max(len(each) for each in attempts.values()),
        unmatched=unmatched,
        absent=absent,
    )


def _candidate(results: ImportedResults) -> Candidate:
    """Who was evaluated, as far as the file says: told apart by all that it says of it."""
    return Candidate(
        model=PREFIX + results.model[:MOST_NAME],
        model_fingerprint=fingerprint(
            "imported-model@1", results.format, results.model, results.settings
        ),
        prompt=results.candidate[:MOST_NAME],
        prompt_fingerprint=fingerprint("imported-prompt@1", results.format, results.candidate),
    )


def _identity(parts: _Parts, candidate: Candidate, made: Sequence[CaseResult]) -> str:
    """The run's id from all that it says, so that the same file is stored once."""
    told = sorted(
        (
            result.case_id,
            result.case_fingerprint,
            canonical_json({name: score.value for name, score in result.scores.items()}),
            result.failed or "",
            canonical_json(result.output.said),
        )
        for result in made
    )
    content = fingerprint(
        "imported-run@1",
        parts.suite,
        parts.split,
        parts.scoring_fingerprint,
        candidate.fingerprint,
        told,
    )
    return f"{parts.suite}-{parts.split}-{content[:10]}"


def _created(stated: str, now: Callable[[], datetime]) -> str:
    """The time the file states, in UTC where it says its zone; else now."""
    try:
        found = datetime.fromisoformat(stated)
    except ValueError:
        found = now()
    if found.tzinfo is not None:
        found = found.astimezone(UTC)
    return found.isoformat(timespec="seconds")
