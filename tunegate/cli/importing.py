"""`import`: results of another harness become a stored run."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from evals.errors import UsageError
from evals.imports import (
    Fields,
    ImportedResults,
    ImportedRun,
    read_results,
    run_of_name,
    run_of_suite,
    select,
)
from evals.ledger import Ledger
from evals.ledger_file import check_folder
from evals.records import Run
from evals.scorers import build_scorers
from evals.suite.load import MANIFEST
from evals.suite.shipped import shipped_names
from evals.text import visible
from tunegate.cli.console import Terminal, percent
from tunegate.cli.records import run_summary
from tunegate.opening import OpenedSuite, open_suite
from tunegate.shipped import shipped_root

MOST_SHOWN = 5


def import_command(options: Namespace, terminal: Terminal) -> int:
    """Read a file, make a run of it, store it once, and say what was taken and what was not."""
    opened = _suite_meant(options.suite)
    if opened is None and options.rescore:
        raise UsageError(
            f"--rescore needs a suite, and {options.suite!r} is only a name here",
            hint="name the suite's folder, or a shipped one",
        )
    check_folder(options.ledger)
    path = Path(options.file)
    results = _results(options, path)
    imported = _run(options, results, opened, path, terminal)
    if opened is not None and options.split == "test":
        # Scores on sealed cases are seen, whoever made them: that is a look like any other.
        candidate = imported.run.candidate
        opened.take_look(
            options.ledger, candidate.fingerprint, f"import of {visible(candidate.label, 100)}"
        )
    with closing(Ledger(options.ledger)) as ledger:
        is_new = ledger.find_run(imported.run.id) is None
        if is_new:
            ledger.store_run(imported.run, imported.cases)
        other = _comparable(ledger, imported.run)
    _show(imported, results, opened, terminal)
    _show_next(imported.run, is_new=is_new, other=other, terminal=terminal)
    terminal.result(_document(imported, results, is_new=is_new, rescored=options.rescore))
    return 0


def _results(options: Namespace, path: Path) -> ImportedResults:
    fields = Fields(
        id=options.id_column,
        scores=tuple(options.score_column) or ("score",),
        output=options.output_column,
        input=options.input_column,
        expected=options.expected_column,
        cluster=options.cluster_column,
        error=options.error_column,
    )
    results = select(read_results(path, options.format, fields), options.select, path)
    if options.name is None:
        return results
    return replace(results, candidate=options.name, model=options.name)


def _run(
    options: Namespace,
    results: ImportedResults,
    opened: OpenedSuite | None,
    path: Path,
    terminal: Terminal,
) -> ImportedRun:
    chosen = {"metric": options.metric, "split": options.split}
    if opened is None:
        return run_of_name(results, options.suite, path, **chosen)
    if not options.rescore:
        return run_of_suite(results, opened.suite, path, **chosen)
    with build_scorers(opened.suite) as scorers, terminal.progress(f"scoring {path.name}"):
        return run_of_suite(results, opened.suite, path, scorers=scorers, **chosen)


def _suite_meant(name: str) -> OpenedSuite | None:
    """The suite at a path or of a shipped name; None for a name that no suite here has."""
    path = Path(name)
    is_path = "/" in name or path.name == MANIFEST or (path / MANIFEST).is_file()
    return open_suite(name) if is_path or name in shipped_names(shipped_root()) else None


def _comparable(ledger: Ledger, run: Run) -> str | None:
    """The newest other run that this one may be compared with."""
    others = [
        header.id
        for header in ledger.runs(run.suite, run.split)
        if header.id != run.id
        and header.scoring_fingerprint == run.scoring_fingerprint
        and header.primary == run.primary
    ]
    return others[-1] if others else None


def _means(run: Run, metrics: tuple[str, ...]) -> Mapping[str, float | None]:
    """Mean of every metric over the cases that have a score."""
    means: dict[str, float | None] = {}
    for name in metrics:
        values = list(run.values(name).values())
        means[name] = sum(values) / len(values) if values else None
    return means


def _show(
    imported: ImportedRun,
    results: ImportedResults,
    opened: OpenedSuite | None,
    terminal: Terminal,
) -> None:
    run = imported.run
    terminal.line(f"{run.candidate.label} ({results.format})", "bold")
    known = "" if opened is not None else " (a name; no such suite is here)"
    errors = f"{len(run.errors)} errors"
    terminal.line(f"{len(run.results)} {run.split} cases of {run.suite}{known}, {errors}")
    terminal.table(
        "",
        ["metric", ">mean", ""],
        [
            [name, percent(mean), "primary" if name == run.primary else ""]
            for name, mean in _means(run, imported.metrics).items()
        ],
    )
    if imported.repeats > 1:
        terminal.line(f"repeats: up to {imported.repeats} attempts a case; scores are averaged")
    for label, ids in (
        ("not in the suite, left out", imported.unmatched),
        (f"{run.split} cases that the file does not have", imported.absent),
        ("errors", tuple(result.case_id for result in run.errors)),
    ):
        if ids:
            more = ", ..." if len(ids) > MOST_SHOWN else ""
            terminal.line(f"{label}: {len(ids)} ({', '.join(ids[:MOST_SHOWN])}{more})")
    for finding in imported.findings:
        terminal.line(f"{finding.level}: {finding.message}")


def _show_next(run: Run, *, is_new: bool, other: str | None, terminal: Terminal) -> None:
    terminal.line(f"{'stored' if is_new else 'was stored already'}: {run.id}")
    command = f"compare {other} {run.id}" if other else f"show {run.id}"
    terminal.line(f"next: tunegate {command}")


def _document(
    imported: ImportedRun, results: ImportedResults, *, is_new: bool, rescored: bool
) -> dict[str, Any]:
    return {
        **run_summary(imported.run),
        "format": results.format,
        "metrics": _means(imported.run, imported.metrics),
        "rescored": rescored,
        "stored": is_new,
        "repeats": imported.repeats,
        "unmatched": imported.unmatched,
        "absent": imported.absent,
        "findings": imported.findings,
    }
