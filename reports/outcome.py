"""Before and after on the sealed cases: metrics, slices, and what was forgotten."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from evals.records import Case, Run
from reports import numbers
from reports.case_filters import slice_filter
from reports.charts import Forest, ForestRow, Mark, Reference, forest
from reports.estimates import Pair, mean_of, pair_of
from reports.stored import NotRun, sealed_runs, stored_run
from tuning.records import GuardLine, Interval, JobRecord, ShipDecision

MOST_SLICES = 30
UNTAGGED = "untagged"
"""The slice of cases that do not have the tag."""

GUARD_WORDS = {"pass": "passed", "fail": "failed", "inconclusive": "inconclusive"}


@dataclass(frozen=True)
class PairRow:
    """A line of a before-and-after table; texts are ready to show.

    `filter` finds its cases in the table of cases, as a link states it; empty: all, or none.
    """

    name: str
    before: str
    before_bounds: str
    after: str
    after_bounds: str
    difference: str
    difference_bounds: str
    wins: str
    losses: str
    ties: str
    cases: str
    filter: str = ""


@dataclass(frozen=True)
class GuardRow:
    """A guard suite's line: what was lost, against the margin."""

    suite: str
    base: str
    tuned: str
    difference: str
    difference_bounds: str
    margin: str
    result: str
    result_label: str
    cases: str
    counts: str


@dataclass(frozen=True)
class OutcomeView:
    """The sealed split. `single` is set instead of pairs where only one side was run."""

    before_label: str
    after_label: str
    caption: str
    metrics: tuple[PairRow, ...]
    slices: tuple[PairRow, ...]
    slices_hidden: int
    chart: Forest | None
    wins: int
    losses: int
    ties: int


@dataclass(frozen=True)
class SingleView:
    """One candidate on the sealed split, with nothing to compare it with."""

    label: str
    rows: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class GuardsView:
    """All guard suites with the chart of their differences against the margins."""

    rows: tuple[GuardRow, ...]
    chart: Forest


def _why(job: JobRecord) -> str:
    """Why running the job again would not change it: a failed proof, or a shut gate."""
    if job.shipping and not job.shipping.look:
        return ": the adapter failed a proof, so it was rejected before"
    shut = job.decision is not None and not job.decision.open and not job.override
    return ": the gate is shut, so no adapter was trained" if shut else ""


def _again(job: JobRecord) -> str:
    return f"tunegate gate {job.suite}" if _why(job) else f"tunegate run {job.suite}"


def outcome_view(job: JobRecord) -> OutcomeView | SingleView | NotRun:
    """Best prompt against adapter; the primary metric's numbers are the verdict's own."""
    before, after = sealed_runs(job)
    if not before or not after:
        only = before or after
        if only:
            return _single(only)
        return NotRun(f"Nothing has been run on the sealed cases{_why(job)}", _again(job))
    pairs = sealed_pairs(job, before, after)
    primary = pairs.get(job.primary)
    slices = pairs_by_slice(before, after, job.cases, job.slices)
    return OutcomeView(
        before_label=before.candidate.label,
        after_label=after.candidate.label,
        caption=_caption(job),
        metrics=tuple(pair_row(name, pair) for name, pair in pairs.items()),
        slices=tuple(slice_row(each, after.split) for each in slices[:MOST_SLICES]),
        slices_hidden=max(0, len(slices) - MOST_SLICES),
        chart=gain_chart(
            f"Adapter minus best prompt in {job.primary}",
            ("all sealed cases", primary),
            [each.named for each in slices[:MOST_SLICES]],
            [Reference(job.min_gain, f"smallest gain worth it {job.min_gain:g}", "gain")],
        )
        if primary
        else None,
        wins=primary.wins if primary else 0,
        losses=primary.losses if primary else 0,
        ties=primary.ties if primary else 0,
    )


def sealed_pairs(job: JobRecord, before: Run, after: Run) -> dict[str, Pair]:
    """Every metric of the sealed runs, the primary one as it was judged where it was."""
    found = {name: pair_of(before, after, name) for name in metrics_of(before, after)}
    if job.shipping and job.shipping.compared:
        found[job.primary] = _judged(job.shipping)
    return {name: pair for name, pair in found.items() if pair}


def guards_view(job: JobRecord) -> GuardsView | NotRun:
    """What the adapter lost on abilities that must not be lost."""
    if not job.shipping or not job.shipping.guards:
        return NotRun(f"No guard suite has been run{_why(job)}", _again(job))
    guards = job.shipping.guards
    rows = [
        ForestRow(
            guard.suite,
            f"{numbers.signed(guard.difference.estimate)}, {GUARD_WORDS[guard.result]}",
            guard.difference.estimate,
            guard.difference.low,
            guard.difference.high,
            mark="dot",
        )
        for guard in guards
    ]
    margins = sorted({guard.margin for guard in guards})
    lines = [Reference(-m, f"largest tolerated loss {m:g}", "margin") for m in margins]
    chart = forest(
        "guards",
        "Adapter minus base model on the guard suites",
        "A guard passes when its whole interval lies to the right of its margin. "
        + "; ".join(f"{r.label}: {r.numbers}" for r in rows),
        rows,
        [Reference(0.0, "no change", "zero"), *lines],
        floor=-1.0,
    )
    return GuardsView(tuple(_guard(job, guard) for guard in guards), chart)


def _caption(job: JobRecord) -> str:
    if not job.shipping or not job.shipping.compared:
        return "Metrics, intervals at 95 %"
    low = numbers.decimal(job.shipping.alpha)
    high = numbers.decimal(1 - job.shipping.sealed.gain.level)
    return (
        f"Metrics, intervals at 95 %; the difference in {job.primary} has the verdict's own "
        f"bounds, one-sided at \u03b1 = {low} below and {high} above"
    )


def metrics_of(before: Run, after: Run) -> list[str]:
    """Metrics that both runs have, the primary one first."""
    found = {name for run in (before, after) for r in run.results for name in r.scores}
    return sorted(found, key=lambda name: (name != after.primary, name))


def _judged(ship: ShipDecision) -> Pair:
    compared = ship.wins + ship.losses + ship.ties  # cases without a score are in neither
    return Pair(*ship.sealed, ship.wins, ship.losses, ship.ties, compared)


def _single(run: Run) -> SingleView:
    rows = []
    for name in metrics_of(run, run):
        interval = mean_of(run, name)
        rows.append(
            (name, numbers.score(interval.estimate if interval else None), numbers.bounds(interval))
        )
    return SingleView(run.candidate.label, tuple(rows))


class SlicePair(NamedTuple):
    """A part of the cases, those with one value of a tag, on both sides."""

    tag: str
    value: str
    pair: Pair

    @property
    def named(self) -> tuple[str, Pair]:
        """The pair with the slice's name, as charts have it."""
        return f"{self.tag}: {self.value}", self.pair


def pairs_by_slice(
    before: Run, after: Run, cases: Mapping[str, Case], tags: Sequence[str]
) -> list[SlicePair]:
    """The primary metric on each part that tags cut the cases into; `cases` by fingerprint."""
    found: dict[tuple[str, str], set[str]] = {}
    for result in after.results:
        case = cases.get(result.case_fingerprint)
        for tag in tags if case else ():
            assert case is not None
            found.setdefault((tag, case.tags.get(tag, UNTAGGED)), set()).add(result.case_id)
    pairs = []
    for (tag, value), ids in sorted(found.items()):
        pair = pair_of(before, after, after.primary, ids)
        if pair:
            pairs.append(SlicePair(tag, value, pair))
    return pairs


def slice_row(found: SlicePair, split: str) -> PairRow:
    """A slice as a line of a table, which leads to its cases."""
    wanted = "" if found.value == UNTAGGED else slice_filter(split, found.tag, found.value)
    return replace(pair_row(*found.named), filter=wanted)


def pair_row(name: str, pair: Pair) -> PairRow:
    """A pair as a line of a table."""
    return PairRow(
        name=name,
        before=numbers.score(pair.before.estimate),
        before_bounds=numbers.bounds(pair.before),
        after=numbers.score(pair.after.estimate),
        after_bounds=numbers.bounds(pair.after),
        difference=numbers.signed(pair.difference.estimate),
        difference_bounds=numbers.signed_bounds(pair.difference),
        wins=numbers.count(pair.wins),
        losses=numbers.count(pair.losses),
        ties=numbers.count(pair.ties),
        cases=numbers.count(pair.cases),
    )


def gain_chart(
    title: str, whole: tuple[str, Pair], slices: Sequence[tuple[str, Pair]], lines: list[Reference]
) -> Forest:
    """Differences of all cases and of slices, beside no difference and what else is to be seen."""
    rows = [_gain_row(*whole, "dot")]
    rows += [_gain_row(name, pair, "ring") for name, pair in slices if _drawable(pair.difference)]
    return forest(
        "gain",
        title,
        "Right of zero the second is better. "
        + "; ".join(f"{row.label}: {row.numbers} {row.bounds}" for row in rows),
        rows,
        [Reference(0.0, "no difference", "zero"), *lines],
        floor=-1.0,
    )


def _drawable(interval: Interval) -> bool:
    return all(math.isfinite(v) for v in (interval.estimate, interval.low, interval.high))


def _gain_row(name: str, pair: Pair, mark: Mark) -> ForestRow:
    gain = pair.difference
    return ForestRow(
        name,
        numbers.signed(gain.estimate),
        gain.estimate,
        gain.low,
        gain.high,
        mark=mark,
        bounds=f"({numbers.signed_bounds(gain)}; {numbers.plural(pair.cases, 'case')})",
    )


def _guard(job: JobRecord, guard: GuardLine) -> GuardRow:
    pair = pair_of(stored_run(job, guard.base_run), stored_run(job, guard.tuned_run))
    label = GUARD_WORDS[guard.result]
    if guard.likely_loss:
        label += ", likely loss"
    if guard.result == "inconclusive" and guard.cases_needed:
        label += f"; {numbers.count(guard.cases_needed)} cases needed"
    return GuardRow(
        suite=guard.suite,
        base=f"{numbers.score(guard.base.estimate)}",
        tuned=f"{numbers.score(guard.tuned.estimate)}",
        difference=numbers.signed(guard.difference.estimate),
        difference_bounds=numbers.signed_bounds(guard.difference),
        margin=numbers.score(guard.margin),
        result=guard.result,
        result_label=label,
        cases=numbers.count(guard.cases),
        counts=f"{pair.wins} / {pair.losses} / {pair.ties}" if pair else numbers.NOTHING,
    )
