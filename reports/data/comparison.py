"""Two stored runs that are compared, as a document of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from evals.comparison import Comparison, GainCheck, MarginCheck
from evals.comparison import WorstCase as FoundWorst
from evals.records import Case, Run
from reports.data.cases import CaseSet, case_set
from reports.data.cost import CallMeans, call_means
from reports.data.document import Told, told_data
from reports.data.failures import ErrorReason, RunFailures, reasons_data, run_failures
from reports.data.measures import Estimate, taken
from reports.data.outcome import MetricPair, SliceData, metrics_data, slices_data
from reports.data.reproduce import RunData, run_data
from reports.disclosure import Disclosure, bare_cases, quiet_run
from reports.estimates import pair_of
from reports.outcome import metrics_of, pairs_by_slice
from reports.two_runs import compared_pair, headline_of, is_measured, slicing_tags
from reports.verdict import Tone

COMPARISON_FORMAT: Literal["tunegate-comparison@1"] = "tunegate-comparison@1"


@dataclass(frozen=True)
class ComparisonReport:
    """Two stored runs over the same cases: B minus A."""

    format: Annotated[Literal["tunegate-comparison@1"], "What this is, and its version"]
    suite: Annotated[str, "Name of B's suite"]
    primary_metric: Annotated[str, "The metric that decides"]
    told: Annotated[Told, "Which texts are told"]
    verdict: Annotated[ComparisonVerdict, "What the comparison says"]
    a: Annotated[RunData, "Run A"]
    b: Annotated[RunData, "Run B"]
    mean_a: Annotated[float, "Mean score of A over the cases compared"]
    mean_b: Annotated[float, "Mean score of B over the cases compared"]
    difference: Annotated[Estimate, "B minus A, paired case by case"]
    wins: Annotated[int, "Cases that B scores higher on"]
    losses: Annotated[int, "Cases that B scores lower on"]
    ties: Annotated[int, "Cases that both score the same"]
    cases_compared: Annotated[int, "Cases compared"]
    p_value: Annotated[float, "p value of no difference, two-sided"]
    p_name: Annotated[str, "What it is"]
    method: Annotated[str, "How the interval was made"]
    margin: Annotated[MarginData | None, "Whether a loss of a margin is ruled out; null: not asked"]
    gain: Annotated[GainData | None, "Whether a gain is reached; null: not asked"]
    error_share: Annotated[float, "Share of the shared cases that have no score in either"]
    worst_case: Annotated[WorstCase | None, "What errors could hide; null: there are none"]
    errors_a: Annotated[tuple[str, ...], "Ids of shared cases without a score in A"]
    errors_b: Annotated[tuple[str, ...], "Ids of shared cases without a score in B"]
    changed: Annotated[tuple[str, ...], "Ids of cases that differ in content, not compared"]
    only_in_a: Annotated[tuple[str, ...], "Ids of cases that A alone has"]
    only_in_b: Annotated[tuple[str, ...], "Ids of cases that B alone has"]
    metrics: Annotated[tuple[MetricPair, ...], "Every metric; before is A, after is B"]
    slices: Annotated[tuple[SliceData, ...], "The primary metric by tags of few values"]
    calls: Annotated[tuple[CallMeans, ...], "A call of A and of B; empty: not measured"]
    failures: Annotated[tuple[RunFailures, ...], "What goes wrong in A and in B"]
    reasons: Annotated[tuple[ErrorReason, ...], "The commonest errors"]
    cases: Annotated[tuple[CaseSet, ...], "Every case that both have unchanged"]


@dataclass(frozen=True)
class ComparisonVerdict:
    """What a comparison says."""

    direction: Annotated[
        Literal["better", "worse", "none"], "B against A; none: no difference is shown"
    ]
    headline: Annotated[str, "In a few words; what was asked for decides"]
    tone: Annotated[Tone, "How to colour it"]
    sentence: Annotated[str, "In a sentence"]
    too_many_errors: Annotated[bool, "Whether errors are so many that nothing is claimed"]


@dataclass(frozen=True)
class MarginData:
    """Whether B is worse than A by a margin or more."""

    margin: Annotated[float, "The largest loss that is tolerated"]
    alpha: Annotated[float, "One-sided error rate of each bound"]
    low: Annotated[float, "One-sided lower bound of the difference"]
    high: Annotated[float, "One-sided upper bound of the difference"]
    result: Annotated[Literal["pass", "fail", "inconclusive"], "pass: such a loss is ruled out"]
    likely_loss: Annotated[bool, "A loss is shown and the estimate is beyond the margin"]
    cases_needed: Annotated[int | None, "Cases that would settle it; null: settled or not known"]


@dataclass(frozen=True)
class GainData:
    """Whether B is better than A by so much."""

    min_gain: Annotated[float, "The gain asked for"]
    alpha: Annotated[float, "One-sided error rate of each bound"]
    low: Annotated[float, "One-sided lower bound of the difference"]
    high: Annotated[float, "One-sided upper bound of the difference"]
    result: Annotated[
        Literal["reached", "not_reached", "inconclusive"], "not_reached: it is ruled out"
    ]
    cases_needed: Annotated[int | None, "Cases that would settle it; null: settled or not known"]


@dataclass(frozen=True)
class WorstCase:
    """The difference with every error counted against B, and for B."""

    estimate_against: Annotated[float, "Difference with every error counted against B"]
    low_against: Annotated[float, "Its lower bound"]
    estimate_for: Annotated[float, "Difference with every error counted for B"]
    high_for: Annotated[float, "Its upper bound"]


def comparison_data(
    runs: tuple[Run, Run], cases: Mapping[str, Case], found: Comparison, told: Disclosure
) -> ComparisonReport:
    """Two runs side by side. `cases` are by fingerprint, `found` is how the runs compare."""
    cases = bare_cases(runs, cases, told)
    a, b = quiet_run(runs[0], told), quiet_run(runs[1], told)
    pairs = {name: pair for name in metrics_of(a, b) if (pair := pair_of(a, b, name))}
    whole = pairs[b.primary] = compared_pair(found, pairs[b.primary])
    headline, tone = headline_of(found)
    slices = pairs_by_slice(a, b, cases, slicing_tags(cases))
    return taken(
        ComparisonReport,
        found,
        format=COMPARISON_FORMAT,
        suite=b.suite,
        primary_metric=b.primary,
        told=told_data(told),
        verdict=taken(
            ComparisonVerdict, found, headline=headline, tone=tone, sentence=found.verdict
        ),
        a=run_data(a),
        b=run_data(b),
        difference=metrics_data({b.primary: whole})[0].difference,
        cases_compared=found.cases,
        margin=_margin(found.margin),
        gain=_gain(found.gain),
        worst_case=_worst(found.worst_case),
        metrics=metrics_data(pairs),
        slices=slices_data(slices),
        calls=_calls(a, b),
        failures=run_failures((a, b)),
        reasons=reasons_data((a, b)),
        cases=(case_set((a, b), ("a", "b"), cases, told),),
    )


def _margin(check: MarginCheck | None) -> MarginData | None:
    return taken(MarginData, check) if check else None


def _gain(check: GainCheck | None) -> GainData | None:
    return taken(GainData, check) if check else None


def _worst(worst: FoundWorst | None) -> WorstCase | None:
    return taken(WorstCase, worst) if worst else None


def _calls(a: Run, b: Run) -> tuple[CallMeans, ...]:
    means = (call_means(a), call_means(b)) if is_measured(a) or is_measured(b) else ()
    return tuple(each for each in means if each)
