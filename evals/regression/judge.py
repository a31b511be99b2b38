"""The regression gate: pure functions from scores then and now to checks and a verdict.

No model, no clock, no files. What is judged by is the `definition` given, which is the base
revision's where that differs from the suite's own (see `evals.regression.verdict`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean

from evals.claims import MAX_ERROR_SHARE
from evals.comparison import Comparison, compare_scores, points
from evals.errors import StatisticsError
from evals.regression.definition import ci_rules, pass_rule
from evals.regression.records import (
    Baseline,
    Check,
    CheckKind,
    CheckResult,
    GateDefinition,
    ScoredCase,
)
from evals.regression.tables import Table, metric_scores
from evals.regression.wording import counted, percent
from evals.repeats import PassRule, Tally, tally
from evals.rounding import least_percent, least_points, most_percent, most_points
from evals.stats import exact_bounds, one_sided_z

ALPHA = 0.05
MIN_SAME_SHARE = 0.5
"""Below this share of the larger side, what is the same of two tables says too little."""


def check_errors(suite: str, now: Table) -> Check:
    """Whether so few cases ended without a score that the others say something of the suite."""
    errors = [case.error for case in now.values() if case.error is not None]
    text = f"{len(errors)} of {counted(len(now), 'case')} ended without a score"
    if len(errors) <= MAX_ERROR_SHARE * len(now):
        return Check("run", suite, "pass", text, cases=len(now))
    text = f"{text}, more than {MAX_ERROR_SHARE:.0%}: nothing can be claimed; one said: {errors[0]}"
    return Check("run", suite, "fail", text, cases=len(now))


def check_must_pass(definition: GateDefinition, now: Table) -> tuple[Check, ...]:
    """One check, by its id, for every case marked `must_pass`: whether it is right."""
    marked = [name for name in definition.must_pass if name in now]
    primary, rule = definition.primary, pass_rule(definition)
    return tuple(_must(name, now[name], primary, rule) for name in marked)


def tally_case(case: ScoredCase, metric: str, rule: PassRule) -> Tally:
    """How many of a case's repeats are right; one that was run once is its own only repeat."""
    return tally(case.each.get(metric, (case.scores.get(metric),)), rule)


def _must(name: str, case: ScoredCase, primary: str, rule: PassRule) -> Check:
    score, count = case.scores.get(primary), tally_case(case, primary, rule)
    if count.times > 1:
        found = f"was {count.said}" + (f" ({case.error})" if case.error else "")
    else:
        found = f"scored {score:.2f}" if score is not None else f"has no score: {case.error}"
    result: CheckResult = "pass" if count.standing == "right" else "fail"
    return Check("must_pass", name, result, f"case {name} must pass and {found}", score, cases=1)


def check_level(kind: CheckKind, metric: str, least: float, now: Table) -> Check:
    """Whether a metric's mean is at least `least`, by exact one-sided 5 % bounds.

    Errors count against a pass and for a fail: with either filled in, a claim must still
    hold. Above 5 % of errors nothing is claimed.
    """
    scores = metric_scores(now, metric)
    if not scores.values:
        text = f"metric {metric} is missing: no case has a score of it"
        return Check(kind, metric, "fail", text, limit=least)
    groups = [scores.clusters[name] for name in (*scores.values, *scores.errors)]
    values, missing = list(scores.values.values()), len(scores.errors)
    try:
        low, _ = exact_bounds([*values, *[0.0] * missing], groups, ALPHA)
        _, high = exact_bounds([*values, *[1.0] * missing], groups, ALPHA)
    except StatisticsError as error:
        return Check(kind, metric, "inconclusive", f"{metric}: {error.message}", limit=least)
    mean = fmean(values)
    too_many = missing > MAX_ERROR_SHARE * (len(values) + missing)
    result: CheckResult = "inconclusive"
    if not too_many and low >= least - 1e-12:
        result = "pass"
    elif not too_many and high < least:
        result = "fail"
    needed = None
    if result == "inconclusive" and not too_many:
        needed = _cases_to_settle_level(mean, least, len(values))
    text = f"{metric} is {percent(mean)} (bounds {least_percent(low)} to {most_percent(high)})"
    outcome = {
        "pass": f"at least {percent(least)}",
        "fail": f"below {percent(least)}",
        "inconclusive": f"neither shown to be {percent(least)} nor below",
    }[result]
    text = f"{text}: {outcome}" + _errors_said(missing, too_many)
    return Check(kind, metric, result, text, mean, low, high, least, len(values), needed)


def _cases_to_settle_level(mean: float, least: float, n: int) -> int | None:
    """Cases until Wilson's bound is usually on one side of `least`, if the mean is the truth.

    (z_alpha sqrt(p0 q0) + z_power sqrt(p1 q1))^2 / (p1 - p0)^2; None where the two are so
    near that a million would not do.
    """
    gap = abs(mean - least)
    if gap < 1e-3:
        return None
    z, z_power = one_sided_z(ALPHA), one_sided_z(0.2)
    root: float = z * (least * (1 - least)) ** 0.5 + z_power * (mean * (1 - mean)) ** 0.5
    needed = int((root / gap) ** 2) + 1
    return max(n + 1, needed)


def check_baseline(
    baseline: Baseline, definition: GateDefinition, metrics: Mapping[str, str], now: Table
) -> Check:
    """Whether the primary metric lost no more than the margin since the baseline.

    `metrics` are the identities of what is measured now. Only cases that are the same in
    both are compared, paired; where too few are, or the scorer is another, it says so.
    """
    primary = definition.primary
    margin = ci_rules(definition).max_loss
    missing = sorted(set(baseline.definition.metrics) - set(metrics))
    if missing:
        text = f"metric {missing[0]} is missing: the baseline has it"
        return Check("baseline", primary, "fail", text, limit=margin)
    if baseline.definition.metrics.get(primary) != metrics.get(primary):
        text = f"{primary} is scored otherwise than in the baseline: nothing can be compared"
        return Check("baseline", primary, "review", text, limit=margin)
    same = same_cases(baseline, now)
    larger = max(len(baseline.cases), len(now))
    if len(same) < MIN_SAME_SHARE * larger:
        text = (
            f"only {len(same)} of {counted(larger, 'case')} are as they were when the baseline "
            "was accepted: too few to compare"
        )
        return Check("baseline", primary, "review", text, limit=margin, cases=len(same))
    check = _compared("baseline", primary, margin, (baseline.cases, now), same)
    return _with_uncompared(check, baseline, now)


def _with_uncompared(check: Check, baseline: Baseline, now: Table) -> Check:
    """The check with the cases that only one side has, or has otherwise, listed and counted."""
    gone = tuple(name for name in baseline.cases if name not in now)
    new = tuple(name for name in now if name not in baseline.cases)
    changed = tuple(
        name for name, case in baseline.cases.items() if name in now and now[name].case != case.case
    )
    counts = {"gone": len(gone), "new": len(new), "changed": len(changed)}
    if not any(counts.values()):
        return check
    said = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    found = check.comparison
    return replace(
        check,
        sentence=f"{check.sentence}; not compared, since the baseline: {said}",
        comparison=found and replace(found, only_in_a=gone, only_in_b=new, changed=changed),
    )


def same_cases(baseline: Baseline, now: Table) -> list[str]:
    """Ids of the cases that the baseline has with the same content, in its order."""
    return [
        name for name, case in baseline.cases.items() if name in now and now[name].case == case.case
    ]


def check_guard(name: str, metric: str, max_loss: float, base: Table, tuned: Table) -> Check:
    """Whether the adapter lost no more than `max_loss` of a guard suite's primary metric."""
    check = _compared("guard", metric, max_loss, (base, tuned), list(base))
    return replace(check, name=name, sentence=f"{name}: {check.sentence}")


def _compared(
    kind: CheckKind, metric: str, margin: float, sides: tuple[Table, Table], same: Sequence[str]
) -> Check:
    before, now = sides
    a, b = metric_scores(before, metric, same), metric_scores(now, metric, same)
    try:
        found = compare_scores(
            a.values,
            b.values,
            clusters=b.clusters,
            errors_a=a.errors,
            errors_b=b.errors,
            margin=margin,
            names=("before", "now"),
        )
    except StatisticsError as error:
        text = f"{metric} cannot be compared: {error.message}"
        return Check(kind, metric, "inconclusive", text, limit=margin, cases=len(same))
    judged = found.margin
    assert judged is not None
    return Check(
        kind,
        metric,
        judged.result,
        _difference_said(metric, found),
        found.estimate,
        judged.low,
        judged.high,
        margin,
        found.cases,
        judged.cases_needed,
        found,
    )


def _difference_said(metric: str, found: Comparison) -> str:
    judged = found.margin
    assert judged is not None
    margin = f"{100 * judged.margin:g} points"
    bounds = f"{least_points(judged.low)} to {most_points(judged.high)}"
    text = (
        f"{metric} {percent(found.mean_a)} -> {percent(found.mean_b)}: "
        f"{points(found.estimate)} (bounds {bounds}), "
        f"{found.wins} won and {found.losses} lost of {counted(found.cases, 'case')}"
    )
    outcome = {
        "pass": f"no loss of {margin} or more",
        "fail": f"a loss of more than {margin}",
        "inconclusive": f"a loss of {margin} is neither shown nor excluded",
    }[judged.result]
    if judged.result == "inconclusive" and judged.likely_loss:
        outcome += ", but a loss is likely"
    errors = len({*found.errors_a, *found.errors_b})
    said = _errors_said(errors, found.too_many_errors)
    return f"{text}: {outcome}{said}"


def _errors_said(errors: int, too_many: bool) -> str:
    if not errors:
        return ""
    why = ", too many to claim anything" if too_many else ""
    return f"; {counted(errors, 'case')} without a score{why}"
