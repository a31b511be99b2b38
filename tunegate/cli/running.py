"""`eval`: one candidate on one split, or the stored ones scored anew."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Sequence

from evals.errors import SuiteError
from evals.records import Case
from evals.regression.accepted_file import FILE_NAME as ACCEPTED
from evals.regression.accepted_file import read_accepted
from evals.suite import Suite
from tunegate.cli.approaches import approach_of
from tunegate.cli.console import Terminal
from tunegate.cli.parser import Parser, add_endpoints
from tunegate.cli.repeated import evaluated_document, show_evaluated, show_judges
from tunegate.cli.rescoring import rescore_stored
from tunegate.endpoints import EndpointWishes, open_endpoints, runs_said, told
from tunegate.evaluating import Evaluator, Wishes, settle_recipe
from tunegate.opening import only_job, open_suite


def eval_command(options: Namespace, terminal: Terminal) -> int:
    """Run one candidate, or score what is stored, and show the score.

    A look at the test split is written down.
    """
    opened = open_suite(options.suite)
    suite = opened.suite
    cases = _chosen_cases(suite, options)
    asked = endpoints_asked(options)
    if options.rescore:
        return rescore_stored(options, opened, cases, asked, terminal)
    accepted = read_accepted(suite.root / ACCEPTED)
    recipe = settle_recipe(suite, accepted, wishes_of(options))
    endpoints = open_endpoints(asked, os.environ)
    with only_job(options.ledger), told(endpoints, asked, terminal.note):
        evaluator = Evaluator(options.ledger, terminal, options.precision or "auto", endpoints)
        runs = evaluator.run_recipe(
            opened, recipe, options.split, adapter=options.adapter or "", cases=cases
        )
        judges = evaluator.standings(suite, runs[0], {suite.primary})
    show_evaluated(runs, suite.pass_rule, terminal)
    show_judges(judges, terminal)
    if said := runs_said(runs, endpoints.budget.prices):
        terminal.line(said)
    document = evaluated_document(runs, suite.pass_rule)
    judged = {"judges": judges} if judges else {}
    terminal.result({**document, **judged, "spent_now": endpoints.budget.spent})
    return 0


def wishes_of(options: Namespace) -> Wishes:
    """What the command line says of the candidate."""
    return Wishes(
        model=options.model,
        prompt=options.prompt,
        approach=approach_of(options),
        adapter=options.adapter,
        repeats=options.repeats,
    )


def endpoints_asked(options: Namespace) -> EndpointWishes:
    """What the command line says of endpoints."""
    return EndpointWishes(
        concurrency=options.concurrency,
        timeout=options.timeout,
        max_requests=options.max_requests,
        max_cost=options.max_cost,
        prices=options.prices,
    )


def read_endpoints(arguments: Sequence[str]) -> EndpointWishes:
    """Options of endpoints, from where there is no command of tunegate. Raises UsageError."""
    parser = Parser(prog="--tunegate-...", add_help=False)
    add_endpoints(parser)
    return endpoints_asked(parser.parse_args(arguments))


def _chosen_cases(suite: Suite, options: Namespace) -> tuple[Case, ...] | None:
    if not options.case:
        return None
    by_id = {case.id: case for case in suite.split(options.split)}
    missing = [name for name in options.case if name not in by_id]
    if missing:
        raise SuiteError(
            f"the {options.split} split has no case {missing[0]!r}",
            path=suite.root,
            hint="see the ids in the suite's case files",
        )
    return tuple(by_id[name] for name in dict.fromkeys(options.case))
