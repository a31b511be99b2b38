"""Whether the evals themselves can be trusted: what `check` found and a person audited."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from evals.audit import AUDIT_FILE, MIN_MARKS, AuditSummary, audit_summary, read_marks
from evals.fingerprint import fingerprint
from evals.judges.uses import judges_of
from evals.ledger import Ledger
from evals.records import Finding, Run
from evals.scorers.selftest import self_test
from evals.suite.check import check_suite
from evals.suite.spec import Suite
from tuning.gate.evidence import Soundness

CHECKS = "checks"
SELF_TEST_CODES = {
    "scorer_raised",
    "gold_not_full",
    "shuffled_full_marks",
    "empty_full_marks",
}
"""Codes of the findings by which the scorer self-test fails."""


@dataclass(frozen=True)
class StoredChecks:
    """What `check` found on a suite as it stood, and the wall seconds it took."""

    findings: tuple[Finding, ...]
    seconds: float
    covers: str = ""
    """Identity of all that was checked: the suite with its policy, and its guards."""
    tested: str = ""
    """Identity of what the scorer self-test rests on, which a change of policy leaves alone."""


def check_stored(
    suite: Suite,
    guards: Mapping[str, Suite],
    ledger: Ledger,
    clock: Callable[[], float] = time.perf_counter,
) -> StoredChecks:
    """The findings on a suite and its guards; checked once for each state of the suite."""
    covers = _identity(suite, guards)
    stored = ledger.load(CHECKS, suite.fingerprint, StoredChecks)
    if stored is not None and stored.covers == covers:
        return stored
    started = clock()
    findings = list(check_suite(suite, self_test=self_test).findings)
    for guard in guards.values():
        findings += self_test(guard)
    seconds = clock() - started
    checks = StoredChecks(tuple(findings), seconds, covers, _tested_identity(suite, guards))
    ledger.store(CHECKS, suite.fingerprint, checks)
    return checks


def _identity(suite: Suite, guards: Mapping[str, Suite]) -> str:
    tune = replace(suite.tune, seeds=1)  # how often it is trained is nothing to check
    policy = [suite.rounds, suite.search, tune, suite.slices, suite.guards, suite.operation]
    policy += [suite.compare_models, suite.candidate.model]
    return fingerprint(
        "checks@1", suite.fingerprint, policy, [g.fingerprint for g in guards.values()]
    )


def _tested_identity(suite: Suite, guards: Mapping[str, Suite]) -> str:
    return fingerprint(
        "self_test@1", suite.fingerprint, sorted(guard.fingerprint for guard in guards.values())
    )


def soundness_of(
    suite: Suite, ledger: Ledger, runs: list[Run], guards: Mapping[str, Suite] | None = None
) -> Soundness:
    """What is known of a suite's soundness from checks and the audit file.

    Where no stored check is of the suite as it stands, it is checked anew but for its scorers:
    nothing here runs the suite's own code. Of a self-test that was not done on this state, or
    of a primary metric that a model judges, the outcome is None: the gate says "not tested".
    Without `guards` whether those have changed is not asked.
    """
    stored = ledger.load(CHECKS, suite.fingerprint, StoredChecks)
    fresh = stored is None or (guards is not None and stored.covers != _identity(suite, guards))
    if fresh:
        stored = _without_scorers(suite, stored, guards or {})
    marks = read_marks(suite.root / AUDIT_FILE)
    audited = audit_summary(marks, runs, where=str(suite.root / AUDIT_FILE)) if marks else None
    assert stored is not None  # made anew where it was
    tested = bool(stored.tested) or not fresh
    failed = _has_errors(_of_self_test(stored.findings))
    told = failed or (tested and not judges_of(suite, suite.primary))
    return Soundness(
        self_test_passed=not failed if told else None,
        audit_passed=_audit_passed(audited),
        findings=(*stored.findings, *(audited.findings if audited else ())),
        fresh=fresh,
    )


def _without_scorers(
    suite: Suite, stored: StoredChecks | None, guards: Mapping[str, Suite]
) -> StoredChecks:
    """The suite's findings as it stands; of its scorers what is stored of this very state."""
    findings, tested = check_suite(suite).findings, _tested_identity(suite, guards)
    if stored is None or stored.tested != tested:
        return StoredChecks(findings, 0.0)
    kept = tuple(_of_self_test(stored.findings))
    return StoredChecks((*kept, *findings), 0.0, tested=tested)


def _audit_passed(audited: AuditSummary | None) -> bool | None:
    """None until enough scores were marked to say anything."""
    if audited is None or audited.wrong is None or audited.wrong.n < MIN_MARKS:
        return None
    return not _has_errors(audited.findings)


def _of_self_test(findings: Iterable[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.code in SELF_TEST_CODES]


def _has_errors(findings: Iterable[Finding]) -> bool:
    return any(finding.level == "error" for finding in findings)
