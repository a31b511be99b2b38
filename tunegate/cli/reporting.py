"""`report`: what is stored of a job, as HTML, Markdown or JSON."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from evals.asked_again import asked_again, template_of
from evals.comparison import compare_runs
from evals.errors import NothingRunError, SuiteError, UsageError
from evals.fingerprint import canonical, fingerprint
from evals.ledger import Ledger
from evals.records import Case, Run
from evals.suite import Suite
from tunegate.cli.console import Terminal
from tunegate.cli.output import check_output, write_whole
from tunegate.cli.records import open_stored
from tunegate.cli.reproducing import commands_of
from tunegate.opening import OpenedSuite, model_name, open_suite
from tunegate.whose_suite import suites_of
from tuning.failures import job_failures
from tuning.forgetting.tradeoff import tradeoff_of_job
from tuning.learning.stored import curve_of_job
from tuning.records import JobRecord
from tuning.repeated import leader_over_repeats
from tuning.stored import JOB, job_key, load_job

if TYPE_CHECKING:
    from reports import Disclosure
    from reports.html import Pages

CASES_PAGE = b'<p class="brand">tunegate report: cases</p>'
LOOKED_AT = 100_000
"""Bytes at the beginning of a file by which it is known as a page of cases."""

ENDINGS = {"html": "html", "markdown": "md", "json": "json"}
"""Of a report's file, by its format."""

MOST_ASKED = 2_000
"""Cases of a run up to which their rendered prompts stand in a report."""


def report_command(options: Namespace, terminal: Terminal) -> int:
    """Render the stored job, two runs side by side, or an index of all suites."""
    if options.suite is None:
        return _report_all(options, terminal)
    if options.against:
        return _report_runs(options, terminal)
    opened = open_suite(options.suite)
    suite, ledger = opened.suite, open_stored(options.ledger)
    model = model_name(suite, options.model)
    record = load_job(ledger, suite.name, model)
    if record is None:
        raise NothingRunError(
            f"nothing is stored of {suite.name} on {model}",
            hint=f"run `tunegate run {options.suite}` first",
        )
    output = options.output or Path(f"{suite.name}-report.{ENDINGS[options.format]}")
    check_output(output)
    if options.show_sealed:
        sealed = [name for name in (record.leader_test, record.adapter_test) if name]
        _write_look_down(sealed, opened, options.ledger)
    wanted = Wanted(
        output,
        options.suite,
        commands_of(options, record),
        options.format,
        texts=not options.redact,
        sealed=options.show_sealed,
    )
    with terminal.progress(f"writing {output}"):
        write_report(ledger, record, opened, wanted)
    terminal.line(f"report: {output}")
    terminal.result({"report": str(output), "format": options.format})
    return 0


def _report_all(options: Namespace, terminal: Terminal) -> int:
    """Every suite and model of the ledger, as one page."""
    from reports import render_index
    from reports.html import link_to

    if options.format != "html":
        raise UsageError(
            "the index of all suites is HTML",
            hint="name a suite; `tunegate runs --json` lists what is stored",
        )
    ledger = open_stored(options.ledger)
    runs: dict[tuple[str, str], list[Run]] = {}
    for header in ledger.runs():
        runs.setdefault((header.suite, header.candidate.model), []).append(ledger.run(header.id))
    if not runs:
        raise NothingRunError("no run is stored", hint="`tunegate run SUITE` makes some")
    found = {pair: ledger.load(JOB, job_key(*pair), JobRecord) for pair in runs}
    jobs = {pair: job for pair, job in found.items() if job is not None}
    output = options.output or Path("tunegate-index.html")
    check_output(output)
    beside = {suite: output.with_name(f"{suite}-report.html") for suite, _ in runs}
    links = {suite: link_to(path.name) for suite, path in beside.items() if path.is_file()}
    with terminal.progress(f"writing {output}"):
        write_whole(output, render_index(runs, jobs, links))
    terminal.line(f"index: {output}")
    terminal.result({"index": str(output), "suites": len({suite for suite, _ in runs})})
    return 0


def _report_runs(options: Namespace, terminal: Terminal) -> int:
    """Two stored runs, A and B, as one page."""
    from reports import Disclosure, render_run_pages, render_runs_json

    if options.format == "markdown":
        raise UsageError(
            "two runs are reported as HTML or JSON",
            hint="`tunegate compare A B --markdown FILE` writes Markdown",
        )
    ledger = open_stored(options.ledger)
    a, b = (ledger.run(name) for name in (options.suite, options.against))
    settings = {"margin": options.margin, "min_gain": options.min_gain}
    found = compare_runs(a, b, **settings)
    prints = {result.case_fingerprint for run in (a, b) for result in run.results}
    cases = ledger.cases(sorted(prints))
    output = options.output or Path(f"{b.suite}-comparison.{ENDINGS[options.format]}")
    check_output(output)
    told = Disclosure(texts=not options.redact, sealed=options.show_sealed)
    if options.show_sealed and "test" in (a.split, b.split):
        _open_sealed_runs((a, b), cases.values(), options.ledger)
    with terminal.progress(f"writing {output}"):
        if options.format == "json":
            write_whole(output, render_runs_json((a, b), cases, found, told))
        else:
            named, names = _folder_of(b, cases.values()), (output.name, cases_beside(output).name)
            pages = render_run_pages((a, b), cases, found, told, named=named, names=names)
            _write_pages(output, pages)
    terminal.line(found.verdict)
    terminal.line(f"report: {output}")
    terminal.result({"report": str(output), "format": options.format, **canonical(found)})
    return 0


class Wanted(NamedTuple):
    """The report that is asked for: where to, of a suite so named, and which texts it may tell."""

    output: Path
    named: str
    commands: tuple[str, ...]
    form: str = "html"
    texts: bool = True
    sealed: bool = False


def write_report(
    ledger: Ledger, record: JobRecord, opened: OpenedSuite, wanted: Wanted
) -> JobRecord:
    """Render a job from what is stored of it, put the file in place whole, and return it."""
    from reports import Disclosure, render_json, render_markdown, render_pages

    stored = load_job(ledger, record.suite, record.model)
    assert stored is not None
    repeated = leader_over_repeats(ledger, stored, opened.suite.pass_rule)
    learning = curve_of_job(ledger, opened.suite, stored)
    whole = replace(
        stored,
        commands=wanted.commands,
        named=wanted.named,
        over_repeats=repeated,
        learning=learning,
        tradeoff=tradeoff_of_job(ledger, opened.suite, stored),
        failures=job_failures(opened.suite, stored),
        templates=_templates(opened.suite, stored),
    )
    disclosure = Disclosure(wanted.texts, wanted.sealed)
    if wanted.form != "html":
        render = render_json if wanted.form == "json" else render_markdown
        write_whole(wanted.output, render(whole, disclosure))
        return whole
    told = _with_prompts(whole, opened.suite, disclosure)
    names = wanted.output.name, cases_beside(wanted.output).name
    _write_pages(wanted.output, render_pages(whole, told, names))
    return whole


def _write_pages(output: Path, pages: Pages) -> None:
    _replace_cases(cases_beside(output), pages.cases)
    write_whole(output, pages.report)


def _templates(suite: Suite, job: JobRecord) -> dict[str, str]:
    """The sources of the tried prompts by run id; what the suite changed since is left out."""
    trials = job.decision.trials if job.decision else ()
    runs = [job.runs[trial.run_id] for trial in trials if trial.run_id in job.runs]
    found = {run.id: template_of(suite, run.candidate) for run in runs}
    return {name: source for name, source in found.items() if source is not None}


def _replace_cases(path: Path, text: str | None) -> None:
    """Put the cases of a large report in place, and take those of an earlier one away.

    Raises UsageError where another file of that name is in the way.
    """
    ours = path.is_file() and CASES_PAGE in path.read_bytes()[:LOOKED_AT]
    if text is None:
        if ours:
            path.unlink()
        return
    check_output(path)
    if path.exists() and not ours:
        raise UsageError(
            "is in the way: the report is large, and its cases stand in a file of this name",
            path=path,
            hint="rename it, or name another report",
        )
    write_whole(path, text)


def cases_beside(output: Path) -> Path:
    """Where the cases of a large report stand."""
    return output.with_name(f"{output.stem}-cases.html")


def _write_look_down(names: Sequence[str], opened: OpenedSuite, ledger: Path) -> None:
    """Outputs of these sealed runs are about to be looked at."""
    if names:
        subject = fingerprint("outputs@1", names)
        opened.take_look(ledger, subject, f"outputs of {' and '.join(names)} shown in a report")


def _open_sealed_runs(runs: tuple[Run, Run], cases: Iterable[Case], ledger: Path) -> None:
    """Write the look at sealed runs down. Raises SuiteError where their suite is not found."""
    sealed = [run for run in runs if run.split == "test"]
    roots = {}
    for run in sealed:
        suite = next(suites_of(run, cases), None)
        if suite is None:
            raise SuiteError(
                f"the suite {run.suite!r} is not found, so that a look at its sealed cases cannot "
                "be written down",
                hint="go where the suite lies, or leave --show-sealed out",
            )
        roots[run.suite] = suite.root
    for name, root in roots.items():
        ids = [run.id for run in sealed if run.suite == name]
        _write_look_down(ids, open_suite(str(root)), ledger)


def _folder_of(run: Run, cases: Iterable[Case]) -> str:
    """How a command names the suite of a run; empty where it is not found."""
    try:
        suite = next(suites_of(run, cases), None)
    except SuiteError:
        return ""
    return str(suite.root) if suite else ""


def _with_prompts(job: JobRecord, suite: Suite, told: Disclosure) -> Disclosure:
    """What models were asked, for the cases whose texts are shown; of large runs it is left out."""
    from reports.cases import shown_runs

    shown = [run for runs in shown_runs(job) for run in runs if not told.is_quiet(run)]
    small = [run for run in shown if len(run.results) <= MOST_ASKED]
    return replace(told, asked={run.id: asked_again(suite, run) for run in small})
