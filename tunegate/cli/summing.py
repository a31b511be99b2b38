"""A run summed up by parts, as tables under what `show` prints."""

from __future__ import annotations

from collections.abc import Sequence

from evals.records import Run
from evals.summaries import FieldSummary, LabelSummary, Mean, Quality, Summary, metric_means
from tunegate.cli.console import Terminal, percent

MOST_LINES = 30
MOST_CONFUSIONS = 10


def show_summaries(summaries: Sequence[Summary], terminal: Terminal) -> None:
    """Print every metric's parts; nothing where no score has any."""
    for summary in summaries:
        beside = f", {summary.errors} errors left out" if summary.errors else ""
        terminal.line(f"{summary.metric} by parts: {summary.cases} cases{beside}", "bold")
        if summary.fields:
            _show_fields(summary.fields, terminal)
        for labels in summary.labels:
            _show_labels(labels, terminal)
        _show_means("turn", summary.turns, terminal)
        _show_means("scorer", summary.scorers, terminal)


def _show_fields(found: FieldSummary, terminal: Terminal) -> None:
    macro = Quality("mean of the fields", 0, 0, 0.0, None, None, found.macro_f1)
    rows = [*map(_quality_row, found.fields[:MOST_LINES]), _quality_row(found.micro)]
    rows.append([macro.name, "", "", "", percent(macro.f1)])
    terminal.table("", ["field", ">expected", ">precision", ">recall", ">F1"], rows)
    _say_rest(len(found.fields), "fields", terminal)
    if found.unexpected:
        terminal.line(f"answers gave {found.unexpected} fields that no case expects")


def _show_labels(found: LabelSummary, terminal: Terminal) -> None:
    name = "" if found.name == "label" else f"{found.name}: "
    terminal.line(
        f"{name}accuracy {percent(found.accuracy)}, macro F1 {percent(found.macro_f1)}, "
        f"{found.cases} cases"
    )
    rows = [_quality_row(label) for label in found.labels[:MOST_LINES]]
    terminal.table("", ["label", ">expected", ">precision", ">recall", ">F1"], rows)
    _say_rest(len(found.labels), "labels", terminal)
    wrong = [one for one in found.confusions if one.expected != one.got]
    if not wrong:
        return
    cells = [
        [one.expected, "(none)" if one.got is None else one.got, one.count]
        for one in wrong[:MOST_CONFUSIONS]
    ]
    terminal.table("", ["confused: expected", "answered", ">cases"], cells)
    _say_rest(len(wrong), "confusions", terminal, most=MOST_CONFUSIONS)


def show_metrics(run: Run, terminal: Terminal) -> None:
    """Print the mean of every metric; nothing where the primary one is the only one."""
    found = metric_means(run)
    if len(found) > 1:
        _show_means("metric", found, terminal)


def _show_means(what: str, means: Sequence[Mean], terminal: Terminal) -> None:
    if not means:
        return
    rows = [
        [one.name, percent(one.mean), f"{percent(one.low)} to {percent(one.high)}", one.n]
        for one in means[:MOST_LINES]
    ]
    terminal.table("", [what, ">score", ">95%", ">cases"], rows)
    _say_rest(len(means), f"{what}s", terminal)


def _quality_row(one: Quality) -> list[object]:
    rates = [percent(rate) for rate in (one.precision, one.recall, one.f1)]
    return [one.name, one.support, *rates]


def _say_rest(number: int, what: str, terminal: Terminal, most: int = MOST_LINES) -> None:
    if number > most:
        terminal.line(f"{number - most} more {what}; --json has them all")
