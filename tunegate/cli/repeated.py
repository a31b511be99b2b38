"""How runs of one candidate are shown: each, and over its repeats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evals.judges.records import JudgeStanding
from evals.models.names import is_hosted
from evals.records import Run
from evals.regression.wording import repeats_said
from evals.repeats import OverRepeats, PassRule, over_repeats
from tunegate.cli.console import Terminal, percent
from tunegate.cli.records import run_summary
from tunegate.cli.summing import show_metrics

MOST_LEVELS = 10


def show_evaluated(runs: Sequence[Run], rule: PassRule, terminal: Terminal) -> None:
    """What each run says, and what all of them say together."""
    if len(runs) == 1:
        _show_one(runs[0], terminal)
    else:
        _show_several(runs, terminal)
    show_over_repeats(runs, rule, terminal)


def _show_one(run: Run, terminal: Terminal) -> None:
    found = run_summary(run)
    score = _bounded(found["score"], found["low"], found["high"])
    counts = f"on {found['cases']} {run.split} cases, {found['errors']} errors"
    terminal.line(f"{run.primary} {score} {counts}", "bold")
    show_metrics(run, terminal)
    terminal.line(f"{_candidate(run)}; {found['seconds']:.1f} s generating")
    terminal.line(f"cases: tunegate show {run.id}")


def _show_several(runs: Sequence[Run], terminal: Terminal) -> None:
    found = [run_summary(run) for run in runs]
    terminal.line(f"{_candidate(runs[0])}; {sum(run.seconds for run in runs):.1f} s generating")
    terminal.table(
        "",
        ["!run", ">score", ">95%", ">cases", ">errors"],
        [
            [
                one["id"],
                percent(one["score"]),
                f"{percent(one['low'])} to {percent(one['high'])}",
                one["cases"],
                one["errors"],
            ]
            for one in found
        ],
    )


def _candidate(run: Run) -> str:
    return f"{run.candidate.label} on {run.candidate.model}"


def evaluated_document(runs: Sequence[Run], rule: PassRule) -> dict[str, Any]:
    """A run as JSON; several as `runs`, with what they say together."""
    documents = [{**run_summary(run), "run": run} for run in runs]
    if len(documents) == 1:
        return documents[0]
    return {"runs": documents, "over_repeats": over_repeats(runs, rule)}


def show_over_repeats(runs: Sequence[Run], rule: PassRule, terminal: Terminal) -> None:
    """What the repeats of one candidate say together; nothing where it was run once."""
    if len(runs) < 2:
        return
    found = over_repeats(runs, rule)
    score = _bounded(found.score, found.low, found.high)
    told = f"{runs[0].candidate.label}: {found.metric} {score} over {found.times} repeats"
    terminal.line(told, "bold")
    terminal.line(repeats_said(found))
    terminal.table(
        "",
        [">k", f">right in at least k of {found.times}", ">pass@k", ">pass^k"],
        [
            [
                level.count,
                _bounded(level.share, level.low, level.high),
                percent(level.pass_at),
                percent(level.pass_all),
            ]
            for level in found.levels
            if found.times <= MOST_LEVELS or level.count in _told(found)
        ],
    )
    candidate = runs[0].candidate
    is_sure = candidate.decoding.temperature == 0 and not is_hosted(candidate.model)
    if is_sure and not found.wavered:
        terminal.line(
            "note: at temperature 0 a model that runs here answers every repeat alike; only an "
            "endpoint's answers may differ",
            "dim",
        )


def _told(found: OverRepeats) -> set[int]:
    """The levels of many repeats that are shown; JSON has all."""
    return {1, 2, 3, 5, 10, 20, 50, 100, found.least, found.times}


def _bounded(value: float | None, low: float | None, high: float | None) -> str:
    return f"{percent(value)} ({percent(low)} to {percent(high)})"


def show_judges(judges: Sequence[JudgeStanding], terminal: Terminal) -> None:
    """Whether what judged may gate, and how far it agrees with people."""
    for judge in judges:
        terminal.line(
            f"{'may gate' if judge.may_gate else 'may not gate'}: {judge.sentence}",
            "green" if judge.may_gate else "yellow",
        )
