"""What the working process does for pytest: plan a suite, check it, run and judge it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from evals.approach import Approach
from evals.errors import SuiteError, UsageError
from evals.judges.calibrating import check_labels
from evals.judges.identity import judge_identities
from evals.judges.uses import judges_of
from evals.ledger import Ledger
from evals.prompting import build_requests
from evals.records import Candidate, Case, Run
from evals.regression.definition import ci_rules, guard_losses
from evals.regression.recipes import candidates
from evals.regression.revision import find_revision
from evals.runner import identify, prompt_hash
from evals.scorers import self_test
from evals.stated import Stated
from evals.suite import Suite, check_suite
from evals.suite.load import MANIFEST
from evals.suite.source import Position
from evals.suite.yaml_source import read_yaml
from evals.text import inert, visible
from tunegate.cli.running import read_endpoints
from tunegate.endpoints import Endpoints, open_endpoints
from tunegate.evaluating import Evaluator, Narrator, Task, Wishes, plan_task
from tunegate.opening import only_job, open_suite
from tunegate.pytesting.judging import evaluation_of
from tunegate.pytesting.records import (
    Evaluation,
    Options,
    PlannedCase,
    PlannedCheck,
    PlannedSuite,
)

PATIENCE = 3600.0  # seconds that one test process waits for another's run


class Worker:
    """Answers requests; keeps the model open from one to the next."""

    def __init__(self, narrator: Narrator) -> None:
        self._narrator = narrator
        self._evaluators: dict[tuple[str, str], Evaluator] = {}
        self._endpoints: Endpoints | None = None

    def do(self, request: Mapping[str, Any]) -> Any:
        """One request. Raises TunegateError."""
        told = dict(request["options"])
        for name in ("cases", "endpoints"):
            told[name] = tuple(told[name])
        options = Options(**told)
        self._opened(options.endpoints)  # what is wrong with them is said before anything runs
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
        with self._only_job(folder), evaluator.endpoints.budget.final():
            if chosen is None:
                verdict = evaluator.judge(task)
                with closing(Ledger(folder)) as ledger:
                    runs = [ledger.run(name) for name in verdict.runs]
            else:
                verdict, runs = None, _run_some(evaluator, folder, task, chosen)
            suite = task.opened.suite
            judges = evaluator.standings(suite, runs[0], suite.metrics)
        return evaluation_of(task, runs, verdict, judges)

    def _opened(self, arguments: Sequence[str]) -> Endpoints:
        """The one budget of a test session, begun with its first run."""
        if self._endpoints is None:
            self._endpoints = open_endpoints(read_endpoints(arguments), os.environ)
        return self._endpoints

    @contextmanager
    def _only_job(self, folder: Path) -> Iterator[None]:
        """Wait for other commands at work on the ledger, and say so."""
        with ExitStack() as held:
            try:
                held.enter_context(only_job(folder))
            except UsageError as busy:
                with self._narrator.progress(f"{busy.message}: waiting for it") as progress:
                    progress(0, 0)
                held.enter_context(only_job(folder, patience=PATIENCE))
            yield

    def _evaluator(self, options: Options) -> Evaluator:
        key = (options.ledger, options.precision or "auto")
        if key not in self._evaluators:
            precision: Any = key[1]
            endpoints = self._opened(options.endpoints)
            self._evaluators = {key: Evaluator(Path(key[0]), self._narrator, precision, endpoints)}
        return self._evaluators[key]


def _check(path: str) -> Iterator[tuple[str, str]]:
    """Findings of `tunegate check` as (level, text); a place in the manifest is left out."""
    suite = open_suite(path).suite
    for finding in check_suite(suite, self_test=self_test).findings:
        where = finding.where.removeprefix(f"{suite.root / MANIFEST}").lstrip(":")
        text = f"{where}: {finding.message}" if where else finding.message
        yield finding.level, inert(visible(text))


def _plan(path: str, options: Options) -> Task:
    opened = open_suite(path)
    split: Any = options.split
    wishes = Wishes(
        model=options.model,
        prompt=options.prompt,
        approach=_approach(options),
        adapter=options.adapter,
        repeats=options.repeats,
        split=split,
        baseline=Path(options.baseline) if options.baseline else None,
    )
    base = find_revision(opened.suite.root, options.base) if options.base else None
    return plan_task(opened, wishes, base=base, reviewed=options.reviewed)


def _approach(options: Options) -> Approach | None:
    """How the prompt is used. Raises UsageError for two ways to choose demonstrations."""
    shown = {"few_shot": options.few_shot, "nearest": options.nearest}
    stated = Stated({name: k for name, k in shown.items() if k})
    if found := stated.conflict():
        raise UsageError(found[1])
    return stated.approach


def _planned(task: Task, options: Options) -> PlannedSuite:
    suite, definition = task.opened.suite, task.gate.definition
    split = ci_rules(definition).split
    cases = suite.split(split)
    if options.cases:  # another suite may have those that this one has not
        cases = tuple(case for case in cases if case.id in options.cases)
    lines = read_yaml(suite.root / MANIFEST).lines
    must_pass = {case.id for case in cases if case.must_pass} | set(definition.must_pass)
    return PlannedSuite(
        suite=suite.name,
        split=split,
        line=lines.get(("name",), 1),
        cases=tuple(
            PlannedCase(case.id, case.path, case.line, case.id in must_pass) for case in cases
        ),
        checks=() if options.cases else tuple(_planned_checks(task, lines)),
    )


def _planned_checks(task: Task, lines: Mapping[Position, int]) -> Iterator[PlannedCheck]:
    """The checks that a verdict on the whole split will have, apart from those of cases."""
    suite, definition = task.opened.suite, task.gate.definition
    top = lines.get(("name",), 1)

    def planned(kind: str, name: str, *key: str) -> PlannedCheck:
        # The base revision may judge by what suite.yaml no longer states.
        stated = (lines[key[:end]] for end in range(len(key), 0, -1) if key[:end] in lines)
        return PlannedCheck(kind, name, next(stated, top))

    yield planned("run", suite.name)
    if task.gate.reference:
        yield planned("definition", suite.name)
    thresholds = ci_rules(definition).thresholds
    for name in thresholds:
        yield planned("threshold", name, "ci", "thresholds", name)
    if suite.target is not None and suite.primary not in thresholds:
        yield planned("target", suite.primary, "target")
    for name in guard_losses(definition):
        yield planned("guard", name, "guards", name)
    for use in judges_of(suite):
        yield planned("judge", use.spec.name, "metrics", use.metric)
    metric = definition.primary if task.gate.baseline else suite.primary
    yield planned("baseline", metric, "ci", "max_loss")


def _chosen(suite: Suite, split: Any, names: Sequence[str]) -> tuple[Case, ...]:
    by_id = {case.id: case for case in suite.split(split)}
    if missing := [name for name in names if name not in by_id]:
        raise SuiteError(
            f"the {split} split has no case {missing[0]!r}", path=suite.root / MANIFEST
        )
    return tuple(by_id[name] for name in names)


def _run_some(evaluator: Evaluator, folder: Path, task: Task, chosen: tuple[str, ...]) -> list[Run]:
    """Runs of a few cases: out of whole runs where those are stored, else of these alone."""
    suite, split = task.opened.suite, ci_rules(task.gate.definition).split
    check_labels(suite)  # before a model is opened, which may cost
    cases = _chosen(suite, split, chosen)
    model = evaluator.model(task.recipe.model)
    repeats = candidates(suite, model, task.recipe, task.adapter)
    with closing(Ledger(folder)) as ledger:
        judges = judge_identities(suite, evaluator.asker(ledger))
        whole_ids = [_whole_id(suite, candidate, split, judges) for candidate in repeats]
        stored = [ledger.find_run(name) for name in whole_ids]
    whole = [run for run in stored if run is not None]
    if len(whole) < len(repeats):
        return list(evaluator.run(task.opened, repeats, split, cases))
    wanted = set(chosen)
    return [
        replace(run, results=tuple(r for r in run.results if r.case_id in wanted)) for run in whole
    ]


def _whole_id(suite: Suite, candidate: Candidate, split: Any, judges: Mapping[str, str]) -> str:
    cases = suite.split(split)
    hashes = [prompt_hash(request) for request in build_requests(suite, candidate, cases)]
    return identify(suite, candidate, split, cases, hashes, judges=judges)
