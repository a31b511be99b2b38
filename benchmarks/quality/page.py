"""The measured cells as a page: a summary of the promises, then a table for each experiment."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from math import sqrt

import numpy as np
import scipy

from benchmarks.quality.cells import Cell, Listed
from tunegate import __version__

Results = Mapping[str, Sequence[Cell]]

INTRODUCTION = """\
# How often the decisions are right

Made by `python benchmarks/decision_quality.py{quick}`; do not edit. With tunegate {version},
numpy {numpy} and scipy {scipy}.

tunegate's verdicts rest on bounds and tests. This page measures them on made-up data of which the
truth is known: scores are drawn thousands of times, the same functions that tunegate decides by are
asked, and what they say is counted. Where all outcomes can be gone through one by one, the rate is
exact and no draw is made. A rate stands beside what is promised of it; a promise that does not hold
is **missed**, and the reason stands below its table.

The command takes about 7 minutes on 2 cores. Every cell draws from a generator seeded by its own
setting, so the same command gives the same page, whatever ran before. Cells near their bound get up
to five times the trials. Finished cells are kept in `.tunegate/decision_quality/`, so that an
interrupted command goes on; a change of the code they rest on has them measured anew. `--quick` has
far fewer trials, `--only NAME` takes single experiments, and the command exits with 1 where a
promise is missed.

± is one standard error of the simulation.
"""


def render(listed: Mapping[str, Listed], results: Results, *, quick: bool) -> str:
    """The whole page in Markdown."""
    head = INTRODUCTION.format(
        quick=" --quick" if quick else "",
        version=__version__,
        numpy=np.__version__,
        scipy=scipy.__version__,
    )
    parts = [head, "## Promises\n", _summary(listed, results)]
    parts += [_section(name, listed[name], cells) for name, cells in results.items()]
    return "\n".join(parts).rstrip() + "\n"


def missed(listed: Mapping[str, Listed], results: Results) -> list[str]:
    """One line for each experiment with a promise that does not hold."""
    lines = []
    for name, cells in results.items():
        wrong = sum(not cell.met for cell in cells)
        least = listed[name].least_mean
        if wrong:
            lines.append(f"{name}: {wrong} of {len(cells)} cells miss their promise")
        if least is not None and _mean(cells)[0] < least:
            lines.append(f"{name}: mean {_mean(cells)[0]:.4f} is below {least:g}")
    return lines


def _summary(listed: Mapping[str, Listed], results: Results) -> str:
    rows = []
    for name, cells in results.items():
        link = f"[{name}](#{name})"
        least = listed[name].least_mean
        if least is not None:
            mean, error = _mean(cells)
            verdict = "met" if mean >= least else "**missed**"
            rows.append(
                (link, f"mean ≥ {least:g}", f"all {len(cells)} cells", _rate(mean, error), verdict)
            )
        for bound in dict.fromkeys(_bound(cell) for cell in cells):
            same = [cell for cell in cells if _bound(cell) == bound]
            if bound:
                worst = min(same, key=lambda cell: cell.margin)
                wrong = sum(not cell.met for cell in same)
                verdict = f"**missed** in {wrong} of {len(same)}" if wrong else "met"
                rate = _rate(worst.rate, worst.error)
                rows.append((link, f"each {bound}", _setting(worst), rate, verdict))
            else:
                low, high = min(c.rate for c in same), max(c.rate for c in same)
                span = f"{_figure(low)} to {_figure(high)}"
                rows.append((link, "none", f"all {len(same)} cells", span, "reported"))
    return _table(("experiment", "promise", "worst cell", "rate", ""), rows)


def _section(name: str, listed: Listed, cells: Sequence[Cell]) -> str:
    text = inspect.cleandoc(listed.run.__doc__ or "")
    table = _pivot(cells, listed.columns) if listed.columns else _flat(cells)
    parts = [f"## {name}\n", text, "", table]
    below = listed.list_below
    low = [c for c in cells if not c.met or (below is not None and c.rate < below)]
    if low and (listed.columns or any(not cell.met for cell in low)):
        what = f"Below {below:g} or missed" if below is not None else "Missed"
        low.sort(key=lambda cell: cell.margin)
        rows = [(_setting(c), _rate(c.rate, c.error), _met(c), c.note) for c in low]
        parts += [f"{what}:\n", _table(("setting", "rate", "", "why"), rows)]
    return "\n".join(parts)


def _pivot(cells: Sequence[Cell], across: str) -> str:
    """Rows of settings, columns of one of their keys; bold where a promise is missed."""
    columns = sorted({cell.setting[across] for cell in cells if across in cell.setting}, key=_order)
    keys = [key for key in _keys(cells) if key != across]
    rows: dict[tuple[str, ...], dict[object, Cell]] = {}
    for cell in cells:
        row = tuple(_value(cell.setting.get(key, "")) for key in keys)
        rows.setdefault(row, {})[cell.setting.get(across)] = cell
    body = [
        (*row, *(_short(found[column]) if column in found else "" for column in columns))
        for row, found in rows.items()
    ]
    head = (*keys, *(f"{across} {_value(column)}" for column in columns))
    trials = [cell.trials for cell in cells if cell.trials]
    made = f"Trials per cell: {min(trials):,} to {max(trials):,}.\n" if trials else "Exact.\n"
    return f"{_table(head, body)}\n{made}"


def _flat(cells: Sequence[Cell]) -> str:
    keys = _keys(cells)
    notes = any(cell.note for cell in cells)
    rows = []
    for cell in cells:
        values = tuple(_value(cell.setting.get(key, "")) for key in keys)
        row = (*values, _rate(cell.rate, cell.error), _bound(cell), _met(cell))
        rows.append((*row, cell.note) if notes else row)
    head = (*keys, "rate", "promised", "")
    return _table((*head, "note") if notes else head, rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _mean(cells: Sequence[Cell]) -> tuple[float, float]:
    """Mean rate over the cells, with its standard error."""
    mean = sum(cell.rate for cell in cells) / len(cells)
    return mean, sqrt(sum(cell.error**2 for cell in cells)) / len(cells)


def _keys(cells: Sequence[Cell]) -> list[str]:
    return list(dict.fromkeys(key for cell in cells for key in cell.setting))


def _bound(cell: Cell) -> str:
    bounds = [f"≥ {cell.least:g}"] if cell.least is not None else []
    bounds += [f"≤ {cell.most:g}"] if cell.most is not None else []
    if bounds and cell.errors_allowed:
        bounds.append(f"within {cell.errors_allowed:g} standard errors")
    return ", ".join(bounds)


def _met(cell: Cell) -> str:
    return "" if not _bound(cell) else "met" if cell.met else "**missed**"


def _setting(cell: Cell) -> str:
    return ", ".join(f"{key} {_value(value)}" for key, value in cell.setting.items())


def _short(cell: Cell) -> str:
    return f"{cell.rate:.3f}" if cell.met else f"**{cell.rate:.3f}**"


def _rate(rate: float, error: float) -> str:
    return f"{_figure(rate)} ± {error:.4f}" if error else _figure(rate)


def _figure(rate: float) -> str:
    return f"{rate:.4f}"


def _value(value: object) -> str:
    return (
        f"{value:,}"
        if isinstance(value, int)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )


def _order(value: object) -> tuple[bool, float, str]:
    number = float(value) if isinstance(value, int | float) else 0.0
    return isinstance(value, str), number, str(value)
