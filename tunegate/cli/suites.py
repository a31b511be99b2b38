"""`init`, `check`, `audit`: make a suite, find its faults, have a person judge its scores."""

from __future__ import annotations

import getpass
from argparse import Namespace
from dataclasses import replace

from evals.audit import AUDIT_FILE, Answer, AuditItem, audit, audit_summary, read_marks
from evals.errors import NothingRunError, UsageError
from evals.records import Finding, Run
from evals.scorers import self_test
from evals.suite import CheckReport, check_suite, init_from_csv, init_suite
from evals.suite.check import by_level
from evals.text import visible
from tunegate.cli.choosing import choose_pairs
from tunegate.cli.console import Terminal, percent
from tunegate.cli.records import open_stored
from tunegate.comparing import compare_findings
from tunegate.opening import open_guards, open_suite, open_suites
from tuning.data.foreseeing import foreseen
from tuning.training.tune import tuning_prompt

INVALID = 2
STYLES = {"error": "bold red", "warning": "yellow", "note": "dim"}


def init_command(options: Namespace, terminal: Terminal) -> int:
    """Write a new suite and say what to do with it."""
    target = options.into / options.name
    findings: tuple[Finding, ...] = ()
    if options.csv:
        made = init_from_csv(
            target,
            options.name,
            options.csv,
            input_column=options.input_column,
            expected_column=options.expected_column,
            id_column=options.id_column,
            cluster_column=options.cluster_column,
            tag_columns=options.tag_column,
        )
        paths, findings = list(made.paths), made.findings
    else:
        paths = init_suite(target, options.name)
    for path in paths:
        terminal.line(f"wrote {path}")
    _show_findings(findings, terminal)
    terminal.line(f"next: tunegate check {target}")
    terminal.result({"suite": str(target), "files": [str(p) for p in paths], "findings": findings})
    return 0


def check_command(options: Namespace, terminal: Terminal) -> int:
    """Check each suite with its scorers and guards; exit 2 where one has an error."""
    reports = []
    for opened in open_suites(options.suites):
        suite = opened.suite
        open_guards(suite)
        with terminal.progress(f"checking {suite.name}"):
            report = check_suite(suite, self_test=self_test)
        found = (*compare_findings(suite), *foreseen(suite, tuning_prompt))
        reports.append(replace(report, findings=by_level((*report.findings, *found))))
    for report in reports:
        _show_report(report, terminal)
    terminal.result(reports if len(reports) > 1 else reports[0])
    return 0 if all(report.passed for report in reports) else INVALID


def _show_report(report: CheckReport, terminal: Terminal) -> None:
    sizes = ", ".join(f"{count} {split}" for split, count in report.counts.items())
    verdict = "passes" if report.passed else "does not pass"
    terminal.line(f"{report.suite} {verdict}: {sizes}", "bold" if report.passed else "bold red")
    _show_findings(report.findings, terminal)
    if report.plateau_gain is not None:
        terminal.line(
            f"a plateau at min_gain {report.min_gain:.2f} needs about {report.cases_needed} dev "
            f"cases; these settle gains from {100 * report.plateau_gain:.0f} points on"
        )
    if report.detectable_gain is not None:
        terminal.line(
            f"one look at test shows a true gain of {100 * report.detectable_gain:.0f} points "
            "eight times in ten"
        )


def _show_findings(findings: tuple[Finding, ...], terminal: Terminal) -> None:
    for finding in findings:
        where = f"{finding.where}: " if finding.where else ""
        terminal.line(f"{finding.level}: {where}{finding.message}", STYLES[finding.level])


def audit_command(options: Namespace, terminal: Terminal) -> int:
    """Put sampled scores before a person and count what the person says."""
    if options.json:
        raise UsageError("audit asks a person and has no --json", hint="leave --json away")
    if options.pairs:
        return choose_pairs(options, terminal)
    opened = open_suite(options.suite)
    suite = opened.suite
    run = _run_to_audit(options)
    if run.split == "test":
        raise UsageError(
            f"run {run.id} is on the sealed test split, which an audit would open",
            hint="audit a run on dev",
        )
    path = suite.root / AUDIT_FILE
    made = audit(
        run,
        suite,
        lambda item, number, total: _ask(item, number, total, terminal),
        size=options.sample,
        who=options.by or getpass.getuser(),
        path=path,
    )
    summary = audit_summary(read_marks(path), [run], where=str(path))
    terminal.line(f"{len(made)} marks added to {path}")
    if summary.wrong:
        wrong = summary.wrong
        terminal.line(
            f"scores marked wrong: {percent(wrong.estimate)} "
            f"({percent(wrong.low)} to {percent(wrong.high)})"
        )
    _show_findings(summary.findings, terminal)
    return 1 if any(finding.level == "error" for finding in summary.findings) else 0


def _run_to_audit(options: Namespace) -> Run:
    ledger = open_stored(options.ledger)
    if options.run:
        return ledger.run(options.run)
    stored = ledger.runs(open_suite(options.suite).suite.name, "dev")
    # Marks count against the suite's scorers, and imported scores are not theirs.
    headers = [header for header in stored if "imported" not in header.environment]
    if not headers:
        raise NothingRunError(
            "there is no run on dev to audit", hint=f"run `tunegate eval {options.suite}` first"
        )
    return ledger.run(headers[-1].id)


def _ask(item: AuditItem, number: int, total: int, terminal: Terminal) -> Answer | None:
    terminal.line(f"\n{number} of {total}: case {item.case.id}".strip(), "bold")
    for key, value in item.case.asked.items():
        terminal.line(f"input.{key}: {visible(str(value), limit=1000)}")
    terminal.line(f"expected: {visible(str(item.case.expected), limit=1000)}")
    terminal.line(f"got:      {visible(item.output.said or '', limit=1000)}")
    terminal.line(f"score:    {item.score.value:.2f} {item.score.reason}")
    while True:
        try:
            said = input("is this score right? [y]es, [n]o, [s]kip, [q]uit: ").strip().lower()
        except EOFError:
            return None
        if said in {"q", "quit"}:
            return None
        if said in {"s", "skip", ""}:
            return Answer(None)
        if said in {"y", "yes", "n", "no"}:
            right = said.startswith("y")
            return Answer(right, "" if right else input("why? ").strip())
