"""Before and after as data: the sealed split, guards, neutral text, and other trainings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from evals.records import Run
from reports.data.measures import Estimate, Sides, estimate, taken
from reports.estimates import Pair, mean_of, pair_of
from reports.outcome import SlicePair, metrics_of, pairs_by_slice, sealed_pairs
from reports.stored import sealed_runs, stored_run
from tuning.forgetting.records import GuardChange, TextChange, TriedAdapter
from tuning.records import GuardLine, JobRecord, Outcome, SeedLine

Result = Literal["pass", "fail", "inconclusive"]


@dataclass(frozen=True)
class RunRef:
    """A stored run, and the candidate that it is of."""

    run: Annotated[str, "Id of the run"]
    label: Annotated[str, "The candidate: prompt, how it is used, adapter"]


@dataclass(frozen=True)
class BeforeAfter:
    """The best prompt against the adapter on the sealed split, paired case by case."""

    before: Annotated[RunRef | None, "The best prompt; null: it was not run"]
    after: Annotated[RunRef | None, "The adapter; null: it was not run"]
    alpha_low: Annotated[
        float | None,
        "One-sided error rate of the lower bound of the difference in the primary metric; null "
        "where nothing was judged",
    ]
    alpha_high: Annotated[float | None, "The same of its upper bound"]
    metrics: Annotated[
        tuple[MetricPair, ...], "Every metric, the primary one first and as it was judged"
    ]
    slices: Annotated[tuple[SliceData, ...], "The primary metric by the suite's tags"]


@dataclass(frozen=True)
class Counts:
    """What became of the cases that both sides have a score for."""

    wins: Annotated[int, "Cases that score higher after"]
    losses: Annotated[int, "Cases that score lower after"]
    ties: Annotated[int, "Cases that score the same"]
    cases: Annotated[int, "Cases compared"]


@dataclass(frozen=True)
class MetricPair:
    """One metric on both sides."""

    metric: Annotated[str, "Name of the metric"]
    before: Annotated[Estimate | None, "Mean score before; null: not run"]
    after: Annotated[Estimate | None, "Mean score after; null: not run"]
    difference: Annotated[Estimate | None, "After minus before, paired; null: one side alone"]
    counts: Annotated[Counts | None, "Wins and losses; null: one side alone"]


@dataclass(frozen=True)
class SliceData:
    """The primary metric over the cases with one value of a tag."""

    tag: Annotated[str, "Name of the tag"]
    value: Annotated[str, "Its value; untagged where a case has none"]
    before: Annotated[Estimate, "Mean score before"]
    after: Annotated[Estimate, "Mean score after"]
    difference: Annotated[Estimate, "After minus before, paired"]
    counts: Annotated[Counts, "Wins and losses"]


@dataclass(frozen=True)
class Guard:
    """A guard suite: what the adapter lost on abilities that must not be lost."""

    suite: Annotated[str, "The guard suite"]
    base_run: Annotated[str, "Its run without the adapter"]
    tuned_run: Annotated[str, "Its run with the adapter"]
    base: Annotated[Estimate, "Mean score without the adapter"]
    tuned: Annotated[Estimate, "Mean score with it"]
    difference: Annotated[Estimate, "With minus without, paired, one-sided bounds"]
    margin: Annotated[float, "The largest loss that is tolerated"]
    result: Annotated[Result, "pass: a loss of the margin is ruled out"]
    likely_loss: Annotated[bool, "A loss is shown and the estimate is beyond the margin"]
    alpha: Annotated[float, "One-sided error rate of the lower bound, and so of a pass"]
    cases: Annotated[int, "Cases compared"]
    cases_needed: Annotated[int | None, "Cases that would settle it; null: settled or not known"]
    counts: Annotated[Counts | None, "Wins and losses; null where nothing is shared"]


@dataclass(frozen=True)
class NeutralText:
    """Cross-entropy on neutral text with the adapter on and off."""

    base: Annotated[float, "Without the adapter, nats a token"]
    tuned: Annotated[float, "With it, nats a token"]
    rise: Annotated[Estimate, "With minus without, paired by passage, nats a token"]
    passages: Annotated[int, "Passages of text"]
    tokens: Annotated[int, "Tokens predicted"]
    corpus: Annotated[str, "Fingerprint of the passages"]
    max_rise: Annotated[float | None, "The largest rise tolerated, nats a token; null: no limit"]
    result: Annotated[Result | None, "Whether the rise is below it; null: no limit"]
    alpha: Annotated[float, "One-sided error rate of that result"]


@dataclass(frozen=True)
class SeedsData:
    """Several trainings that differ by their seed alone."""

    sentence: Annotated[str, "What they show"]
    trainings: Annotated[tuple[SeedTraining, ...], "Each training, by seed"]
    gain: Annotated[Estimate, "Gain of a training drawn at random, one-sided bounds"]
    gain_of_these: Annotated[Estimate, "The same of these trainings alone, one-sided bounds"]
    spread: Annotated[float, "Standard deviation of the trainings' gains as seen"]
    spread_own: Annotated[float, "What of it the cases do not explain"]
    blocked: Annotated[
        tuple[str, ...], "Why the chosen one does not ship, where alone it would have"
    ]


@dataclass(frozen=True)
class SeedTraining:
    """One training of several, judged as if it were the only one."""

    seed: Annotated[int, "Its seed"]
    adapter: Annotated[str, "Fingerprint of its adapter"]
    run: Annotated[str, "Its run on the sealed split"]
    held_out: Annotated[float | None, "Its best look at the held-out part of train; null: none"]
    held_out_of: Annotated[
        Literal["loss", "score"] | None, "What that is: a loss in nats a token, or a mean score"
    ]
    score: Annotated[Estimate, "Mean score on the sealed split"]
    gain: Annotated[Estimate, "Gain over the best prompt, one-sided bounds"]
    verdict: Annotated[Outcome, "What would be decided of it alone"]
    chosen: Annotated[bool, "Whether it is the one that may ship"]
    errors: Annotated[int, "Sealed cases without a score"]
    guards: Annotated[tuple[Guard, ...], "Its guards"]
    neutral_text: Annotated[NeutralText | None, "Its change on neutral text; null: not measured"]


@dataclass(frozen=True)
class TradeoffData:
    """Adapters made of one training, held side by side for what they gain and lose on dev."""

    sentence: Annotated[str | None, "What was found"]
    adapter: Annotated[str, "Fingerprint of the adapter as it was trained"]
    leader: Annotated[str, "Run of the best prompt on dev that gains are against"]
    min_gain: Annotated[float, "Smallest gain worth it"]
    remedies: Annotated[int, "How many others were declared; guards share their level"]
    chosen: Annotated[str | None, "Fingerprint of the adapter that was judged; null: no choice"]
    tried: Annotated[tuple[TradeoffLine, ...], "Each adapter, the one as trained first"]


@dataclass(frozen=True)
class TradeoffLine:
    """One adapter of a trade-off."""

    what: Annotated[str, "What was done to have it"]
    remedy: Annotated[str | None, "Name of that; null: as it was trained"]
    adapter: Annotated[str | None, "Its fingerprint; null where it could not be made"]
    label: Annotated[str | None, "The candidate that was run"]
    run: Annotated[str | None, "Its run on dev; null: none"]
    score: Annotated[Estimate | None, "Mean score on dev; null: not judged"]
    gain: Annotated[Estimate | None, "Gain over the best prompt on dev; null: not judged"]
    gains: Annotated[bool, "Whether it gains what is wanted"]
    keeps: Annotated[bool, "Whether every guard, and neutral text within its limit, passes"]
    guards: Annotated[tuple[TradeoffGuard, ...], "What each guard says"]
    neutral_text: Annotated[NeutralText | None, "Change on neutral text; null: not measured"]
    seconds: Annotated[float, "Seconds that it took to have it"]
    failed: Annotated[str | None, "Why it could not be judged; null: it could"]


@dataclass(frozen=True)
class TradeoffGuard:
    """A guard suite with one adapter of a trade-off."""

    suite: Annotated[str, "The guard suite"]
    change: Annotated[Estimate, "With minus without the adapter, one-sided bounds"]
    margin: Annotated[float, "The largest loss that is tolerated"]
    result: Annotated[Result | None, "pass: a loss of the margin is ruled out; null: not held"]
    likely_loss: Annotated[bool, "A loss is shown and the estimate is beyond the margin"]
    alpha: Annotated[float, "One-sided error rate of the bounds"]
    cases: Annotated[int, "Cases compared"]
    base_run: Annotated[str, "Its run without the adapter"]
    tuned_run: Annotated[str, "Its run with the adapter"]


def before_after_data(job: JobRecord) -> BeforeAfter | None:
    """The sealed split; None where nothing was run on it."""
    before, after = sealed_runs(job)
    if not before and not after:
        return None
    ship = job.shipping if job.shipping and job.shipping.compared else None
    return BeforeAfter(
        before=run_ref(before),
        after=run_ref(after),
        alpha_low=ship.alpha if ship else None,
        alpha_high=round(1 - ship.sealed.gain.level, 12) if ship else None,
        metrics=_both(job, before, after) if before and after else _alone(before, after),
        slices=slices_data(pairs_by_slice(before, after, job.cases, job.slices))
        if before and after
        else (),
    )


def run_ref(run: Run | None) -> RunRef | None:
    """A run by its id and its candidate's label."""
    return RunRef(run.id, run.candidate.label) if run else None


def _both(job: JobRecord, before: Run, after: Run) -> tuple[MetricPair, ...]:
    judged = job.primary if job.shipping and job.shipping.compared else ""
    pairs = sealed_pairs(job, before, after)
    return metrics_data(pairs, {judged: "one"})


def _alone(before: Run | None, after: Run | None) -> tuple[MetricPair, ...]:
    run = before or after
    assert run is not None
    means = {name: estimate(mean_of(run, name)) for name in metrics_of(run, run)}
    return tuple(
        MetricPair(name, mean if before else None, mean if after else None, None, None)
        for name, mean in means.items()
    )


def metrics_data(
    pairs: Mapping[str, Pair], sides: Mapping[str, Sides] | None = None
) -> tuple[MetricPair, ...]:
    """Metrics on both sides. `sides` says of which the difference has one-sided bounds."""
    return tuple(
        MetricPair(
            name,
            estimate(pair.before),
            estimate(pair.after),
            estimate(pair.difference, (sides or {}).get(name, "two")),
            taken(Counts, pair),
        )
        for name, pair in pairs.items()
    )


def slices_data(slices: Sequence[SlicePair]) -> tuple[SliceData, ...]:
    """Slices on both sides."""
    return tuple(
        taken(SliceData, each.pair, tag=each.tag, value=each.value, counts=taken(Counts, each.pair))
        for each in slices
    )


def guards_data(job: JobRecord) -> tuple[Guard, ...]:
    """The guard suites of the adapter that was judged."""
    return tuple(_guard(job, line) for line in (job.shipping.guards if job.shipping else ()))


def _guard(job: JobRecord, line: GuardLine) -> Guard:
    pair = pair_of(stored_run(job, line.base_run), stored_run(job, line.tuned_run))
    return taken(
        Guard,
        line,
        difference=estimate(line.difference, "one"),
        counts=taken(Counts, pair) if pair else None,
    )


def text_data(job: JobRecord) -> NeutralText | None:
    """What the judged adapter makes of neutral text."""
    return _text(job.shipping.text if job.shipping else None)


def _text(change: TextChange | None) -> NeutralText | None:
    return taken(NeutralText, change) if change else None


def seeds_data(job: JobRecord) -> SeedsData | None:
    """The trainings that differ by seed; None where there was one."""
    seeds = job.shipping.seeds if job.shipping else None
    if seeds is None:
        return None
    return taken(
        SeedsData,
        seeds,
        trainings=tuple(_seed(job, line) for line in seeds.lines),
        gain=estimate(seeds.gain, "one"),
        gain_of_these=estimate(seeds.gain_of_these, "one"),
    )


def _seed(job: JobRecord, line: SeedLine) -> SeedTraining:
    return taken(
        SeedTraining,
        line,
        gain=estimate(line.gain, "one"),
        guards=tuple(_guard(job, guard) for guard in line.guards),
        neutral_text=_text(line.text),
    )


def tradeoff_data(job: JobRecord) -> TradeoffData | None:
    """The job's trade-off; None where one adapter alone was looked at."""
    if job.tradeoff is None:
        return None
    return taken(TradeoffData, job.tradeoff, tried=tuple(map(_tried, job.tradeoff.tried)))


def _tried(line: TriedAdapter) -> TradeoffLine:
    return taken(
        TradeoffLine,
        line,
        guards=tuple(map(_change, line.guards)),
        neutral_text=_text(line.text),
    )


def _change(guard: GuardChange) -> TradeoffGuard:
    return taken(TradeoffGuard, guard, change=estimate(guard.change, "one"))
