"""`ci`: suites judged against their baselines; the verdicts for a person and for CI."""

from __future__ import annotations

import os
from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from typing import Any

from evals.errors import NothingRunError, TunegateError, UsageError
from evals.fingerprint import canonical
from evals.regression.records import (
    Check,
    SuiteVerdict,
    worst,
)
from evals.regression.revision import find_revision, removed_gates
from evals.regression.verdict import broken_suite, judged, removed_suite, summary_line
from evals.regression.wording import check_said, counted, power_said, repeats_said
from evals.spending.prices import Prices
from evals.text import visible
from tunegate.cli.accepting import without_cases
from tunegate.cli.console import Terminal
from tunegate.cli.output import check_output, write_whole
from tunegate.cli.running import endpoints_asked, wishes_of
from tunegate.endpoints import open_endpoints, priced_said, told
from tunegate.environment import base_from, in_github
from tunegate.evaluating import Evaluator, Task, Wishes, plan_task
from tunegate.opening import only_job, open_suites

STYLES = {"fail": "bold red", "review": "bold yellow", "inconclusive": "yellow", "pass": "green"}
MOST_CASES = 5
MUST_PASS_HELD = ("must_pass", "pass")


def ci_command(options: Namespace, terminal: Terminal) -> int:
    """Judge suites against their accepted baselines."""
    for path in (options.markdown, options.junit):
        if path is not None:
            check_output(path)
    opened = open_suites(options.suites)
    if options.base is not None and not options.base.strip():
        raise UsageError("--base names no revision", hint="leave it away where there is none")
    base_name = options.base or base_from(os.environ)
    base = find_revision(opened[0].suite.root, base_name) if base_name else None
    wishes = wishes_of(options)
    tasks = [plan_task(one, wishes, base=base, reviewed=options.reviewed) for one in opened]
    _refuse_wishes_for_many(tasks, wishes)
    asked = endpoints_asked(options)
    endpoints = open_endpoints(asked, os.environ)
    with only_job(options.ledger), told(endpoints, asked, terminal.note):
        evaluator = Evaluator(options.ledger, terminal, options.precision or "auto", endpoints)
        if asked.max_cost is not None:
            for task in tasks:
                evaluator.check_model(task.recipe.model)
        order = sorted(tasks, key=lambda task: task.recipe.model)  # each model is opened once
        found = {task.opened.suite.root: _judged_or_broken(evaluator, task) for task in order}
    verdicts = [found[task.opened.suite.root] for task in tasks]
    if base is not None:
        verdicts += [removed_suite(folder, base.label) for folder in removed_gates(base)]
    _write_outputs(options, verdicts, terminal)  # first: whoever reads here may leave early
    for verdict in verdicts:
        show_verdict(verdict, terminal, endpoints.budget.prices)
    if not any(judged(verdict) or verdict.result != "pass" for verdict in verdicts):
        raise NothingRunError(
            "nothing could be judged: no suite has a baseline, a threshold or a case that must "
            "pass",
            hint="run `tunegate accept` once, and commit accepted.json",
        )
    code = ci_exit_code(verdicts)
    result = worst([verdict.result for verdict in verdicts])
    if in_github(os.environ) and (outputs := os.environ.get("GITHUB_OUTPUT")):
        with Path(outputs).open("a", encoding="utf-8") as handle:
            handle.write(f"result={result}\n")
    documents = [_verdict_document(verdict) for verdict in verdicts]
    terminal.result(
        {
            "result": result,
            "exit_code": code,
            "suites": documents,
            "spent_now": endpoints.budget.spent,
        }
    )
    return code


def _judged_or_broken(evaluator: Evaluator, task: Task) -> SuiteVerdict:
    """A suite that cannot be run is said to be so beside the others' verdicts."""
    try:
        with evaluator.endpoints.budget.final():
            return evaluator.judge(task)
    except TunegateError as error:
        return broken_suite(task.opened.suite, task.gate, task.recipe, error)


def ci_exit_code(verdicts: list[SuiteVerdict]) -> int:
    """1 where one failed, else an error's code, else 3 where one is undecided, else 0."""
    codes = {verdict.exit_code for verdict in verdicts}
    return next((code for code in (1, 4, 5, 2, 3) if code in codes), 0)


def _refuse_wishes_for_many(tasks: list[Task], wishes: Wishes) -> None:
    if len(tasks) > 1 and wishes != Wishes(model=wishes.model, repeats=wishes.repeats):
        raise UsageError(
            "--prompt, --few-shot, --nearest and --adapter are of one candidate, and "
            f"{len(tasks)} suites were named",
            hint="name one suite, or state it in each suite.yaml under candidate",
        )


def show_verdict(verdict: SuiteVerdict, terminal: Terminal, prices: Prices) -> None:
    """One suite's verdict for a person: result, checks, what changed, the worst cases."""
    terminal.line(summary_line(verdict), STYLES.get(verdict.result, "bold"))
    if verdict.spent:
        terminal.line(priced_said(verdict.recipe.model, verdict.spent, prices))
    held = [check for check in verdict.checks if (check.kind, check.result) == MUST_PASS_HELD]
    rows = [
        [_check_name(check), check.result.upper(), check_said(check)]
        for check in verdict.checks
        if check not in held and not (check.kind == "run" and verdict.errors == 0 < verdict.cases)
    ]
    if held:
        said = f"{counted(len(held), 'case')} that must pass: right"
        rows.append(["must_pass", "PASS", said])
    terminal.table("", ["!check", "!result", "what was found"], rows)
    if verdict.over_repeats:
        terminal.line(repeats_said(verdict.over_repeats))
    for finding in verdict.drift:
        terminal.line(
            f"{finding.level}: {finding.message}", "yellow" if finding.level == "warning" else "dim"
        )
    for change in verdict.lost[:MOST_CASES]:
        terminal.line(
            f"lost {change.id}: {change.before:.2f} -> "
            f"{'error' if change.after is None else f'{change.after:.2f}'}: "
            f"{visible(change.why or change.got or '', limit=120)}"
        )
    if (more := len(verdict.lost) - MOST_CASES) > 0:
        terminal.line(f"and {more} more; see `tunegate show {verdict.runs[0]}`")
    if verdict.detectable and verdict.needs_power:
        for text in power_said(verdict.detectable):
            terminal.line(text, "dim")
    terminal.line()


def _check_name(check: Check) -> str:
    return check.kind if check.kind == "definition" else f"{check.kind} {check.name}"


def _write_outputs(options: Namespace, verdicts: list[SuiteVerdict], terminal: Terminal) -> None:
    from reports.ci import render_annotations, render_ci_markdown, render_junit

    github = in_github(os.environ)
    summary = os.environ.get("GITHUB_STEP_SUMMARY") if github else None
    if options.markdown or summary:
        text = render_ci_markdown(verdicts)
        if options.markdown:
            write_whole(options.markdown, text)
        if summary:
            with Path(summary).open("a", encoding="utf-8") as handle:
                handle.write(text)
    if options.junit:
        write_whole(options.junit, render_junit(verdicts))
    if github or options.annotations:
        root = Path(os.environ.get("GITHUB_WORKSPACE") or Path.cwd())
        for line in render_annotations(verdicts, root):
            terminal.command(line)


def _verdict_document(verdict: SuiteVerdict) -> dict[str, Any]:
    """A verdict as JSON, without the baseline's cases: they stand in accepted.json."""
    document: dict[str, Any] = canonical(replace(verdict, baseline=None))
    document["exit_code"] = verdict.exit_code
    document["baseline"] = without_cases(verdict.baseline) if verdict.baseline else None
    return document
