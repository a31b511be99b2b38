"""Running suites for the command line, pytest and Python: one ledger, one model at a time."""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, Protocol

from evals.approach import Approach
from evals.asking import LedgerAsker
from evals.errors import RecordError, UsageError
from evals.generating import Progress
from evals.judges.calibrating import calibrate, check_labels
from evals.judges.identity import judge_identities
from evals.judges.records import JudgeStanding
from evals.judges.standing import judge_standings
from evals.judges.uses import judge_models
from evals.ledger import Ledger
from evals.models import DEFAULT_MODEL, open_model
from evals.models.names import Precision, check_model_name, is_hosted
from evals.models.protocol import AdaptableModel
from evals.models.wheel import Progress as Fetched
from evals.prompting import find_prompt, make_candidate
from evals.records import Candidate, Case, Run, SplitName
from evals.regression.accepted_file import FILE_NAME as ACCEPTED
from evals.regression.accepted_file import read_accepted
from evals.regression.definition import ci_rules, guard_losses
from evals.regression.gate import Gate, gate_of
from evals.regression.recipes import candidates, stated_recipe
from evals.regression.records import Baseline, Recipe, SuiteVerdict
from evals.regression.revision import Revision, read_reference, refuse_committed
from evals.regression.verdict import GuardRuns, judge_suite
from evals.rescoring import Sources, rescore
from evals.runner import Runner
from evals.scorers import ScorerSet, build_scorers
from evals.suite import Suite
from tunegate.endpoints import Endpoints
from tunegate.opening import OpenedSuite, open_guards


class Narrator(Protocol):
    """Shows a person how far long work is."""

    def progress(self, label: str) -> AbstractContextManager[Progress]:
        """Begin a stretch of work that reports (cases done, cases in all)."""
        ...

    def fraction(self, label: str) -> AbstractContextManager[Fetched]:
        """Begin a stretch of work that reports (what is being done, share done)."""
        ...


@dataclass(frozen=True)
class Wishes:
    """What the caller wants otherwise than the suite and its baseline say; None changes nothing.

    `adapter` is a folder. `baseline` is a file in place of the suite's `accepted.json`.
    """

    model: str | None = None
    prompt: str | None = None
    approach: Approach | None = None
    adapter: str | None = None
    repeats: int | None = None
    split: SplitName | None = None
    baseline: Path | None = None


class Scoring(NamedTuple):
    """The open ledger, who asks models that judge, the suite's scorers, and who judges."""

    ledger: Ledger
    asker: LedgerAsker
    scorers: ScorerSet
    judges: Mapping[str, str]


@dataclass
class Evaluator:
    """Runs candidates on suites. The model that was opened last stays open.

    So do the models that judge; one that is judged and judges is open once.
    """

    folder: Path
    narrator: Narrator
    precision: Precision = "auto"
    endpoints: Endpoints = field(default_factory=Endpoints)
    _model: AdaptableModel | None = field(default=None, init=False)
    _judges: dict[str, AdaptableModel] = field(default_factory=dict, init=False)

    def model(self, name: str) -> AdaptableModel:
        """The model of that name, opened if another one (or none) is open."""
        if self._model is None or self._model.name != name:
            self.check_model(name)
            self._model = None  # its memory goes before the next one comes
            gc.collect()  # layers may hold each other
            self._model = self._judges.pop(name, None) or self._open(name)
        return self._model

    def check_model(self, name: str) -> None:
        """Raise ModelError for no model's name, UsageError where it has no price and needs one."""
        check_model_name(name)
        if is_hosted(name):
            self.endpoints.budget.admit(name)

    def asker(self, ledger: Ledger) -> LedgerAsker:
        """Puts the questions of scorers to models, and keeps the replies in `ledger`."""
        return LedgerAsker(self._judge, ledger)

    def _judge(self, name: str) -> AdaptableModel:
        if self._model is not None and self._model.name == name:
            return self._model
        if name not in self._judges:
            self.check_model(name)
            self._judges[name] = self._open(name)
        return self._judges[name]

    @contextmanager
    def scoring(self, suite: Suite) -> Iterator[Scoring]:
        """All that scoring takes, closed at the end."""
        with closing(Ledger(self.folder)) as ledger:
            asker = self.asker(ledger)
            with build_scorers(suite, asker) as scorers:
                yield Scoring(ledger, asker, scorers, judge_identities(suite, asker))

    def _open(self, name: str) -> AdaptableModel:
        with self.narrator.fraction(f"opening {name}") as progress:
            return open_model(
                name,
                precision=self.precision,
                progress=progress,
                hosted=self.endpoints.settings,
            )

    def run(
        self,
        opened: OpenedSuite,
        repeats: Sequence[Candidate],
        split: SplitName,
        cases: Sequence[Case] | None = None,
    ) -> tuple[Run, ...]:
        """One run for each of `repeats`, found or made; looks at test are written down first.

        Models that judge are held against people's labels where the run is of a whole split.
        """
        suite = opened.suite
        check_labels(suite)
        model = self.model(repeats[0].model)
        with self.scoring(suite) as (ledger, asker, scorers, judges):
            if split == "test" and suite.split("test"):
                candidate = repeats[0]
                opened.take_look(self.folder, candidate.fingerprint, f"eval of {candidate.label}")
            runs: list[Run] = []
            for number, candidate in enumerate(repeats, 1):
                again = f", {number} of {len(repeats)}" if len(repeats) > 1 else ""
                label = f"{suite.name} {split}: {candidate.label}{again}"
                with self.narrator.progress(label) as progress:
                    prices = self.endpoints.budget.prices
                    runner = Runner(model, scorers, ledger, progress, prices, judges=judges)
                    runs.append(runner.run(suite, candidate, split, cases=cases))
            if judges and cases is None:
                with self.narrator.progress(f"{suite.name}: judges and people") as progress:
                    calibrate(suite, replace(asker, progress=progress), ledger)
        return tuple(runs)

    def run_recipe(
        self,
        opened: OpenedSuite,
        recipe: Recipe,
        split: SplitName,
        *,
        adapter: str = "",
        cases: Sequence[Case] | None = None,
    ) -> tuple[Run, ...]:
        """The repeats of a recipe; `adapter` is its folder where the recipe does not say."""
        check_labels(opened.suite)
        model = self.model(recipe.model)
        return self.run(opened, candidates(opened.suite, model, recipe, adapter), split, cases)

    def rescore(
        self, opened: OpenedSuite, found: Sources, split: SplitName
    ) -> tuple[tuple[Run, ...], ...]:
        """The stored outputs of `found` scored by the suite's scorers, and stored as runs.

        Opens no model of a candidate; of models that judge, those that the suite names. Looks
        at test are written down first.
        """
        suite, made = opened.suite, []
        check_labels(suite)
        with self.scoring(suite) as (ledger, asker, scorers, judges):
            for repeats in found.candidates:
                candidate = repeats[0].run.candidate
                if split == "test":
                    opened.take_look(
                        self.folder, candidate.fingerprint, f"rescoring of {candidate.label}"
                    )
                label = f"{suite.name} {split}: scoring {candidate.label}"
                with self.narrator.progress(label) as progress:
                    runs = []
                    for number, source in enumerate(repeats, 1):
                        run = rescore(suite, source, scorers, _now, judges=judges)
                        ledger.store_run(run, source.cases)
                        runs.append(run)
                        progress(number, len(repeats))
                made.append(tuple(runs))
            calibrate(suite, asker, ledger)
        return tuple(made)

    def judge(self, task: Task) -> SuiteVerdict:
        """Run what a task's gate needs, and judge it.

        Raises UsageError for a ledger that is committed, and what running raises.
        """
        refuse_committed(self.folder)
        suite, gate = task.opened.suite, task.gate
        check_labels(suite, *task.guards.values())
        recipe, adapter = task.recipe, task.adapter
        runs = self.run_recipe(
            task.opened, recipe, ci_rules(gate.definition).split, adapter=adapter
        )
        tuned = runs[0].candidate
        recipe = replace(recipe, adapter=tuned.adapter)
        guard_runs = {
            name: self._guard_arms(guard, tuned)
            for name, guard in task.guards.items()
            if tuned.adapter and name in guard_losses(gate.definition)
        }
        definition = gate.definition
        gating = {definition.primary, *ci_rules(definition).thresholds}
        judges = list(self.standings(suite, runs[0], gating))
        for name, found in guard_runs.items():
            guard = task.guards[name]
            known = self.standings(guard, found.tuned[0], {guard.primary})
            judges += [replace(standing, suite=name) for standing in known]
        return judge_suite(suite, gate, recipe, runs, guard_runs, judges=judges)

    def standings(
        self, suite: Suite, run: Run, gating: Collection[str]
    ) -> tuple[JudgeStanding, ...]:
        """What is known of the models that judged `run`; verdicts rest on metrics in `gating`."""
        if not judge_models(suite):
            return ()
        with closing(Ledger(self.folder)) as ledger:
            return judge_standings(suite, ledger, run.judges, gating)

    def _guard_arms(self, guard: Suite, tuned: Candidate) -> GuardRuns:
        """A guard suite's dev split, answered without the adapter and with it."""
        model, opened = self.model(tuned.model), OpenedSuite(guard, shipped=False)
        base = make_candidate(guard, model, guard.default_prompt)
        with_adapter = replace(base, adapter=tuned.adapter, adapter_path=tuned.adapter_path)
        return GuardRuns(
            guard.primary,
            self.run(opened, [base], "dev"),
            self.run(opened, [with_adapter], "dev"),
        )


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Task:
    """One suite to be judged: by what gate, and what is run for it."""

    opened: OpenedSuite
    guards: Mapping[str, Suite]
    gate: Gate
    recipe: Recipe
    adapter: str = ""


def plan_task(
    opened: OpenedSuite,
    wishes: Wishes,
    *,
    base: Revision | None = None,
    reviewed: bool = False,
) -> Task:
    """What judging a suite will run. Reads files and git; runs nothing.

    Raises SuiteError, RecordError and UsageError as reading the suite, its baseline and the
    base revision do.
    """
    suite = opened.suite
    if wishes.split not in (None, suite.ci.split):
        base = None  # the gate judges its own split: this is a look at another one
    if wishes.split is not None:
        suite = replace(suite, ci=replace(suite.ci, split=wishes.split))
        opened = replace(opened, suite=suite)
    guards = open_guards(suite)
    accepted = read_accepted(wishes.baseline or suite.root / ACCEPTED)
    _refuse_other_baseline(suite, wishes, accepted)
    if accepted and wishes.split not in (None, accepted.split):
        accepted = None  # other cases: nothing to compare with
    reference = read_reference(suite.root, base, open_guards) if base else None
    return Task(
        opened=opened,
        guards=guards,
        gate=gate_of(suite, guards, accepted, reference, reviewed=reviewed),
        recipe=settle_recipe(suite, accepted, wishes),
        adapter=wishes.adapter or "",
    )


def _refuse_other_baseline(suite: Suite, wishes: Wishes, found: Baseline | None) -> None:
    if wishes.baseline is not None and found is None:
        raise UsageError("there is no such baseline", path=wishes.baseline)
    if found and found.suite != suite.name:
        raise RecordError(
            f"it is the baseline of suite {found.suite}, not of {suite.name}",
            path=wishes.baseline or suite.root / ACCEPTED,
            hint="accept a run of this suite",
        )


def settle_recipe(suite: Suite, accepted: Baseline | None, wishes: Wishes) -> Recipe:
    """What runs: the caller's wishes before the suite's statement before what was accepted.

    A prompt that the caller names comes without the demonstrations and the adapter that were
    stated for another. Raises SuiteError for an unknown prompt.
    """
    recipe = stated_recipe(suite, accepted.recipe if accepted else None, DEFAULT_MODEL)
    if wishes.prompt:
        find_prompt(suite, wishes.prompt)
        recipe = Recipe(recipe.model, wishes.prompt, repeats=recipe.repeats)
    if wishes.approach:
        recipe = recipe.using(wishes.approach)
    return replace(
        recipe,
        model=wishes.model or recipe.model,
        repeats=wishes.repeats or recipe.repeats,
    )
