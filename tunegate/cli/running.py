"""`eval`: one candidate on one split, or the stored ones scored anew."""

from __future__ import annotations

from argparse import Namespace

from evals.errors import SuiteError
from evals.records import Case
from evals.regression.accepted_file import FILE_NAME as ACCEPTED
from evals.regression.accepted_file import read_accepted
from evals.suite import Suite
from tunegate.cli.console import Terminal
from tunegate.cli.repeated import evaluated_document, show_evaluated
from tunegate.cli.rescoring import rescore_stored
from tunegate.evaluating import Evaluator, Wishes, settle_recipe
from tunegate.opening import only_job, open_suite


def eval_command(options: Namespace, terminal: Terminal) -> int:
    """Run one candidate, or score what is stored, and show the score.

    A look at the test split is written down.
    """
    opened = open_suite(options.suite)
    suite = opened.suite
    cases = _chosen_cases(suite, options)
    if options.rescore:
        return rescore_stored(options, opened, cases, terminal)
    accepted = read_accepted(suite.root / ACCEPTED)
    recipe = settle_recipe(suite, accepted, wishes_of(options))
    with only_job(options.ledger):
        evaluator = Evaluator(options.ledger, terminal, options.precision or "auto")
        runs = evaluator.run_recipe(
            opened, recipe, options.split, adapter=options.adapter or "", cases=cases
        )
    show_evaluated(runs, suite.pass_rule, terminal)
    terminal.result(evaluated_document(runs, suite.pass_rule))
    return 0


def wishes_of(options: Namespace) -> Wishes:
    """What the command line says of the candidate."""
    return Wishes(
        model=options.model,
        prompt=options.prompt,
        few_shot=options.few_shot,
        nearest=options.nearest,
        adapter=options.adapter,
        repeats=options.repeats,
    )


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
