"""What goes wrong, as data: by the scorers' words, by kind, slice and topic, and by parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from evals.failures import MEANINGS, FailureAnalysis, FailureKind
from evals.failures.records import Contrast, KindLine, SliceLine, Topic
from evals.records import Run, SplitName
from evals.summaries import (
    Confusion,
    FieldSummary,
    LabelSummary,
    Mean,
    Quality,
    Summary,
    summarise,
)
from reports.data.measures import (
    Estimate,
    MeanScore,
    estimate_of_share,
    mean_score,
    taken,
)
from reports.failures import ERROR, commonest_errors, count_kinds, deciding_runs
from reports.stored import leader_run, sealed_runs
from tuning.records import JobRecord


@dataclass(frozen=True)
class Failures:
    """What goes wrong."""

    runs: Annotated[
        tuple[RunFailures, ...],
        "The sealed runs, then those on dev of adapters and of every candidate, by scorers' words",
    ]
    reasons: Annotated[tuple[ErrorReason, ...], "The commonest errors"]
    analyses: Annotated[
        tuple[Analysis, ...], "Failures by kind: of the leader on dev, then of the sealed runs"
    ]
    parts: Annotated[
        tuple[MetricParts, ...], "Metrics by their parts: of the sealed runs, else of the leader"
    ]


@dataclass(frozen=True)
class RunFailures:
    """One run: its cases by what became of them."""

    run: Annotated[str, "Id of the run"]
    label: Annotated[str, "The candidate"]
    split: Annotated[SplitName, "The split; test is the sealed one"]
    cases: Annotated[int, "Cases"]
    right: Annotated[int, "Cases with full marks in the primary metric"]
    errors: Annotated[int, "Cases without a score"]
    kinds: Annotated[
        Mapping[str, int], "The other cases by the scorer's word for the failure; other: none given"
    ]


@dataclass(frozen=True)
class ErrorReason:
    """Why there was no output or no score."""

    reason: Annotated[str, "The first 300 characters of the message; or left out"]
    count: Annotated[int, "How often, over all runs above"]


@dataclass(frozen=True)
class Analysis:
    """Every failure of one run, each of one kind."""

    run: Annotated[str, "Id of the run"]
    label: Annotated[str, "The candidate"]
    split: Annotated[str, "The split; test is the sealed one"]
    cases: Annotated[int, "Cases"]
    failed: Annotated[int, "Cases below pass_score, or without a score"]
    pass_score: Annotated[float, "Score from which a case passes"]
    kinds: Annotated[tuple[KindCount, ...], "Failures by kind; kinds that do not occur are absent"]
    constrainable: Annotated[int, "Failures that decoding held to a form could have ended"]
    form_gain: Annotated[float, "The most by which the mean score could rise if it did"]
    form_from: Annotated[str | None, "What judges the form of answers; null: nothing can"]
    form_unknown: Annotated[int, "Failing answers of whose form nothing is known"]
    unread: Annotated[int, "Cases that are not stored any more, and not compared"]
    slices: Annotated[tuple[FailingSlice, ...], "Parts of the cases by one value of a tag"]
    slices_hidden: Annotated[int, "Slices that were too many to keep"]
    topics: Annotated[tuple[FailingTopic, ...], "Topics of inputs that fail more than the rest"]
    topics_looked_at: Annotated[int, "How many topics were compared"]
    topics_why_not: Annotated[str | None, "Why topics are not told; null: they are"]


@dataclass(frozen=True)
class KindCount:
    """How many cases fail in one way."""

    kind: Annotated[FailureKind, "The kind of failure"]
    meaning: Annotated[str, "What it means"]
    count: Annotated[int, "Cases"]
    share: Annotated[Estimate, "Share of all cases"]
    examples: Annotated[tuple[str, ...], "Ids of some of them"]


@dataclass(frozen=True)
class ContrastData:
    """The failing share of a part of the cases against that of all others."""

    rest: Annotated[float, "Failing share of the rest"]
    difference: Annotated[Estimate, "Part minus rest"]
    p: Annotated[float | None, "p value, corrected for all parts (Holm); null: not tested"]
    differs: Annotated[bool | None, "Whether it is below 0.05; null: not tested"]


@dataclass(frozen=True)
class FailingSlice:
    """The cases with one value of a tag."""

    tag: Annotated[str, "Name of the tag"]
    value: Annotated[str, "Its value"]
    cases: Annotated[int, "Cases"]
    failed: Annotated[int, "How many fail"]
    share: Annotated[Estimate, "Failing share"]
    kinds: Annotated[Mapping[FailureKind, int], "Failures by kind"]
    contrast: Annotated[ContrastData | None, "Against the rest; null: not compared"]


@dataclass(frozen=True)
class FailingTopic:
    """Inputs that use the same words."""

    terms: Annotated[tuple[str, ...], "The words that set them apart most"]
    cases: Annotated[int, "Cases"]
    failed: Annotated[int, "How many fail"]
    share: Annotated[Estimate, "Failing share"]
    kinds: Annotated[Mapping[FailureKind, int], "Failures by kind"]
    contrast: Annotated[ContrastData, "Against the rest"]
    examples: Annotated[tuple[str, ...], "Ids of failing cases"]


@dataclass(frozen=True)
class MetricParts:
    """One metric of a run by the parts of its scores."""

    run: Annotated[str, "Id of the run"]
    label: Annotated[str, "The candidate"]
    metric: Annotated[str, "The metric"]
    cases: Annotated[int, "Cases with a score"]
    errors: Annotated[int, "Cases without one"]
    fields: Annotated[FieldParts | None, "By field; null: its scores have none"]
    labels: Annotated[tuple[LabelParts, ...], "By label"]
    turns: Annotated[tuple[NamedMean, ...], "By turn of a conversation"]
    scorers: Annotated[tuple[NamedMean, ...], "By nested scorer"]


@dataclass(frozen=True)
class QualityData:
    """How well one field or label was found."""

    name: Annotated[str, "The field's path or the label; empty for all together"]
    support: Annotated[int, "How often it was expected"]
    answered: Annotated[int, "How often an answer gave it"]
    right: Annotated[float, "How often both agreed"]
    precision: Annotated[float | None, "right / answered; null: never answered"]
    recall: Annotated[float | None, "right / support; null: never expected"]
    f1: Annotated[float | None, "Harmonic mean of the two; null: undefined"]


@dataclass(frozen=True)
class FieldParts:
    """A metric by field."""

    fields: Annotated[tuple[QualityData, ...], "Each field, the most expected first"]
    micro: Annotated[QualityData, "All fields pooled, unexpected ones too"]
    macro_f1: Annotated[float | None, "Plain mean of the fields' F1; null: undefined"]
    unexpected: Annotated[int, "Fields that were answered and that no case expects"]


@dataclass(frozen=True)
class LabelParts:
    """A metric by label."""

    name: Annotated[str, "What was labelled"]
    cases: Annotated[int, "Cases"]
    accuracy: Annotated[float, "Share of them that is right"]
    macro_f1: Annotated[float, "Plain mean of the labels' F1"]
    labels: Annotated[tuple[QualityData, ...], "Each label, the most expected first"]
    confusions: Annotated[
        tuple[ConfusionCount, ...], "Cells of the confusion matrix that are not 0, largest first"
    ]


@dataclass(frozen=True)
class ConfusionCount:
    """A cell of a confusion matrix."""

    expected: Annotated[str, "The expected label"]
    got: Annotated[str | None, "The answered one; null: none"]
    count: Annotated[int, "How often"]


@dataclass(frozen=True)
class NamedMean:
    """The mean of one turn or nested scorer."""

    name: Annotated[str, "Number of the turn, or name of the scorer"]
    mean: Annotated[MeanScore, "The mean and its number of cases"]


def failures_data(job: JobRecord) -> Failures:
    """What goes wrong in the runs of a job."""
    sealed = [run for run in sealed_runs(job) if run]
    runs = sealed or [run for run in [leader_run(job)] if run]
    return Failures(
        runs=run_failures(deciding_runs(job)),
        reasons=reasons_data(deciding_runs(job)),
        analyses=tuple(map(_analysis, job.failures)),
        parts=tuple(_parts(run, summary) for run in runs for summary in summarise(run)),
    )


def run_failures(runs: Sequence[Run]) -> tuple[RunFailures, ...]:
    """Failures by the scorers' words."""
    return tuple(map(_run, runs))


def reasons_data(runs: Sequence[Run]) -> tuple[ErrorReason, ...]:
    """The commonest errors of runs."""
    return tuple(ErrorReason(*each) for each in commonest_errors(runs))


def _run(run: Run) -> RunFailures:
    found = count_kinds(run)
    return RunFailures(
        run=run.id,
        label=run.candidate.label,
        split=run.split,
        cases=len(run.results),
        right=found[""],
        errors=found[ERROR],
        kinds={kind: count for kind, count in found.items() if kind not in ("", ERROR)},
    )


def _analysis(found: FailureAnalysis) -> Analysis:
    return taken(
        Analysis,
        found,
        kinds=tuple(map(_kind, found.kinds)),
        slices=tuple(map(_slice, found.slices)),
        topics=tuple(map(_topic, found.topics.found)),
        topics_looked_at=found.topics.looked_at,
        topics_why_not=found.topics.why_not or None,
    )


def _kind(line: KindLine) -> KindCount:
    return taken(KindCount, line, meaning=MEANINGS[line.kind], share=estimate_of_share(line.share))


def _contrast(contrast: Contrast) -> ContrastData:
    return taken(ContrastData, contrast, difference=estimate_of_share(contrast.difference))


def _slice(line: SliceLine) -> FailingSlice:
    contrast = _contrast(line.contrast) if line.contrast else None
    return taken(FailingSlice, line, share=estimate_of_share(line.share), contrast=contrast)


def _topic(topic: Topic) -> FailingTopic:
    share, contrast = estimate_of_share(topic.share), _contrast(topic.contrast)
    return taken(FailingTopic, topic, share=share, contrast=contrast)


def _parts(run: Run, summary: Summary) -> MetricParts:
    return taken(
        MetricParts,
        summary,
        run=run.id,
        label=run.candidate.label,
        fields=_fields(summary.fields) if summary.fields else None,
        labels=tuple(map(_label, summary.labels)),
        turns=tuple(map(_mean, summary.turns)),
        scorers=tuple(map(_mean, summary.scorers)),
    )


def _quality(found: Quality) -> QualityData:
    return taken(QualityData, found)


def _fields(found: FieldSummary) -> FieldParts:
    fields = tuple(map(_quality, found.fields))
    return taken(FieldParts, found, fields=fields, micro=_quality(found.micro))


def _label(found: LabelSummary) -> LabelParts:
    return taken(
        LabelParts,
        found,
        labels=tuple(map(_quality, found.labels)),
        confusions=tuple(map(_confusion, found.confusions)),
    )


def _confusion(found: Confusion) -> ConfusionCount:
    return taken(ConfusionCount, found)


def _mean(mean: Mean) -> NamedMean:
    return taken(NamedMean, mean, mean=mean_score(mean))
