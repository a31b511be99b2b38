"""What the working process does for pytest: plan a suite, check it, run and judge it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

from evals.errors import StatisticsError, SuiteError, UsageError
from evals.ledger import Ledger
from evals.prompting import build_requests
from evals.records import Candidate, Case, CaseResult, Run
from evals.regression.definition import ci_rules, guard_losses
from evals.regression.judge import is_right
from evals.regression.recipes import candidates
from evals.regression.records import SuiteVerdict
from evals.regression.revision import find_revision
from evals.regression.tables import Table, metric_scores, tabulate
from evals.regression.verdict import summary_line
from evals.regression.wording import check_said
from evals.runner import identify
from evals.scorers import self_test
from evals.stats import score_interval
from evals.suite import Suite, check_suite
from evals.text import visible
from tunegate.evaluating import Evaluator, Narrator, Task, Wishes, plan_task
from tunegate.opening import only_job, open_suite
from tunegate.pytesting.records import (
    Evaluation,
    JudgedCase,
    JudgedCheck,
    Level,
    Options,
    PlannedCase,
    PlannedSuite,
)

PATIENCE = 3600.0  # seconds that one test process waits for another's run
LONGEST = 2000  # characters of one text shown to a person


class Worker:
    """Answers requests; keeps the model open from one to the next."""

    def __init__(self, narrator: Narrator) -> None:
        self._narrator = narrator
        self._evaluators: dict[tuple[str, str], Evaluator] = {}

    def do(self, request: Mapping[str, Any]) -> Any:
        """One request. Raises TunegateError."""
        told = dict(request["options"])
        options = Options(**{**told, "cases": tuple(told["cases"])})
        if request["do"] == "check":
            return list(_check(request["suite"]))
        task = _plan(request["suite"], options)
        if request["do"] == "plan":
            return _planned(task, options)
        chosen = request["cases"]
        return self._run(task, options, None if chosen is None else tuple(chosen))

    def _run(self, task: Task, options: Options, chosen: tuple[str, ...] | None) -> Evaluation:
        evaluator = self._evaluator(options)
        folder = Path(options.ledger)
        with only_job(folder, patience=PATIENCE):
            if chosen is None:
                verdict = evaluator.judge(task)
                with closing(Ledger(folder)) as ledger:
                    runs = [ledger.run(name) for name in verdict.runs]
                return _evaluation(task, runs, verdict)
            runs = _run_some(evaluator, folder, task, chosen)
        return _evaluation(task, runs, None)

    def _evaluator(self, options: Options) -> Evaluator:
        key = (options.ledger, options.precision or "auto")
        if key not in self._evaluators:
            precision: Any = key[1]
            self._evaluators = {key: Evaluator(Path(key[0]), self._narrator, precision)}
        return self._evaluators[key]


def _check(path: str) -> Iterator[tuple[str, str]]:
    """Findings of `tunegate check` as (level, text)."""
    for finding in check_suite(open_suite(path).suite, self_test=self_test).findings:
        where = f"{finding.where}: " if finding.where else ""
        yield finding.level, visible(f"{where}{finding.message}")


def _plan(path: str, options: Options) -> Task:
    opened = open_suite(path)
    split: Any = options.split
    wishes = Wishes(
        model=options.model,
        prompt=options.prompt,
        few_shot=options.few_shot,
        nearest=options.nearest,
        adapter=options.adapter,
        repeats=options.repeats,
        split=split,
        baseline=Path(options.baseline) if options.baseline else None,
    )
    base = find_revision(opened.suite.root, options.base) if options.base else None
    return plan_task(opened, wishes, base=base, reviewed=options.reviewed)


def _planned(task: Task, options: Options) -> PlannedSuite:
    suite, definition = task.opened.suite, task.gate.definition
    split = ci_rules(definition).split
    cases = _chosen(suite, split, options.cases) if options.cases else suite.split(split)
    must_pass = {case.id for case in cases if case.must_pass} | set(definition.must_pass)
    return PlannedSuite(
        suite=suite.name,
        split=split,
        cases=tuple(
            PlannedCase(case.id, case.path, case.line, case.id in must_pass) for case in cases
        ),
        checks=() if options.cases else tuple(_planned_checks(task)),
    )


def _planned_checks(task: Task) -> Iterator[tuple[str, str]]:
    """The checks that a verdict on the whole split will have, apart from those of cases."""
    suite, definition = task.opened.suite, task.gate.definition
    if task.gate.reference:
        yield "definition", suite.name
    thresholds = ci_rules(definition).thresholds
    yield from (("threshold", name) for name in thresholds)
    if suite.target is not None and suite.primary not in thresholds:
        yield "target", suite.primary
    yield from (("guard", name) for name in guard_losses(definition))
    yield "baseline", definition.primary if task.gate.baseline else suite.primary


def _chosen(suite: Suite, split: Any, names: Sequence[str]) -> tuple[Case, ...]:
    by_id = {case.id: case for case in suite.split(split)}
    if missing := [name for name in names if name not in by_id]:
        raise SuiteError(
            f"the {split} split has no case {missing[0]!r}", path=suite.root / "suite.yaml"
        )
    return tuple(by_id[name] for name in names)


def _run_some(evaluator: Evaluator, folder: Path, task: Task, chosen: tuple[str, ...]) -> list[Run]:
    """Runs of a few cases: out of whole runs where those are stored, else of these alone."""
    suite, split = task.opened.suite, ci_rules(task.gate.definition).split
    model = evaluator.model(task.recipe.model)
    repeats = candidates(suite, model, task.recipe, task.adapter)
    with closing(Ledger(folder)) as ledger:
        stored = [ledger.find_run(_whole_id(suite, candidate, split)) for candidate in repeats]
    whole = [run for run in stored if run is not None]
    if len(whole) < len(repeats):
        cases = _chosen(suite, split, chosen)
        return list(evaluator.run(task.opened, repeats, split, cases))
    wanted = set(chosen)
    return [
        replace(run, results=tuple(r for r in run.results if r.case_id in wanted)) for run in whole
    ]


def _whole_id(suite: Suite, candidate: Candidate, split: Any) -> str:
    cases = suite.split(split)
    return identify(suite, candidate, split, cases, build_requests(suite, candidate, cases))


def _evaluation(task: Task, runs: Sequence[Run], verdict: SuiteVerdict | None) -> Evaluation:
    suite, definition = task.opened.suite, task.gate.definition
    rules = ci_rules(definition)
    table = tabulate(runs)
    levels = _levels(table, list(suite.metrics))
    if suite.primary not in levels:
        raise UsageError(f"no case of {suite.name} has a score: {next(iter(table.values())).error}")
    primary = levels[suite.primary]
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
            _judged(cases[name], name, table, _results(runs, name), (suite, rules.pass_score))
            for name in table
        ),
        metrics=levels,
        checks=tuple(
            JudgedCheck(check.kind, check.name, check.result, visible(check_said(check)))
            for check in checks
            if check.kind != "must_pass"
        ),
        notes=tuple(visible(finding.message) for finding in (verdict.drift if verdict else ())),
        fails_undecided=rules.on_inconclusive == "fail",
        summary=visible(summary_line(verdict)) if verdict else "",
    )


def _levels(table: Table, metrics: Sequence[str]) -> dict[str, Level]:
    """Each metric's mean and bounds; a metric without any score is left out."""
    found: dict[str, Level] = {}
    for name in metrics:
        scores = metric_scores(table, name)
        if not scores.values:
            continue
        values = list(scores.values.values())
        groups = [scores.clusters[case] for case in scores.values]
        try:
            two, one = (score_interval(values, groups, level) for level in (0.95, 0.90))
            found[name] = Level(fmean(values), two.low, two.high, one.low, one.high)
        except StatisticsError:  # too few clusters: nothing is known but the mean
            found[name] = Level(fmean(values), 0.0, 1.0, 0.0, 1.0)
    return found


def _results(runs: Sequence[Run], name: str) -> list[CaseResult]:
    return [result for run in runs for result in run.results if result.case_id == name]


def _judged(
    case: Case,
    name: str,
    table: Table,
    results: Sequence[CaseResult],
    by: tuple[Suite, float],
) -> JudgedCase:
    suite, pass_score = by
    row = table[name]
    shown = min(results, key=lambda r: -1.0 if r.failed else r.scores[suite.primary].value)
    score = row.scores.get(suite.primary)
    said = shown.scores[suite.primary].reason if not shown.failed else ""
    why = row.error or said or f"scored {score:.2f}"
    return JudgedCase(
        id=name,
        right=is_right(score, pass_score),
        score=score,
        why=visible(why, 300),
        lines=tuple(_lines(case, shown, why, suite.primary)),
        output=shown.output.text,
        error=row.error,
    )


def _lines(case: Case, result: CaseResult, why: str, primary: str) -> Iterator[str]:
    """What a person needs to see of a case that is wrong."""
    for key, value in case.input.items():
        yield visible(f"input.{key}: {value}", LONGEST)
    yield visible(f"expected: {case.answer}", LONGEST)
    got = result.output.text
    yield visible(f"got:      {'nothing' if got is None else got}", LONGEST)
    if got is not None and got != case.answer and not case.choices:
        yield "difference:"
        yield from _difference(case.answer, got)
    if result.scores:
        scores = ", ".join(f"{name} {score.value:.2f}" for name, score in result.scores.items())
        yield f"scores:   {scores} (judged by {primary})"
    yield visible(f"why:      {why}", LONGEST)


def _difference(expected: str, got: str) -> Iterator[str]:
    """A line diff; marks under changed characters where lines are alike."""
    old, new = (text[:LONGEST].splitlines() or [""] for text in (expected, got))
    for line in difflib.ndiff(old, new):
        yield "  " + visible(line.rstrip("\n"))
