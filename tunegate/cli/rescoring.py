"""`eval --rescore`: stored outputs scored anew, without any model."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from evals.errors import UsageError
from evals.records import Candidate, Case, Run
from evals.regression.wording import counted
from evals.rescoring import Source, Sources, find_sources
from tunegate.cli.approaches import approach_of
from tunegate.cli.console import Terminal, percent
from tunegate.cli.records import open_stored, run_summary
from tunegate.cli.repeated import evaluated_document, show_judges, show_over_repeats
from tunegate.endpoints import EndpointWishes, open_endpoints, told
from tunegate.evaluating import Evaluator
from tunegate.opening import OpenedSuite, only_job


def rescore_stored(
    options: Namespace,
    opened: OpenedSuite,
    cases: Sequence[Case] | None,
    asked: EndpointWishes,
    terminal: Terminal,
) -> int:
    """Score what is stored of the suite's candidates, and show what changed by that.

    `asked` is how an endpoint is used, should a hosted model judge.
    """
    if options.repeats or options.precision:
        raise UsageError(
            "--repeats and --precision say how a model is run, and --rescore runs none",
            hint="leave them away: all stored repeats are scored",
        )
    suite = opened.suite
    with closing(open_stored(options.ledger)) as ledger:
        found = find_sources(suite, ledger, options.split, cases=cases, wanted=_wanted(options))
    endpoints = open_endpoints(asked, os.environ)
    with only_job(options.ledger), told(endpoints, asked, terminal.note):
        evaluator = Evaluator(options.ledger, terminal, "auto", endpoints)
        rescored = evaluator.rescore(opened, found, options.split)
        judges = evaluator.standings(suite, rescored[0][0], {suite.primary})
    _show(found, rescored, terminal)
    if cases is None:
        _show_gone(found, terminal)
    show_judges(judges, terminal)
    rule = suite.pass_rule
    for runs in rescored:
        show_over_repeats(runs, rule, terminal)
    terminal.result(
        {
            "rescored": [
                {**evaluated_document(runs, rule), "from": [source.run.id for source in sources]}
                for runs, sources in zip(rescored, found.candidates, strict=True)
            ],
            "left_out": found.left_out,
        }
    )
    return 0


def _wanted(options: Namespace) -> Callable[[Candidate], bool]:
    """Which candidates the options leave; those that are not given leave all."""
    approach = approach_of(options)

    def is_wanted(candidate: Candidate) -> bool:
        return (
            options.model in (None, candidate.model)
            and options.prompt in (None, candidate.prompt)
            and approach in (None, candidate.approach)
            and (options.adapter is None or _has_adapter(candidate, options.adapter))
        )

    return is_wanted


def _has_adapter(candidate: Candidate, named: str) -> bool:
    """Whether it has the adapter of that folder, which may be gone, or of that fingerprint."""
    if not candidate.adapter:
        return False
    return candidate.adapter == named or (
        Path(candidate.adapter_path).resolve() == Path(named).resolve()
    )


def _show(found: Sources, rescored: Sequence[Sequence[Run]], terminal: Terminal) -> None:
    rows = [
        _row(source, run)
        for sources, runs in zip(found.candidates, rescored, strict=True)
        for source, run in zip(sources, runs, strict=True)
    ]
    heads = ["!run", "candidate", "!model", ">was", ">score", ">95%", ">cases", ">errors"]
    terminal.table("", heads, rows)
    for one in found.left_out:
        terminal.line(f"not rescored: {one.label} on {one.model}: {one.why}", "yellow")


def _show_gone(found: Sources, terminal: Terminal) -> None:
    gone = {name for sources in found.candidates for source in sources for name in source.gone}
    if gone:
        shown = f"{counted(len(gone), 'case')} that the split has no more"
        terminal.line(f"not scored: stored outputs of {shown}", "yellow")


def _row(source: Source, run: Run) -> list[Any]:
    """A line of the table; `was` is over the same cases, where the metric is the same."""
    kept = tuple(result for result in source.run.results if result.case_id not in source.gone)
    before, after = run_summary(replace(source.run, results=kept)), run_summary(run)
    return [
        run.id,
        run.candidate.label,
        run.candidate.model,
        percent(before["score"] if source.run.primary == run.primary else None),
        percent(after["score"]),
        f"{percent(after['low'])} to {percent(after['high'])}",
        after["cases"],
        after["errors"],
    ]
