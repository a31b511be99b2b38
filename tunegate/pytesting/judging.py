"""What runs of a suite gave, in the form that pytest's process gets: scores, checks, words."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from math import isnan, nan
from statistics import fmean
from typing import NamedTuple

from evals.claims import MAX_ERROR_SHARE
from evals.errors import StatisticsError, UsageError
from evals.judges.records import JudgeStanding
from evals.records import Case, CaseResult, Run
from evals.regression.definition import ci_rules, pass_rule
from evals.regression.judge import ALPHA, tally_case
from evals.regression.records import ScoredCase, SuiteVerdict
from evals.regression.tables import Scores, Table, metric_scores, tabulate
from evals.regression.verdict import summary_line
from evals.regression.wording import check_said, repeats_said
from evals.repeats import PassRule
from evals.stats import exact_bounds, score_interval
from evals.suite import Suite
from evals.text import inert, visible
from tunegate.evaluating import Task
from tunegate.pytesting.records import Evaluation, JudgedCase, JudgedCheck, Level

LONGEST = 2000  # characters of one text shown to a person
MOST_LINES = 40  # of one text in a difference


def evaluation_of(
    task: Task,
    runs: Sequence[Run],
    verdict: SuiteVerdict | None,
    judges: Sequence[JudgeStanding] = (),
) -> Evaluation:
    """What runs of a task gave; `verdict` where they are of the whole split.

    `judges` are the models that judged them, and what is known of these.

    Raises UsageError where then no case has a score.
    """
    suite, definition = task.opened.suite, task.gate.definition
    rules, rule = ci_rules(definition), pass_rule(definition)
    table = tabulate(runs)
    levels = _levels(table, list(suite.metrics))
    primary = levels.get(suite.primary, Level(nan, 0.0, 1.0, 0.0, 1.0))
    if verdict and isnan(primary.mean):
        raise UsageError(f"no case of {suite.name} has a score: {next(iter(table.values())).error}")
    cases = {case.id: case for case in suite.split(rules.split)}
    checks = verdict.checks if verdict else ()
    return Evaluation(
        suite=suite.name,
        split=rules.split,
        metric=suite.primary,
        score=primary.mean,
        low=primary.low,
        high=primary.high,
        errors=sum(case.error is not None for case in table.values()),
        runs=tuple(run.id for run in runs),
        cases=tuple(
            _judged(cases[name], table[name], repeats, suite, rule)
            for name, repeats in _repeats(runs).items()
        ),
        metrics=levels,
        checks=tuple(
            JudgedCheck(check.kind, check.name, check.result, _shown(check_said(check)))
            for check in checks
            if check.kind != "must_pass"
        ),
        notes=tuple(_shown(finding.message) for finding in (verdict.drift if verdict else ())),
        fails_undecided=rules.on_inconclusive == "fail",
        unshown=_unshown(judges),
        summary=_summary(verdict) if verdict else "",
    )


def _unshown(judges: Sequence[JudgeStanding]) -> dict[str, str]:
    """Metrics by which nothing may pass or fail, and why; of several judges the first says it."""
    found: dict[str, str] = {}
    for judge in judges:
        if judge.blocks:
            found.setdefault(judge.metric, _shown(judge.sentence))
    return found


def _summary(verdict: SuiteVerdict) -> str:
    """One line: the result, the score, what was run and where it is stored."""
    recipe, runs = verdict.recipe, ", ".join(verdict.runs)
    told = f"{summary_line(verdict)}: {recipe.label} on {recipe.model}, run {runs}"
    if verdict.over_repeats:
        told += f"; {repeats_said(verdict.over_repeats)}"
    return _shown(told)


def _levels(table: Table, metrics: Sequence[str]) -> dict[str, Level]:
    """Each metric's mean and bounds; a metric without any score is left out."""
    scores = {name: metric_scores(table, name) for name in metrics}
    return {name: _level(found) for name, found in scores.items() if found.values}


def _level(scores: Scores) -> Level:
    values, missing = list(scores.values.values()), len(scores.errors)
    groups = [scores.clusters[case] for case in (*scores.values, *scores.errors)]
    mean = fmean(values)
    try:
        two = score_interval(values, groups[: len(values)])
        least, _ = exact_bounds([*values, *[0.0] * missing], groups, ALPHA)
        _, most = exact_bounds([*values, *[1.0] * missing], groups, ALPHA)
    except StatisticsError:  # too few clusters: nothing is known but the mean
        return Level(mean, 0.0, 1.0, 0.0, 1.0)
    if missing > MAX_ERROR_SHARE * len(groups):
        return Level(mean, two.low, two.high, 0.0, 1.0)
    return Level(mean, two.low, two.high, least, most)


class _Repeat(NamedTuple):
    run: str
    result: CaseResult

    def score(self, metric: str) -> float:
        """For finding the worst repeat: one without an output is worse than a wrong one."""
        return -1.0 if self.result.failed else self.result.scores[metric].value


def _repeats(runs: Sequence[Run]) -> dict[str, list[_Repeat]]:
    """Every repeat of each case, in the cases' order."""
    found: dict[str, list[_Repeat]] = {}
    for run in runs:
        for result in run.results:
            found.setdefault(result.case_id, []).append(_Repeat(run.id, result))
    return found


def _judged(
    case: Case, row: ScoredCase, repeats: Sequence[_Repeat], suite: Suite, rule: PassRule
) -> JudgedCase:
    run, shown = min(repeats, key=lambda repeat: repeat.score(suite.primary))
    score, count = row.scores.get(suite.primary), tally_case(row, suite.primary, rule)
    found = shown.scores.get(suite.primary)
    why = row.error or (found and (found.reason or f"scored {found.value:.2f}")) or ""
    if count.times > 1:
        why = f"{count.said}: {why}"
    right = count.standing == "right"
    return JudgedCase(
        id=case.id,
        right=right,
        score=score,
        why=_shown(why, 300),
        lines=() if right else tuple(_lines(case, shown, why, suite.primary)),
        run=run,
        output=shown.output.said,
        error=row.error if count.standing == "open" else None,
        repeats=count.times,
        right_in=count.right,
    )


def _lines(case: Case, result: CaseResult, why: str, primary: str) -> Iterator[str]:
    """What a person needs to see of a case that is wrong."""
    for key, value in case.asked.items():
        yield _shown(f"input.{key}: {value}", LONGEST)
    yield _shown(f"expected: {case.wanted}", LONGEST)
    got = result.output.said
    yield _shown(f"got:      {'nothing' if got is None else got}", LONGEST)
    if got is not None and got != case.wanted and not case.choices:
        yield "difference:"
        yield from _difference(case.wanted, got)
    if result.scores:
        scores = ", ".join(f"{name} {score.value:.2f}" for name, score in result.scores.items())
        yield f"scores:   {scores} (judged by {primary})"
    yield _shown(f"why:      {why}", LONGEST)


def _difference(expected: str, got: str) -> Iterator[str]:
    """A line diff; marks under changed characters where lines are alike.

    Cut to so many lines that hostile texts cannot make the diff slow. The bar keeps a CI log
    from reading a command in a line.
    """
    old, new = (text[:LONGEST].splitlines() or [""] for text in (expected, got))
    for line in difflib.ndiff(old[:MOST_LINES], new[:MOST_LINES]):
        yield "  | " + _shown(line.rstrip("\n"))
    if max(len(old), len(new)) > MOST_LINES:
        yield "  | … (`tunegate show` has the whole)"


def _shown(text: str, limit: int | None = None) -> str:
    """Untrusted text on one line, in which no CI log finds a command."""
    return inert(visible(text, limit))
