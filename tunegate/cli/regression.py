"""`accept`, `ci`, `aa`: a baseline that a person accepts, and what became worse since."""

from __future__ import annotations

import getpass
import os
import subprocess
from argparse import Namespace
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from evals.errors import NothingRunError, RecordError, TunegateError, UsageError
from evals.fingerprint import canonical
from evals.regression.acceptance import accept, detectable_loss
from evals.regression.accepted_file import FILE_NAME as ACCEPTED
from evals.regression.accepted_file import read_accepted, write_accepted
from evals.regression.definition import ci_rules
from evals.regression.noise import NoiseFloor, halves, noise_floor
from evals.regression.records import (
    Baseline,
    Check,
    DetectableLoss,
    SuiteVerdict,
    worst,
)
from evals.regression.revision import find_revision, removed_gates
from evals.regression.tables import Table, metric_scores, tabulate
from evals.regression.verdict import broken_suite, judged, removed_suite, summary_line
from evals.regression.wording import check_said, counted, power_said
from evals.text import visible
from tunegate.cli.console import Terminal, percent
from tunegate.cli.output import check_output, write_whole
from tunegate.cli.records import open_stored
from tunegate.cli.running import wishes_of
from tunegate.environment import base_from, in_ci, in_github
from tunegate.evaluating import Evaluator, Task, Wishes, plan_task
from tunegate.opening import OpenedSuite, only_job, open_guards, open_suite, open_suites

STYLES = {"fail": "bold red", "review": "bold yellow", "inconclusive": "yellow", "pass": "green"}
MOST_CASES = 5
MUST_PASS_HELD = ("must_pass", "pass")


def accept_command(options: Namespace, terminal: Terminal) -> int:
    """Make runs the committed baseline of their suite."""
    if in_ci(os.environ):
        raise UsageError(
            "a baseline is accepted by a person, not in CI",
            hint="run `tunegate accept` where you work, and commit accepted.json",
        )
    opened = open_suite(options.suite)
    suite = opened.suite
    path = suite.root / ACCEPTED
    before = read_accepted(path)
    baseline = _accepted(options, opened)
    power = detectable_loss(baseline.cases, suite.primary, suite.ci.max_loss)
    write_accepted(path, baseline)
    _show_accepted(baseline, before, power, path, terminal)
    terminal.result(
        {
            "path": str(path),
            "replaced": before is not None,
            "baseline": _without_cases(baseline),
            "detectable": power,
        }
    )
    return 0


def _accepted(options: Namespace, opened: OpenedSuite) -> Baseline:
    """The baseline of the named runs, else of the newest run that may be accepted.

    Raises what `accept` raises; of several unnamed runs, what it says of the newest.
    """
    suite, guards, ledger = opened.suite, open_guards(opened.suite), open_stored(options.ledger)
    about = {
        "by": options.by or _git_name(suite.root) or getpass.getuser(),
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "why": options.why,
    }
    if options.runs:
        return accept(suite, guards, [ledger.run(name) for name in options.runs], **about)
    refusal: RecordError | None = None
    for header in reversed(ledger.runs(suite.name, suite.ci.split)):
        try:
            return accept(suite, guards, [ledger.run(header.id)], **about)
        except RecordError as error:
            refusal = refusal or error
    raise refusal or NothingRunError(
        f"there is no run of {suite.name} on {suite.ci.split} to accept",
        hint=f"run `tunegate eval {options.suite}` first",
    )


def _git_name(folder: Path) -> str:
    """The name that git signs commits with here; empty where there is none."""
    try:
        done = subprocess.run(  # noqa: S603 - fixed program, no shell
            ["git", "-C", str(folder), "config", "user.name"],  # noqa: S607
            capture_output=True,
            check=False,
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace").strip()


def _show_accepted(
    baseline: Baseline,
    before: Baseline | None,
    power: DetectableLoss,
    path: Path,
    terminal: Terminal,
) -> None:
    primary = baseline.definition.primary
    means = [_mean(one.cases, primary) for one in (before, baseline) if one]
    terminal.line(
        f"accepted: {baseline.recipe.label} on {baseline.recipe.model}, {primary} "
        f"{' -> '.join(map(percent, means))} on {counted(len(baseline.cases), 'case')}",
        "bold",
    )
    for text in power_said(power):
        terminal.line(text)
    wrong = [
        name
        for name in baseline.definition.must_pass
        if baseline.cases[name].scores.get(primary, 0.0) < ci_rules(baseline.definition).pass_score
    ]
    if wrong:
        terminal.line(
            f"warning: {counted(len(wrong), 'case')} marked must_pass is wrong in it and fails "
            f"every `tunegate ci`: {', '.join(wrong[:MOST_CASES])}",
            "yellow",
        )
    if baseline.recipe.adapter and not baseline.recipe.adapter_path:
        terminal.line(
            "its adapter lies outside the suite: CI needs it brought there and named with "
            "--adapter",
            "yellow",
        )
    terminal.line(f"wrote {path}: commit it")


def _mean(cases: Table, metric: str) -> float | None:
    values = list(metric_scores(cases, metric).values.values())
    return sum(values) / len(values) if values else None


def ci_command(options: Namespace, terminal: Terminal) -> int:
    """Judge suites against their accepted baselines."""
    for path in (options.markdown, options.junit):
        if path is not None:
            check_output(path)
    opened = open_suites(options.suites)
    base_name = options.base or base_from(os.environ)
    base = find_revision(opened[0].suite.root, base_name) if base_name else None
    wishes = wishes_of(options)
    tasks = [plan_task(one, wishes, base=base, reviewed=options.reviewed) for one in opened]
    _refuse_wishes_for_many(tasks, wishes)
    with only_job(options.ledger):
        evaluator = Evaluator(options.ledger, terminal, options.precision or "auto")
        order = sorted(tasks, key=lambda task: task.recipe.model)  # each model is opened once
        found = {task.opened.suite.root: _judged_or_broken(evaluator, task) for task in order}
    verdicts = [found[task.opened.suite.root] for task in tasks]
    if base is not None:
        verdicts += [removed_suite(folder, base.label) for folder in removed_gates(base)]
    _write_outputs(options, verdicts, terminal)  # first: whoever reads here may leave early
    for verdict in verdicts:
        show_verdict(verdict, terminal)
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
    terminal.result({"result": result, "exit_code": code, "suites": documents})
    return code


def _judged_or_broken(evaluator: Evaluator, task: Task) -> SuiteVerdict:
    """A suite that cannot be run is said to be so beside the others' verdicts."""
    try:
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


def show_verdict(verdict: SuiteVerdict, terminal: Terminal) -> None:
    """One suite's verdict for a person: result, checks, what changed, the worst cases."""
    terminal.line(summary_line(verdict), STYLES.get(verdict.result, "bold"))
    held = [check for check in verdict.checks if (check.kind, check.result) == MUST_PASS_HELD]
    rows = [
        [_check_name(check), check.result.upper(), check_said(check)]
        for check in verdict.checks
        if check not in held
    ]
    if held:
        said = f"{counted(len(held), 'case')} that must pass: right"
        rows.append(["must_pass", "PASS", said])
    terminal.table("", ["!check", "!result", "what was found"], rows)
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
    undecided = any(check.result == "inconclusive" for check in verdict.checks)
    if verdict.detectable and (undecided or verdict.detectable.mean <= verdict.detectable.margin):
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
    document["baseline"] = _without_cases(verdict.baseline) if verdict.baseline else None
    return document


def _without_cases(baseline: Baseline) -> dict[str, Any]:
    document: dict[str, Any] = canonical(
        replace(baseline, cases={}, definition=replace(baseline.definition, cases={}))
    )
    document["cases"] = len(baseline.cases)
    return document


def aa_command(options: Namespace, terminal: Terminal) -> int:
    """Run one candidate several times and let the gate judge it against itself."""
    opened = open_suite(options.suite)
    task = plan_task(opened, wishes_of(options))
    suite = task.opened.suite
    split = ci_rules(task.gate.definition).split
    if split == "test":
        raise UsageError("A/A on the sealed test split would open it", hint="set ci.split to dev")
    recipe = replace(task.recipe, repeats=1)
    tables: list[Table] = []
    for number in range(options.runs):
        # A ledger of its own for each run: what is stored must not answer for the model.
        with TemporaryDirectory(prefix="tunegate-aa-") as scratch:
            evaluator = Evaluator(Path(scratch), terminal, options.precision or "auto")
            table: dict[str, Any] = {}
            for half in halves(suite.split(split), number):
                runs = evaluator.run_recipe(
                    task.opened, recipe, split, adapter=task.adapter, cases=half
                )
                table |= tabulate(runs)
            tables.append({case.id: table[case.id] for case in suite.split(split)})
    found = noise_floor(
        suite.name,
        suite.primary,
        tables,
        suite.ci.max_loss,
        comparisons=options.comparisons,
        seed=options.seed,
    )
    _show_noise(found, terminal)
    terminal.result(found)
    return 0


def _show_noise(found: NoiseFloor, terminal: Terminal) -> None:
    means = ", ".join(percent(mean) for mean in found.means)
    terminal.line(f"{found.suite}: {found.metric} {means}", "bold")
    terminal.line(
        f"{counted(len(found.unstable), 'case')} of {found.cases} did not always score the same; "
        f"two runs differ on {percent(found.discordance)} of the cases"
    )
    share = found.fails / found.comparisons
    terminal.line(
        f"of {found.comparisons} simulated comparisons with itself the gate would have failed "
        f"{found.fails} ({percent(share)}), called {found.inconclusive} inconclusive and passed "
        f"{found.passes} (margin {100 * found.margin:g} points)"
    )
    for text in power_said(found.detectable):
        terminal.line(text)
