"""A run by the parts of its scores: fields, labels, turns and nested scorers, as tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from evals.records import Run
from evals.summaries import (
    Confusion,
    FieldSummary,
    LabelSummary,
    Mean,
    Quality,
    Summary,
    metric_means,
    summarise,
)
from reports import numbers
from reports.stored import leader_run, sealed_runs
from tuning.records import Interval, JobRecord

MOST_ROWS = 30
MOST_MATRIX = 10  # labels of a confusion matrix that is drawn whole
MOST_PAIRS = 12  # of labels that are confused
MOST_TABLES = 24
NO_LABEL = "(none)"


class Cell(NamedTuple):
    """A number ready to show; `mark` is "right" or "wrong" for the cells of a matrix."""

    text: str
    mark: str = ""


@dataclass(frozen=True)
class PartTable:
    """A table: names in `texts` columns, then numbers.

    `groups` are heads over several columns: (text, number of columns); empty where there is
    one row of heads. `hidden` rows are not shown.
    """

    caption: str
    groups: tuple[tuple[str, int], ...]
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    texts: int = 1
    hidden: int = 0


@dataclass(frozen=True)
class SummedView:
    """All metrics, the tables of every one with parts, and what they leave out."""

    tables: tuple[PartTable, ...]
    note: str


class _Side(NamedTuple):
    """One run's summary of one metric."""

    label: str
    summary: Summary


def summed_view(job: JobRecord) -> SummedView | None:
    """The sealed runs of the best prompt and the adapter; else the leader on dev.

    None where no score has parts, and no metric is left to tell.
    """
    sealed = [run for run in sealed_runs(job) if run]
    runs = sealed or [run for run in [leader_run(job)] if run]
    found = [(_label(run), {one.metric: one for one in summarise(run)}) for run in runs]
    metrics = dict.fromkeys(metric for _, summaries in found for metric in summaries)
    means = [(_label(run), metric_means(run)) for run in runs]
    tables: list[PartTable] = []
    if not sealed and any(len(one) > 1 for _, one in means):  # else they stand before and after
        tables.append(_mean_table("Scores", "metric", means))
    for metric in metrics:
        sides = [_Side(label, by[metric]) for label, by in found if metric in by]
        tables += _metric_tables(metric, sides)
    if not tables:
        return None
    return SummedView(tuple(tables[:MOST_TABLES]), _note([run for run in runs if run]))


def _label(run: Run) -> str:
    return run.candidate.label


def _note(runs: Sequence[Run]) -> str:
    split = "sealed" if runs[0].split == "test" else runs[0].split
    errors = ", ".join(f"{numbers.count(len(run.errors))} of {_label(run)}" for run in runs)
    return f"{split} cases that have a score; left out as errors: {errors}"


def _metric_tables(metric: str, sides: Sequence[_Side]) -> list[PartTable]:
    tables = []
    if fields := [(s.label, s.summary.fields) for s in sides if s.summary.fields]:
        tables.append(_field_table(metric, fields))
    for name in dict.fromkeys(one.name for s in sides for one in s.summary.labels):
        title = metric if name == "label" else f"{metric}: {name}"
        labels = [(s.label, one) for s in sides for one in s.summary.labels if one.name == name]
        tables.append(_label_table(title, labels))
        tables += [_confusion_table(title, label, one) for label, one in labels]
    for what, of in (("turn", _turns), ("scorer", _scorers)):
        if any(of(side.summary) for side in sides):
            tables.append(_mean_table(metric, what, [(s.label, of(s.summary)) for s in sides]))
    return tables


def _turns(summary: Summary) -> tuple[Mean, ...]:
    return summary.turns


def _scorers(summary: Summary) -> tuple[Mean, ...]:
    return summary.scorers


def _field_table(metric: str, found: Sequence[tuple[str, FieldSummary | None]]) -> PartTable:
    sides = [(label, one) for label, one in found if one]
    every = [{q.name: q for q in one.fields} | {"": one.micro} for _, one in sides]
    names = list(dict.fromkeys(name for by in every for name in by if name))
    micro = _quality_rows([""], every, shown="all fields (micro)")
    macro = [Cell("mean of the fields (macro)"), Cell("")]
    for _, one in sides:
        macro += [Cell(""), Cell(""), Cell(numbers.score(one.macro_f1))]
    unasked = [f"{numbers.count(one.unexpected)} from {label}" for label, one in sides]
    beside = f". Fields that no case expects: {', '.join(unasked)}"
    any_unasked = any(one.unexpected for _, one in sides)
    return PartTable(
        caption=f"Fields of {metric}" + (beside if any_unasked else ""),
        groups=_groups([label for label, _ in sides], ahead=2, each=3),
        head=("Field", "Expected", *["Precision", "Recall", "F1"] * len(sides)),
        rows=(*micro, tuple(macro), *_quality_rows(names[:MOST_ROWS], every)),
        hidden=max(0, len(names) - MOST_ROWS),
    )


def _label_table(title: str, found: Sequence[tuple[str, LabelSummary]]) -> PartTable:
    every = [{one.name: one for one in summary.labels} for _, summary in found]
    names = list(dict.fromkeys(name for by in every for name in by))
    accuracies = ", ".join(f"{numbers.score(one.accuracy)} {label}" for label, one in found)
    macro = [Cell("mean of the labels (macro)"), Cell("")]
    for _, one in found:
        macro += [Cell(""), Cell(""), Cell(numbers.score(one.macro_f1))]
    return PartTable(
        caption=f"Labels of {title}. Accuracy: {accuracies}",
        groups=_groups([label for label, _ in found], ahead=2, each=3),
        head=("Label", "Expected", *["Precision", "Recall", "F1"] * len(found)),
        rows=(tuple(macro), *_quality_rows(names[:MOST_ROWS], every)),
        hidden=max(0, len(names) - MOST_ROWS),
    )


def _quality_rows(
    names: Iterable[str], every: Sequence[dict[str, Quality]], shown: str = ""
) -> list[tuple[Cell, ...]]:
    rows = []
    for name in names:
        support = max(by[name].support for by in every if name in by)
        row = [Cell(shown or name), Cell(numbers.count(support))]
        for by in every:
            one = by.get(name)
            rates = (one.precision, one.recall, one.f1) if one else (None, None, None)
            row += [Cell(numbers.score(rate)) for rate in rates]
        rows.append(tuple(row))
    return rows


def _confusion_table(title: str, run: str, found: LabelSummary) -> PartTable:
    names = [one.name for one in found.labels]
    caption = f"{title}: what {run} answered"
    if len(names) <= MOST_MATRIX:
        return _matrix(caption, names, found.confusions)
    wrong = [one for one in found.confusions if one.expected != one.got]
    return PartTable(
        caption=f"{caption}: the labels most confused",
        groups=(),
        head=("Expected", "Answered", "Cases"),
        rows=tuple(
            (Cell(one.expected), Cell(_answered(one)), Cell(numbers.count(one.count)))
            for one in wrong[:MOST_PAIRS]
        ),
        texts=2,
        hidden=max(0, len(wrong) - MOST_PAIRS),
    )


def _matrix(caption: str, names: list[str], confusions: Iterable[Confusion]) -> PartTable:
    counts = {(one.expected, one.got): one.count for one in confusions}
    columns = [*names, None] if any(got is None for _, got in counts) else [*names]
    rows = tuple(
        (Cell(name), *(_matrix_cell(name, got, counts.get((name, got), 0)) for got in columns))
        for name in names
        if any((name, got) in counts for got in columns)
    )
    heads = [NO_LABEL if name is None else name for name in columns]
    return PartTable(
        f"{caption}, for each label that was expected",
        (("", 1), ("Answered", len(columns))),
        ("Expected", *heads),
        rows,
    )


def _matrix_cell(expected: str, got: str | None, count: int) -> Cell:
    mark = "" if not count else "right" if expected == got else "wrong"
    return Cell(numbers.count(count), mark)


def _answered(one: Confusion) -> str:
    return NO_LABEL if one.got is None else one.got


def _mean_table(metric: str, what: str, found: Sequence[tuple[str, tuple[Mean, ...]]]) -> PartTable:
    every = [{one.name: one for one in means} for _, means in found]
    names = list(dict.fromkeys(name for by in every for name in by))
    rows = []
    for name in names[:MOST_ROWS]:
        row = [Cell(name)]
        for by in every:
            one = by.get(name)
            row += _mean_cells(one) if one else [Cell(numbers.NOTHING)] * 3
        rows.append(tuple(row))
    return PartTable(
        caption=f"{metric} by {what}, mean with 95 % interval",
        groups=_groups([label for label, _ in found], ahead=1, each=3),
        head=(what.capitalize(), *["Mean", "95 % interval", "Cases"] * len(found)),
        rows=tuple(rows),
        hidden=max(0, len(names) - MOST_ROWS),
    )


def _mean_cells(one: Mean) -> list[Cell]:
    known = one.low is not None and one.high is not None
    interval = Interval(one.mean, one.low or 0.0, one.high or 0.0, 0.95) if known else None
    return [
        Cell(numbers.score(one.mean)),
        Cell(numbers.bounds(interval)),
        Cell(numbers.count(one.n)),
    ]


def _groups(labels: Sequence[str], *, ahead: int, each: int) -> tuple[tuple[str, int], ...]:
    return (("", ahead), *((label, each) for label in labels))
