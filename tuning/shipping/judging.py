"""After training: ship the adapter, reject it, or say that the numbers do not tell.

A pure function over scores on the sealed split and on the guard suites. Each look at the
sealed split costs: look j claims a gain at alpha / 2^j only. A case that ended in an error
counts against every claim: lost by the adapter that ships, won by the one that is rejected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

from evals.claims import MAX_ERROR_SHARE, GainCheck, MarginCheck, check_gain, check_margin
from evals.comparison import points
from evals.errors import StatisticsError
from evals.rounding import least_points, most_points
from evals.stats import (
    MIN_CLUSTERS,
    BoundedDifference,
    noninferiority_power,
    require_look,
)
from tuning.forgetting.records import Result, TextChange
from tuning.forgetting.wording import text_reason
from tuning.gate.evidence import Arm
from tuning.gate.sample import Sample
from tuning.gate.wording import errors_text
from tuning.intervals import interval_of
from tuning.records import GuardLine, Interval, Outcome, ShipDecision
from tuning.shipping.by_cost import Certain, CostRoute, judge_by_cost
from tuning.shipping.wording import Quality, Target, next_steps_of, sentence_of

__all__ = ["CostRoute", "Guard", "guard_reasons", "judge_adapter", "judge_guard"]


@dataclass(frozen=True)
class Guard:
    """A guard suite scored with the base candidate and with the adapter."""

    suite: str
    base: Arm
    tuned: Arm
    margin: float = 0.10
    clusters: Mapping[str, str | None] = field(default_factory=dict)


def judge_adapter(
    before: Arm,
    after: Arm,
    guards: Sequence[Guard],
    *,
    min_gain: float,
    look: int,
    alpha: float = 0.05,
    clusters: Mapping[str, str | None] | None = None,
    cost: CostRoute | None = None,
    target: float | None = None,
    guard_alpha: float | None = None,
    text: TextChange | None = None,
    asked: str = "",
) -> ShipDecision:
    """Judge the adapter: `before` is the leader by prompt, `after` the adapter, sealed cases.

    Ship: L > 0 at alpha / 2^look and an estimate of at least `min_gain` (or the cost route:
    see `tuning.shipping.by_cost`), and every guard passes. Reject: U < min_gain at alpha with no
    cost route open, or a guard fails. Otherwise inconclusive. `gain.low` is L at alpha / 2^look
    and `gain.high` is U at alpha. Without the cost route a `target` changes no verdict; that it
    is missed is said. `asked` is the prompt to deploy it with, in words; empty: that of training.
    `guard_alpha` is the level of a guard's pass, where it is not alpha: several adapters were
    tried on them. A `text` that is held against a limit counts as a guard.

    Raises `StatisticsError` on a look that is not 1 to 30, a gain or margin outside (0, 1),
    invalid scores or sides over different cases, `NothingRunError` without cases.
    """
    sample = Sample([before, after], clusters or {})
    pair = _paired(sample, before, after)
    claims = before.usable and after.usable and not sample.few_clusters
    look_alpha = alpha / 2 ** require_look(look, "look")
    check = check_gain(pair, min_gain, alpha, look_alpha, claims=claims)
    quality = _judge_quality(pair, check)
    if cost is not None and quality.verdict != "ship_adapter":
        score = Certain.of(sample, after, look_alpha)
        quality = judge_by_cost(pair, score, cost, quality, target)
    if not claims:
        quality = Quality("inconclusive", (_no_claim(sample, before, after),), None)
    pass_alpha = alpha if guard_alpha is None else guard_alpha
    lines = tuple(judge_guard(guard, alpha, pass_alpha=pass_alpha) for guard in guards)
    results = [*(line.result for line in lines), *([text.result] if text and text.result else [])]
    verdict = _verdict(quality.verdict, results)
    after_interval = _interval(sample, after)
    goal = Target(target, after_interval) if target is not None else None
    aimed = (goal.reason,) if goal is not None else ()
    return ShipDecision(
        verdict=verdict,
        sentence=sentence_of(verdict, quality, lines, pair, goal, text=text),
        next_steps=next_steps_of(verdict, quality, lines, goal, asked=asked, text=text),
        before=_interval(sample, before),
        after=after_interval,
        gain=Interval(pair.estimate, check.low, check.high, 1 - alpha),
        wins=pair.scored.wins,
        losses=pair.scored.losses,
        ties=pair.scored.ties,
        cases=len(sample),
        cases_needed=quality.cases_needed if verdict == "inconclusive" else None,
        look=look,
        alpha=look_alpha,
        min_gain=min_gain,
        guards=lines,
        reasons=(
            *quality.reasons,
            *aimed,
            *guard_reasons(lines, guards, pass_alpha),
            *([text_reason(text)] if text else []),
        ),
        text=text,
    )


def _paired(sample: Sample, before: Arm, after: Arm) -> BoundedDifference:
    pair = sample.pair(before, after)
    if pair is None:
        raise StatisticsError(
            f"runs {before.run_id} and {after.run_id} share no case with a score in both",
            hint="look at the errors of both runs, and run them again",
        )
    return pair


def _interval(sample: Sample, arm: Arm) -> Interval:
    interval = sample.interval(arm)
    assert interval is not None  # the pair has scored cases, so each side has
    return interval_of(interval)


def _judge_quality(pair: BoundedDifference, check: GainCheck) -> Quality:
    seen = f"the adapter gains {points(pair.estimate)} on {pair.n} sealed cases"
    if pair.errors:
        seen += f" ({errors_text(pair.errors)})"
    asked = f"{100 * check.min_gain:g} points are asked for"
    low, high = least_points(check.low), most_points(check.high)
    if check.result == "reached":
        return Quality(
            "ship_adapter",
            (f"Quality: {seen} ({asked}), at least {low} for certain: a real gain.",),
            None,
        )
    if check.result == "not_reached":
        text = f"Quality: {seen}, at most {high}; {asked}."
        verdict: Outcome = "reject_adapter"
    else:
        text = f"Quality: {seen}, between {low} and {high}; {asked}, and neither is settled."
        verdict = "inconclusive"
    return Quality(verdict, (text,), check.cases_needed)


def _no_claim(sample: Sample, before: Arm, after: Arm) -> str:
    if sample.few_clusters:
        return (
            f"Quality: the sealed cases form only {sample.clusters} independent clusters; at "
            f"least {MIN_CLUSTERS} are needed to claim anything."
        )
    return (
        f"Quality: {max(before.error_share, after.error_share):.0%} of the sealed cases ended in "
        f"errors, more than {MAX_ERROR_SHARE:.0%}: nothing is claimed. Run them again."
    )


def judge_guard(guard: Guard, alpha: float = 0.05, *, pass_alpha: float) -> GuardLine:
    """A guard's line: fail at `alpha`, pass at `pass_alpha`, each with its bound."""
    sample = Sample([guard.base, guard.tuned], guard.clusters)
    pair = _paired(sample, guard.base, guard.tuned)
    claims = guard.base.usable and guard.tuned.usable and not sample.few_clusters
    check: MarginCheck = check_margin(pair, guard.margin, alpha, pass_alpha, claims=claims)
    return GuardLine(
        suite=guard.suite,
        base_run=guard.base.run_id,
        tuned_run=guard.tuned.run_id,
        base=_interval(sample, guard.base),
        tuned=_interval(sample, guard.tuned),
        difference=Interval(pair.estimate, check.low, check.high, 1 - alpha),
        margin=guard.margin,
        result=check.result,
        likely_loss=check.likely_loss,
        cases=pair.n,
        cases_needed=check.cases_needed,
        alpha=pass_alpha,
    )


def _verdict(quality: Outcome, guards: Sequence[Result]) -> Outcome:
    if quality == "reject_adapter" or "fail" in guards:
        return "reject_adapter"
    if quality == "ship_adapter" and all(result == "pass" for result in guards):
        return "ship_adapter"
    return "inconclusive"


def guard_reasons(
    lines: Sequence[GuardLine], guards: Sequence[Guard], alpha: float
) -> tuple[str, ...]:
    """The evidence of each guard, and how often an adapter that loses nothing passes them all."""
    if not lines:
        return ("No guard suite is configured: whether other abilities were lost is not tested.",)
    reasons = [_guard_reason(line, guard) for line, guard in zip(lines, guards, strict=True)]
    power = prod(_guard_power(guard, alpha) for guard in guards)
    plural = "the guard passes" if len(lines) == 1 else f"all {len(lines)} guards pass"
    reasons.append(
        f"With as many cases and an adapter that loses nothing, {plural} {power:.0%} of the time."
    )
    return tuple(reasons)


def _guard_power(guard: Guard, alpha: float) -> float:
    sample = Sample([guard.base, guard.tuned], guard.clusters)
    pair = _paired(sample, guard.base, guard.tuned)
    return noninferiority_power(
        max(1.0, pair.n / pair.scored.deff), guard.margin, pair.scored.discordance, alpha
    )


def _guard_reason(line: GuardLine, guard: Guard) -> str:
    seen = (
        f"Guard {line.suite}: {points(line.difference.estimate)} on {line.cases} cases (between "
        f"{least_points(line.difference.low)} and {most_points(line.difference.high)}); at most "
        f"{100 * line.margin:g} points may be lost"
    )
    if line.is_shared:
        seen += f", and a pass must hold at \u03b1 = {line.alpha:.2g}: several adapters were tried"
    if failed := frozenset(guard.base.errors) | frozenset(guard.tuned.errors):
        seen += f" ({errors_text(len(failed))})"
    if line.result != "inconclusive":
        return f"{seen}: {line.result}."
    worst = max(guard.base.error_share, guard.tuned.error_share)
    if worst > MAX_ERROR_SHARE:
        return f"{seen}: inconclusive, because {worst:.0%} of the cases ended in errors."
    likely = "a loss is likely" if line.likely_loss else "not settled"
    needed = f"; about {line.cases_needed} cases would tell" if line.cases_needed else ""
    return f"{seen}: inconclusive, {likely}{needed}."
