"""`eval`: one candidate on one split."""

from __future__ import annotations

from argparse import Namespace
from contextlib import closing
from datetime import UTC, datetime

from evals.errors import SuiteError, UsageError
from evals.ledger import Ledger
from evals.looks import split_fingerprint, take_look
from evals.models.protocol import AdaptableModel
from evals.prompting import find_prompt, make_candidate
from evals.records import Candidate, Case
from evals.runner import Runner
from evals.scorers import build_scorers
from evals.suite import Suite
from tunegate.cli.console import Terminal, percent
from tunegate.cli.opening import OpenedSuite, only_job, open_named_model, open_suite
from tunegate.cli.records import run_summary


def eval_command(options: Namespace, terminal: Terminal) -> int:
    """Run one candidate and show its score; a look at the test split is written down."""
    opened = open_suite(options.suite)
    suite = opened.suite
    cases = _chosen_cases(suite, options)
    prompt = options.prompt or suite.default_prompt
    find_prompt(suite, prompt)
    if options.few_shot and options.nearest:
        raise UsageError("--few-shot and --nearest are two ways to choose demonstrations: give one")
    with only_job(options.ledger), build_scorers(suite) as scorers:
        model = open_named_model(options, terminal)
        candidate = _candidate(suite, model, prompt, options)
        with closing(Ledger(options.ledger)) as ledger:
            if options.split == "test" and suite.split("test"):
                _record_look(opened, candidate, options)
            with terminal.progress(f"{suite.name}: {candidate.label}") as progress:
                runner = Runner(model, scorers, ledger, progress)
                run = runner.run(suite, candidate, options.split, cases=cases)
    summary = run_summary(run)
    terminal.line(
        f"{run.primary} {percent(summary['score'])} ({percent(summary['low'])} to "
        f"{percent(summary['high'])}) on {summary['cases']} {run.split} cases, "
        f"{summary['errors']} errors",
        "bold",
    )
    terminal.line(f"{candidate.label} on {model.name}; {summary['seconds']:.1f} s generating")
    terminal.line(f"cases: tunegate show {run.id}")
    terminal.result({**summary, "run": run})
    return 0


def _candidate(suite: Suite, model: AdaptableModel, prompt: str, options: Namespace) -> Candidate:
    if options.adapter:
        model.use_adapter(options.adapter)
    return make_candidate(
        suite,
        model,
        prompt,
        family="nearest" if options.nearest else "few_shot" if options.few_shot else "wording",
        k=options.nearest or options.few_shot,
        adapter=model.adapter,
        adapter_path=options.adapter or "",
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


def _record_look(opened: OpenedSuite, candidate: Candidate, options: Namespace) -> None:
    take_look(
        opened.looks_path(options.ledger),
        split_fingerprint(opened.suite.split("test")),
        candidate.fingerprint,
        purpose=f"eval of {candidate.label}",
        when=datetime.now(UTC).isoformat(timespec="seconds"),
    )
