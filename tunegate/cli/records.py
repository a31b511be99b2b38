"""`compare`, `runs`, `show`, `models`: read what is stored; no suite's code is imported."""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path
from typing import Any

from evals.comparison import (
    Comparison,
    GainCheck,
    MarginCheck,
    compare_files,
    compare_repeats,
    read_scores,
)
from evals.errors import NothingRunError, RecordError, UsageError
from evals.fingerprint import canonical
from evals.judges.wording import AGREEMENT
from evals.ledger import FILE_NAME, Ledger
from evals.ledger_file import check_folder
from evals.prompting.ballots import agreement, poll_said
from evals.records import Case, CaseResult, Run
from evals.regression.recipes import candidate_line
from evals.regression.wording import counted
from evals.retrieval.recall import Recall, recall_of
from evals.rounding import points_span
from evals.spending.prices import places
from evals.spending.records import Spending
from evals.spending.wording import money_said, spending_said
from evals.summaries import metric_means, summarise
from evals.text import visible
from tunegate.cli.asked import show_prompt
from tunegate.cli.console import Terminal, percent
from tunegate.cli.output import check_output, write_whole
from tunegate.cli.retrieval import show_recall, show_shown
from tunegate.cli.summing import show_metrics, show_summaries

INCONCLUSIVE = 3
_TELLING_CASES = 20  # on fewer, votes may well all be the same


def open_stored(folder: Path, *, made_by: str = "`tunegate eval` or `tunegate run`") -> Ledger:
    """The ledger in `folder`, to be read. Raises NothingRunError when nothing was ever run there.

    `made_by` are the commands that make what is looked for. Raises UsageError where a file is
    named instead of its folder.
    """
    check_folder(folder)
    if not (folder / FILE_NAME).exists():
        raise NothingRunError(
            f"there are no stored runs in {folder}",
            hint=f"run {made_by} first, or name the folder with --ledger",
        )
    return Ledger(folder, read_only=True)


def compare_command(options: Namespace, terminal: Terminal) -> int:
    """Compare two files or two stored runs; exit 1 or 3 where a margin or gain is not met."""
    settings = {"margin": options.margin, "min_gain": options.min_gain}
    if options.markdown:
        check_output(options.markdown)
    judges: tuple[str, ...] = ()
    files = [Path(name) for name in (options.a, options.b) if _is_file(name)]
    if len(files) == 1:
        other = options.b if str(files[0]) == options.a else options.a
        raise UsageError(
            f"{other!r} is no file of scores, and {files[0]} is compared with nothing else",
            hint="compare two JSONL files, or two stored runs",
        )
    if files:
        side_a, side_b = map(read_scores, files)
        comparison = compare_files(side_a, side_b, **settings)
    else:
        ledger = open_stored(options.ledger)
        runs_a, runs_b = (
            [ledger.run(name) for name in names.split(",")] for names in (options.a, options.b)
        )
        comparison = compare_repeats(runs_a, runs_b, **settings)
        judges = tuple(sorted({name for run in (*runs_a, *runs_b) for name in run.judges}))
    _show_comparison(comparison, (options.a, options.b), terminal)
    if judges:
        terminal.line(f"judged by {', '.join(judges)}: {AGREEMENT}", "yellow")
    if options.markdown:
        from reports.compared import render_comparison

        write_whole(options.markdown, render_comparison(comparison, (options.a, options.b), judges))
        terminal.line(f"wrote {options.markdown}")
    told = {"judges": {"models": judges, "agreement": AGREEMENT}} if judges else {}
    terminal.result({**canonical(comparison), **told})
    return _comparison_code(comparison)


def _is_file(name: str) -> bool:
    """Whether a name is meant as a file of scores: a stored run's id has no slash and no ending."""
    path = Path(name)
    there = path.exists() and not path.is_dir()  # a pipe is read like a file
    return there or name.endswith((".jsonl", ".json")) or "/" in name


def _show_comparison(found: Comparison, names: tuple[str, str], terminal: Terminal) -> None:
    terminal.line(f"A  {names[0]}")
    terminal.line(f"B  {names[1]}")
    terminal.table(
        "",
        [
            ">cases",
            ">A",
            ">B",
            ">B - A",
            f">{found.level:.0%}",
            ">wins/losses/ties",
            f">{found.p_name}",
        ],
        [
            [
                found.cases,
                percent(found.mean_a),
                percent(found.mean_b),
                f"{100 * found.estimate:+.1f}",
                points_span(found.low, found.high),
                f"{found.wins}/{found.losses}/{found.ties}",
                f"{found.p_value:.2g}",
            ]
        ],
    )
    style = {"better": "bold green", "worse": "bold red", "none": "bold"}[found.direction]
    terminal.line(found.verdict, style)
    for label, ids in (
        ("only in A", found.only_in_a),
        ("only in B", found.only_in_b),
        ("changed", found.changed),
        ("errors in A", found.errors_a),
        ("errors in B", found.errors_b),
    ):
        if ids:
            more = ", ..." if len(ids) > 5 else ""
            named = ", ".join(visible(case, limit=60) for case in ids[:5])
            terminal.line(f"{label}: {counted(len(ids), 'case')} ({named}{more})")
    if found.margin:
        terminal.line(
            f"margin {found.margin.margin:.3g}: {found.margin.result.upper()}"
            + _open(found, found.margin)
        )
    if found.gain:
        result = found.gain.result.replace("_", " ").upper()
        terminal.line(f"gain of {found.gain.min_gain:.3g}: {result}" + _open(found, found.gain))


def _open(found: Comparison, check: MarginCheck | GainCheck) -> str:
    said = found.open_said(check)
    return f" ({said})" if said else ""


def _comparison_code(found: Comparison) -> int:
    asked = [check.result for check in (found.margin, found.gain) if check]
    if "fail" in asked or "not_reached" in asked:
        return 1
    return INCONCLUSIVE if "inconclusive" in asked else 0


def runs_command(options: Namespace, terminal: Terminal) -> int:
    """List the stored runs, oldest first."""
    ledger = open_stored(options.ledger)
    runs = [ledger.run(header.id) for header in ledger.runs(options.suite)]
    if not runs:
        raise NothingRunError(
            f"no run of {options.suite} is stored" if options.suite else "no run is stored"
        )
    rows = [run_summary(run) for run in runs]
    costs = any(run.spent for run in runs)
    terminal.table(
        "",
        ["!run", "candidate", ">score", ">95%", ">cases", ">errors", *[">cost"] * costs],
        [
            [
                row["id"],
                row["candidate"],
                percent(row["score"]),
                f"{percent(row['low'])} to {percent(row['high'])}",
                row["cases"],
                row["errors"],
                *[_cost(row["spent"])] * costs,
            ]
            for row in rows
        ],
    )
    terminal.result(rows)
    return 0


def _cost(spent: Spending | None) -> str:
    """Money that a run took; a dash where it took none, or nobody knows."""
    if spent is None or spent.money is None:
        return "–"
    return money_said(spent.money, spent.currency)


def run_summary(run: Run) -> dict[str, Any]:
    """A run's numbers for tables and JSON. A score of nothing is None, never zero."""
    means = metric_means(run)
    primary = means[0] if means else None
    return {
        "id": run.id,
        "suite": run.suite,
        "split": run.split,
        "candidate": run.candidate.label,
        "model": run.candidate.model,
        "metric": run.primary,
        "score": primary.mean if primary else None,
        "low": primary.low if primary else None,
        "high": primary.high if primary else None,
        "metrics": means,
        "cases": len(run.results),
        "errors": len(run.errors),
        "prompt_tokens": sum(r.output.prompt_tokens for r in run.results),
        "completion_tokens": sum(r.output.completion_tokens for r in run.results),
        "seconds": round(run.seconds, 3),
        "created": run.created,
        "spent": run.spent,
        "agreement": agreement(run),
    }


def show_command(options: Namespace, terminal: Terminal) -> int:
    """Show one run case by case, or one case with its whole output."""
    ledger = open_stored(options.ledger)
    if options.failures:
        from tunegate.cli.analysed import show_failures

        if options.case is not None or options.prompt:
            raise UsageError(
                "--failures is of a whole run, and shown alone",
                hint="leave the case and --prompt out",
            )
        return show_failures(options, ledger, terminal)
    run = ledger.run(options.run)
    if options.suite and not options.prompt:
        raise UsageError(
            "--suite says where prompts and slices are, which only --prompt and --failures show"
        )
    read = run.results if options.prompt or run.candidate.technique.retrieval else ()
    cases = ledger.cases([result.case_fingerprint for result in read])
    if options.case is None:
        if options.prompt:
            return show_prompt(run, None, options.suite, cases.values(), terminal)
        return _show_run(run, recall_of(run, cases), terminal)
    result = next((r for r in run.results if r.case_id == options.case), None)
    if result is None:
        raise RecordError(
            f"run {run.id} has no case {options.case!r}", hint=f"see `tunegate show {run.id}`"
        )
    if options.prompt:
        return show_prompt(run, result, options.suite, cases.values(), terminal)
    case = ledger.cases([result.case_fingerprint]).get(result.case_fingerprint)
    _show_case(result, case, terminal)
    terminal.result({"run": run.id, "case": case, "result": result})
    return 0


def _show_run(run: Run, recall: Recall | None, terminal: Terminal) -> int:
    summary = run_summary(run)
    terminal.line(f"{run.id}  {summary['candidate']} on {summary['model']}", "bold")
    terminal.line(
        f"{run.primary} {percent(summary['score'])} ({percent(summary['low'])} to "
        f"{percent(summary['high'])}), {summary['cases']} cases, {summary['errors']} errors"
    )
    if run.spent:
        terminal.line(spending_said(run.spent) + ("" if run.spent.price else ", no price known"))
    if (agreed := summary["agreement"]) is not None:
        terminal.line(_agreement_said(agreed, len(run.results)))
    rows = []
    for result in run.results:
        score = result.scores.get(run.primary)
        said = result.failed or (score.reason if score else "")
        rows.append(
            [
                result.case_id,
                f"{score.value:.2f}" if score else "error",
                visible(result.output.said or "", limit=60),
                visible(said, limit=60),
            ]
        )
    terminal.table("", ["case", ">score", "output", "why"], rows)
    show_metrics(run, terminal)
    show_recall(recall, terminal)
    summaries = summarise(run)
    show_summaries(summaries, terminal)
    parts: dict[str, Any] = {"recall": recall} if recall else {}
    if line := candidate_line(run):
        terminal.line(f"as suite.yaml states it: {line}")
        parts["stated"] = line
    if found := run.candidate.found:
        parts["found"] = found
        if found.template:
            terminal.line("its prompt was written by a search: `--prompt` shows it", "yellow")
    terminal.result({**summary, **parts, "summaries": summaries, "results": run.results})
    return 0


def _agreement_said(agreed: float, cases: int) -> str:
    said = f"of the votes on a case {percent(agreed)} are for the elected answer, on average"
    if agreed < 1 or cases < _TELLING_CASES:
        return said
    return f"{said}: every vote was the same, perhaps since temperature and seed are ignored"


def _show_case(result: CaseResult, case: Case | None, terminal: Terminal) -> None:
    terminal.line(f"case {result.case_id}", "bold")
    for key, value in (case.asked if case else {}).items():
        terminal.line(f"input.{key}: {value}")
    terminal.line(f"expected: {(case.wanted if case.turns else case.expected) if case else None}")
    show_shown(result, case, terminal)
    said = result.output.said
    terminal.line("got: nothing" if said is None else f"got: {said}")
    if result.output.ballots:
        terminal.line(poll_said(result.output.ballots))
    if result.output.full:
        terminal.line(f"in full: {result.output.full}")
    for name, score in result.scores.items():
        terminal.line(f"{name}: {score.value:.2f} {score.kind} {score.reason}")
    if result.failed:
        terminal.line(f"error: {result.failed}", "red")
    output = result.output
    terminal.line(
        f"{output.prompt_tokens} prompt tokens, {output.completion_tokens} generated, "
        f"{output.seconds:.2f} s, finished by {output.finish_reason}"
    )


def models_command(options: Namespace, terminal: Terminal) -> int:
    """List the models, or fetch an embedded one."""
    from evals.models import available_models
    from evals.models.embedded import fetch_embedded
    from evals.models.published import EMBEDDED_NAME, PUBLISHED

    if options.action == "pull":
        name = options.name or EMBEDDED_NAME
        if name not in PUBLISHED:
            raise UsageError(
                f"only {' and '.join(PUBLISHED)} can be fetched, not {name!r}",
                hint="hf: models are found by transformers itself",
            )
        with terminal.fraction(f"fetching {name}") as progress:
            folder = fetch_embedded(name, progress=progress)
        terminal.line(f"{name} is ready")
        terminal.result({"name": name, "folder": str(folder)})
        return 0
    models = available_models()
    terminal.table(
        "", ["model", "what", "state"], [[m.name, m.description, m.state] for m in models]
    )
    for path in places(os.environ):
        terminal.line(f"prices: {path} ({'is there' if path.exists() else 'is not there'})", "dim")
    terminal.result(models)
    return 0
