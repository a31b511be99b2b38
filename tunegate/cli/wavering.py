"""`aa`: one candidate against itself, and how often the gate would cry wolf."""

from __future__ import annotations

import os
from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from evals.errors import BudgetSpentError, UsageError
from evals.regression.definition import ci_rules
from evals.regression.noise import NoiseFloor, halves, noise_floor
from evals.regression.tables import Table, tabulate
from evals.regression.wording import counted, power_said
from tunegate.cli.console import Terminal, percent
from tunegate.cli.running import endpoints_asked, wishes_of
from tunegate.endpoints import Endpoints, open_endpoints, told
from tunegate.evaluating import Evaluator, Task, plan_task
from tunegate.opening import open_suite


def aa_command(options: Namespace, terminal: Terminal) -> int:
    """Run one candidate several times and let the gate judge it against itself."""
    opened = open_suite(options.suite)
    task = plan_task(opened, wishes_of(options))
    suite = task.opened.suite
    if ci_rules(task.gate.definition).split == "test":
        raise UsageError("A/A on the sealed test split would open it", hint="set ci.split to dev")
    asked = endpoints_asked(options)
    endpoints = open_endpoints(asked, os.environ)
    try:
        with told(endpoints, asked, terminal.note):
            tables = _tables(task, options, terminal, endpoints)
    except BudgetSpentError as error:
        hint = "aa keeps no replies, so that none answers twice: begin again with a larger budget"
        raise BudgetSpentError(error.message, hint=hint) from error
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


def _tables(
    task: Task, options: Namespace, terminal: Terminal, endpoints: Endpoints
) -> list[Table]:
    """The candidate's results, once for each of the runs."""
    suite, recipe = task.opened.suite, replace(task.recipe, repeats=1)
    split = ci_rules(task.gate.definition).split
    tables: list[Table] = []
    for number in range(options.runs):
        # A ledger of its own for each run: what is stored must not answer for the model.
        with TemporaryDirectory(prefix="tunegate-aa-") as scratch:
            evaluator = Evaluator(Path(scratch), terminal, options.precision or "auto", endpoints)
            table: dict[str, Any] = {}
            for half in halves(suite.split(split), number):
                runs = evaluator.run_recipe(
                    task.opened, recipe, split, adapter=task.adapter, cases=half
                )
                table |= tabulate(runs)
            tables.append({case.id: table[case.id] for case in suite.split(split)})
    return tables


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
