"""`accept`: a run becomes the committed baseline of its suite."""

from __future__ import annotations

import getpass
import os
import subprocess
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evals.errors import NothingRunError, RecordError, UsageError
from evals.fingerprint import canonical
from evals.judges.records import JudgeStanding
from evals.judges.standing import judge_standings
from evals.ledger import Ledger
from evals.regression.acceptance import accept, detectable_loss
from evals.regression.accepted_file import FILE_NAME as ACCEPTED
from evals.regression.accepted_file import read_accepted, write_accepted
from evals.regression.judge import check_must_pass
from evals.regression.recipes import newest_repeats
from evals.regression.records import Baseline, DetectableLoss
from evals.regression.tables import Table, metric_scores
from evals.regression.wording import counted, power_said
from tunegate.cli.console import Terminal, percent
from tunegate.cli.records import open_stored
from tunegate.environment import in_ci
from tunegate.opening import OpenedSuite, open_guards, open_suite
from tuning.together.choosing import chosen_from

MOST_CASES = 5


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
    ledger = open_stored(options.ledger)
    baseline = _accepted(options, opened, before, ledger)
    gating = {suite.primary, *suite.ci.thresholds}
    judges = judge_standings(suite, ledger, ledger.run(baseline.runs[0]).judges, gating)
    power = detectable_loss(baseline.cases, suite.primary, suite.ci.max_loss)
    write_accepted(path, baseline)
    _show_accepted(baseline, before, power, terminal)
    _show_unshown(judges, terminal)
    terminal.line(f"wrote {path}: commit it")
    terminal.result(
        {
            "path": str(path),
            "replaced": before is not None,
            "baseline": without_cases(baseline),
            "detectable": power,
            **({"judges": judges} if judges else {}),
        }
    )
    return 0


def _accepted(
    options: Namespace, opened: OpenedSuite, before: Baseline | None, ledger: Ledger
) -> Baseline:
    """The baseline of the named runs, else of the newest that may be accepted, with its repeats.

    These are as many as the suite states, else as `before` has. Raises what `accept` raises; of
    several unnamed runs, what it says of the newest.
    """
    suite, guards = opened.suite, open_guards(opened.suite)
    about = {
        "by": options.by or _git_name(suite.root) or getpass.getuser(),
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "why": options.why,
    }
    if options.runs:
        return accept(suite, guards, [ledger.run(name) for name in options.runs], **about)
    times = suite.repeats.times if suite.repeats else before.recipe.repeats if before else 1
    headers, choosing = ledger.runs(suite.name, suite.ci.split), chosen_from(ledger)
    asked_for = [run for run in headers if run.id not in choosing]
    refusal: RecordError | None = None
    for among in (asked_for, headers):  # what a job ran to choose a prompt comes last
        for newest in range(len(among), 0, -1):
            repeats = newest_repeats(among[:newest], suite.decoding.seed, times)
            try:
                return accept(suite, guards, [ledger.run(run.id) for run in repeats], **about)
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
    must_pass = check_must_pass(baseline.definition, baseline.cases)
    wrong = [check.name for check in must_pass if check.result == "fail"]
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


def _show_unshown(judges: Sequence[JudgeStanding], terminal: Terminal) -> None:
    for judge in judges:
        if judge.blocks:
            terminal.line(
                f"warning: no verdict rests on {judge.metric} yet, and so not on this baseline: "
                f"{judge.sentence}",
                "yellow",
            )


def _mean(cases: Table, metric: str) -> float | None:
    values = list(metric_scores(cases, metric).values.values())
    return sum(values) / len(values) if values else None


def without_cases(baseline: Baseline) -> dict[str, Any]:
    """A baseline as JSON, with the number of its cases in their place."""
    document: dict[str, Any] = canonical(
        replace(baseline, cases={}, definition=replace(baseline.definition, cases={}))
    )
    document["cases"] = len(baseline.cases)
    return document
