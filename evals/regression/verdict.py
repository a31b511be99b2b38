"""One suite's verdict: every check of its gate, and what stands beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath
from statistics import fmean
from typing import NamedTuple

from evals.errors import InfrastructureError, StatisticsError, TunegateError
from evals.judges.records import JudgeStanding
from evals.judges.uses import judges_of
from evals.records import Finding, Run
from evals.regression.acceptance import JUDGE, detectable_loss, identity_of
from evals.regression.changed_cases import changed_cases
from evals.regression.definition import ci_rules, guard_losses, pass_rule
from evals.regression.drift import find_drift
from evals.regression.gate import Gate
from evals.regression.judge import (
    check_baseline,
    check_errors,
    check_guard,
    check_level,
    check_must_pass,
)
from evals.regression.judged import check_judges, without_unshown_judges
from evals.regression.records import (
    Check,
    DefinitionChange,
    DetectableLoss,
    GateDefinition,
    Recipe,
    SuiteVerdict,
    worst,
)
from evals.regression.tables import Table, metric_scores, tabulate
from evals.regression.wording import counted
from evals.repeats import over_repeats
from evals.spending.accounts import total
from evals.stats import score_interval
from evals.suite.spec import Suite


class GuardRuns(NamedTuple):
    """A guard suite answered without the adapter and with it."""

    metric: str
    base: tuple[Run, ...]
    tuned: tuple[Run, ...]


def judge_suite(
    suite: Suite,
    gate: Gate,
    recipe: Recipe,
    runs: Sequence[Run],
    guard_runs: Mapping[str, GuardRuns] | None = None,
    *,
    judges: Sequence[JudgeStanding] = (),
) -> SuiteVerdict:
    """Everything the gate says of `runs`, the repeats of `recipe` over the gate's split.

    `judges` are the models that judge for the suite, and for the guards in `guard_runs` by the
    names that these have there.
    """
    now = tabulate(runs)
    definition = gate.definition
    whole = check_errors(suite.name, now)
    judging = (
        *_level_checks(suite, definition, now),
        *_guard_checks(definition, guard_runs or {}, has_adapter=bool(runs[0].candidate.adapter)),
        _baseline_check(suite, gate, runs[0], now),
    )
    checks = (
        whole,
        *_definition_check(suite, gate),
        *check_judges(suite.name, judges),
        *(without_unshown_judges(check, definition, suite.name, judges) for check in judging),
    )
    scores = metric_scores(now, suite.primary)
    low, high = _interval(scores.values, scores.clusters)
    lost, gained = changed_cases(suite, gate, runs, now)
    return SuiteVerdict(
        suite=suite.name,
        path=str(suite.root / "suite.yaml"),
        split=runs[0].split,
        recipe=recipe,
        result=worst([check.result for check in checks]),
        checks=checks,
        score=fmean(scores.values.values()),
        low=low,
        high=high,
        cases=len(now),
        errors=len(scores.errors),
        runs=tuple(run.id for run in runs),
        primary=suite.primary,
        on_inconclusive=ci_rules(definition).on_inconclusive,
        changes=gate.changes,
        reference=gate.reference,
        reviewed=gate.reviewed,
        drift=_drift(suite, gate, recipe, runs[0], now),
        lost=lost,
        gained=gained,
        baseline=gate.baseline,
        detectable=_detectable(definition, gate.baseline.cases if gate.baseline else now),
        base=gate.base,
        error_code=InfrastructureError.exit_code if whole.result == "fail" else 0,
        spent=total(run.spent for run in runs),
        over_repeats=over_repeats(runs, pass_rule(definition)) if len(runs) > 1 else None,
    )


def _definition_check(suite: Suite, gate: Gate) -> Iterator[Check]:
    if not gate.reference:
        return
    if not gate.changes:
        text = f"the gate is defined as in {gate.reference}"
        yield Check("definition", suite.name, "pass", text)
        return
    what = "; ".join(change.what for change in gate.changes)
    if gate.reviewed:
        text = f"gate definition changed and reviewed: {what}"
        yield Check("definition", suite.name, "pass", text)
    else:
        text = f"gate definition changed: review ({what}); judged as in {gate.reference}"
        yield Check("definition", suite.name, "review", text)


def _level_checks(suite: Suite, definition: GateDefinition, now: Table) -> Iterator[Check]:
    yield from check_must_pass(definition, now)
    thresholds = ci_rules(definition).thresholds
    for metric, least in thresholds.items():
        yield check_level("threshold", metric, least, now)
    if suite.target is not None and suite.primary not in thresholds:
        found = check_level("target", suite.primary, suite.target, now)
        # A target is where a team wants to be, not what a change may break.
        if found.result != "pass":
            text = f"not reached yet: {found.sentence}"
            found = replace(found, result="skipped", sentence=text, cases_needed=None)
        yield found


def _guard_checks(
    definition: GateDefinition, guard_runs: Mapping[str, GuardRuns], *, has_adapter: bool
) -> Iterator[Check]:
    for name, loss in guard_losses(definition).items():
        arms = guard_runs.get(name)
        if not has_adapter:
            text = f"{name}: without an adapter nothing can have been forgotten"
            yield Check("guard", name, "skipped", text, limit=loss)
        elif arms is None:
            text = f"{name}: the guard is gone, and an adapter could have forgotten what it asks"
            yield Check("guard", name, "review", text, limit=loss)
        else:
            yield check_guard(name, arms.metric, loss, tabulate(arms.base), tabulate(arms.tuned))


def _baseline_check(suite: Suite, gate: Gate, run: Run, now: Table) -> Check:
    if gate.baseline is None:
        text = "no baseline was accepted yet: `tunegate accept` makes one"
        return Check("baseline", suite.primary, "skipped", text)
    metrics = {name: suite.metric_fingerprint(name) for name in suite.metrics}
    primary = gate.definition.primary
    then = gate.baseline.identity
    for use in judges_of(suite, primary) if primary in suite.metrics else ():
        if then.get(f"{JUDGE}{use.model}") != run.judges.get(use.model):
            text = (
                f"{primary} was judged by another model in the baseline, behind the name "
                f"{use.model}: nothing can be compared; accept a run that was judged as now"
            )
            return Check("baseline", primary, "review", text)
    return check_baseline(gate.baseline, gate.definition, metrics, now)


def _drift(suite: Suite, gate: Gate, recipe: Recipe, run: Run, now: Table) -> tuple[Finding, ...]:
    if gate.baseline is None:
        return ()
    return find_drift(gate.baseline, recipe, identity_of(suite, run), now)


def _detectable(definition: GateDefinition, table: Table) -> DetectableLoss | None:
    if definition.primary not in {name for case in table.values() for name in case.scores}:
        return None
    try:
        return detectable_loss(table, definition.primary, ci_rules(definition).max_loss)
    except StatisticsError:  # too few clusters: the baseline's own check says so
        return None


def _interval(
    values: Mapping[str, float], clusters: Mapping[str, str | None]
) -> tuple[float, float]:
    """The mean's 95 % bounds; 0 and 1 where the clusters are too few to tell."""
    try:
        found = score_interval(list(values.values()), [clusters[name] for name in values])
    except StatisticsError:
        return 0.0, 1.0
    return found.low, found.high


def removed_suite(folder: str, reference: str) -> SuiteVerdict:
    """What is said of a suite that `reference` has a gate for and that is there no more."""
    what = f"the suite is gone: {reference} has a gate for it (looser)"
    check = Check(
        "definition", PurePath(folder).name, "review", f"gate definition changed: review ({what})"
    )
    changes = (DefinitionChange("suite", what),)
    return replace(
        _without_run(check, f"{folder}/suite.yaml"), changes=changes, reference=reference
    )


def broken_suite(suite: Suite, gate: Gate, recipe: Recipe, error: TunegateError) -> SuiteVerdict:
    """What is said of a suite that could not be run."""
    check = Check("run", suite.name, "fail", f"could not be judged: {error}")
    verdict = _without_run(check, str(suite.root / "suite.yaml"))
    return replace(
        verdict,
        split=ci_rules(gate.definition).split,
        recipe=recipe,
        primary=suite.primary,
        changes=gate.changes,
        reference=gate.reference,
        reviewed=gate.reviewed,
        baseline=gate.baseline,
        base=gate.base,
        error_code=error.exit_code,
    )


def _without_run(check: Check, path: str) -> SuiteVerdict:
    return SuiteVerdict(
        suite=check.name,
        path=path,
        split="dev",
        recipe=Recipe("", ""),
        result=check.result,
        checks=(check,),
        score=0.0,
        low=0.0,
        high=1.0,
        cases=0,
        errors=0,
        runs=(),
        primary="",
        on_inconclusive="warn",
    )


def judged(verdict: SuiteVerdict) -> bool:
    """Whether anything was judged at all: a gate without baseline or thresholds says nothing."""
    return any(
        check.result != "skipped" and check.kind not in ("run", "definition", "judge", "target")
        for check in verdict.checks
    )


def summary_line(verdict: SuiteVerdict) -> str:
    """One line: result, suite, score with its interval."""
    if not verdict.cases:
        return f"{verdict.result.upper()} {verdict.suite}: nothing was run"
    return (
        f"{verdict.result.upper()} {verdict.suite}: {verdict.primary} {100 * verdict.score:.1f}% "
        f"({100 * verdict.low:.1f} to {100 * verdict.high:.1f}) on "
        f"{counted(verdict.cases, 'case')}, {counted(verdict.errors, 'error')}"
    )
