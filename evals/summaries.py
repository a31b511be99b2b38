"""A run summed up by the parts of its scores: fields, labels, turns, nested scorers.

Only cases with a score are summed up. Errors are counted beside, and are never zeros.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from evals.records import Part, PartKind, Run
from evals.scorers.structured.field_paths import without_indices
from evals.stats import known_bounds


@dataclass(frozen=True)
class Quality:
    """How well one field or label was found.

    `support` is how often it was expected, `answered` how often an answer gave it, `right`
    how often both agreed. None where nothing was expected or answered.
    """

    name: str
    support: int
    answered: int
    right: float
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True)
class FieldSummary:
    """Fields with the most expected first; `unexpected` counts those that no case expects.

    `micro` pools all fields, the unexpected ones too; `macro_f1` is the fields' plain mean.
    """

    fields: tuple[Quality, ...]
    micro: Quality
    macro_f1: float | None
    unexpected: int


@dataclass(frozen=True)
class Confusion:
    """How often answers to cases of one label named this one; `got` is None for none."""

    expected: str
    got: str | None
    count: int


@dataclass(frozen=True)
class LabelSummary:
    """The labels that cases expect or answers name, the most expected first.

    `confusions` are all cells of the confusion matrix that are not 0, right ones too, the
    largest first.
    """

    name: str
    cases: int
    accuracy: float
    macro_f1: float
    labels: tuple[Quality, ...]
    confusions: tuple[Confusion, ...]


@dataclass(frozen=True)
class Mean:
    """The mean of one turn or nested scorer over `n` cases, with its 95 % interval.

    The bounds are None where there are too few clusters for any.
    """

    name: str
    mean: float
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True)
class Summary:
    """One metric of a run by parts. `cases` have a score; `errors` have none."""

    metric: str
    cases: int
    errors: int
    fields: FieldSummary | None
    labels: tuple[LabelSummary, ...]
    turns: tuple[Mean, ...]
    scorers: tuple[Mean, ...]


class _Found(NamedTuple):
    """A part, and the cluster of its case."""

    part: Part
    cluster: str | None


def summarise(run: Run) -> tuple[Summary, ...]:
    """Every metric of the run whose scores have parts, the primary one first."""
    scored = [result for result in run.results if not result.failed]
    names = dict.fromkeys([run.primary, *(name for r in scored for name in r.scores)])
    found = []
    for name in names:
        results = [(r.scores[name], r.cluster) for r in scored if name in r.scores]
        parts = [_Found(part, cluster) for score, cluster in results for part in score.parts]
        if parts:
            found.append(_summary(name, len(results), len(run.errors), parts))
    return tuple(found)


def _summary(metric: str, cases: int, errors: int, parts: Sequence[_Found]) -> Summary:
    by_kind: dict[PartKind, list[_Found]] = defaultdict(list)
    for one in parts:
        by_kind[one.part.kind].append(one)
    fields = [one.part for one in by_kind["field"]]
    labels: dict[str, list[Part]] = defaultdict(list)
    for part, _ in by_kind["label"]:
        if part.expected is not None:
            labels[part.name].append(part)
    return Summary(
        metric=metric,
        cases=cases,
        errors=errors,
        fields=_fields(fields) if fields else None,
        labels=tuple(_labels(name, found) for name, found in labels.items()),
        turns=tuple(sorted(_means(by_kind["turn"]), key=lambda mean: _in_order(mean.name))),
        scorers=tuple(_means(by_kind["scorer"])),
    )


def _fields(parts: Iterable[Part]) -> FieldSummary:
    by_name: dict[str, list[Part]] = defaultdict(list)
    for part in parts:
        by_name[without_indices(part.name)].append(part)
    every = [_counted(name, found) for name, found in by_name.items()]
    expected = sorted((one for one in every if one.support), key=lambda one: -one.support)
    scores = [one.f1 for one in expected if one.f1 is not None]
    support, answered = (sum(getattr(q, n) for q in every) for n in ("support", "answered"))
    return FieldSummary(
        fields=tuple(expected),
        micro=_quality("all fields", support, answered, sum(one.right for one in every)),
        macro_f1=sum(scores) / len(scores) if scores else None,
        unexpected=sum(one.answered for one in every if not one.support),
    )


def _counted(name: str, parts: Sequence[Part]) -> Quality:
    both = (part.value for part in parts if part.expected is not None and part.got is not None)
    support = sum(part.expected is not None for part in parts)
    answered = sum(part.got is not None for part in parts)
    return _quality(name, support, answered, sum(both))


def _quality(name: str, support: int, answered: int, right: float) -> Quality:
    return Quality(
        name=name,
        support=support,
        answered=answered,
        right=right,
        precision=right / answered if answered else None,
        recall=right / support if support else None,
        f1=2 * right / (support + answered) if support + answered else None,
    )


def _labels(name: str, parts: Sequence[Part]) -> LabelSummary:
    """Computed by scikit-learn over the labels' numbers; an answer without one is -1."""
    from sklearn.metrics import accuracy_score, precision_recall_fscore_support

    names = sorted({text for p in parts for text in (p.expected, p.got) if text is not None})
    numbers: dict[str | None, int] = {label: number for number, label in enumerate(names)}
    wanted = [numbers[part.expected] for part in parts]
    got = [numbers.get(part.got, -1) for part in parts]
    precision, recall, f1, support = precision_recall_fscore_support(
        wanted, got, labels=range(len(names)), zero_division=float("nan")
    )
    answered = Counter(got)
    pairs = Counter((part.expected, part.got) for part in parts)
    lines = [
        Quality(
            name=label,
            support=int(support[n]),
            answered=answered[n],
            right=float(pairs[label, label]),
            precision=float(precision[n]) if answered[n] else None,
            recall=float(recall[n]) if support[n] else None,
            f1=float(f1[n]),
        )
        for n, label in enumerate(names)
    ]
    return LabelSummary(
        name=name,
        cases=len(parts),
        accuracy=float(accuracy_score(wanted, got)),
        macro_f1=float(f1.mean()),
        labels=tuple(sorted(lines, key=lambda line: (-line.support, line.name))),
        confusions=_confusions(pairs),
    )


def _confusions(pairs: Counter[tuple[str | None, str | None]]) -> tuple[Confusion, ...]:
    cells = [Confusion(wanted or "", got, count) for (wanted, got), count in pairs.items()]
    return tuple(sorted(cells, key=lambda one: (-one.count, one.expected, one.got or "")))


def metric_means(run: Run) -> tuple[Mean, ...]:
    """Every metric of a run over the cases that have a score, the primary one first."""
    values: dict[str, list[tuple[float, str | None]]] = defaultdict(list)
    for result in run.results:
        if not result.failed:
            for name, score in result.scores.items():
                values[name].append((score.value, result.cluster))
    order = sorted(values, key=lambda name: (name != run.primary, name))
    return tuple(_mean_of(name, values[name]) for name in order)


def _means(found: Iterable[_Found]) -> list[Mean]:
    by_name: dict[str, list[_Found]] = defaultdict(list)
    for one in found:
        by_name[one.part.name].append(one)
    return [_mean(name, parts) for name, parts in by_name.items()]


def _mean(name: str, found: Sequence[_Found]) -> Mean:
    return _mean_of(name, [(part.value, cluster) for part, cluster in found])


def _mean_of(name: str, found: Sequence[tuple[float, str | None]]) -> Mean:
    values = [value for value, _ in found]
    low, high = known_bounds(values, [cluster for _, cluster in found])
    return Mean(name, sum(values) / len(values), low, high, len(values))


def _in_order(name: str) -> tuple[tuple[int, int, str], ...]:
    """A sorting key under which turn 10 comes after turn 9."""
    pieces = re.findall(r"\d{1,15}|\D+|\d+", name)
    return tuple((0, int(one), "") if one.isdecimal() else (1, 0, one) for one in pieces)
