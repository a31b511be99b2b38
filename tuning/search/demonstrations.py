"""The search for a set of demonstrations, by successive halving on the train split.

Sets are scored on train cases that no set shows, and never on dev. A set that was dropped because
of its score on dev would be one more candidate that the gate's leader was chosen from: it would
have to be counted, and each that is counted costs the gate some of its alpha. Here one set comes
out, dev has seen none of them, and it counts as one candidate however many were tried.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from evals.approach import Approach, Found
from evals.errors import SuiteError, UnansweredError
from evals.ledger import Ledger
from evals.models.protocol import Model
from evals.prompting import make_candidate, search_origin
from evals.prompting.demonstrations import drawn, leaks_of
from evals.records import Candidate, Case, Run
from evals.suite.rounds import SETS
from evals.suite.spec import Suite
from tuning.evaluating import EvaluateCases
from tuning.search.halving import MIN_FIRST, Rung, cases_needed, halve, plan_rungs
from tuning.search.sets import DemonstrationSet, TrainParts, divide_train, draw_sets

PROBED = 64
"""Cases that the model answers without demonstrations, to tell what it can do."""

UNKNOWN_TOKENS = 10**12
"""Of a set that gets no answers: more than any, so that it never wins a tie."""


def search_demonstrations(
    suite: Suite,
    model: Model,
    prompt: str,
    approach: Approach,
    *,
    ledger: Ledger,  # noqa: ARG001 - every search is called alike; what this one asks is cached
    evaluate: EvaluateCases,
    note: Callable[[str], None],
) -> Found:
    """Find the `approach.k` train cases that serve `prompt` best, of `technique.tries` sets.

    The first set is the one that `few_shot` would show. All that is asked is asked through
    `evaluate`, which finds it again, so a search that was killed goes on where it was. Errors of
    the model count as wrong answers. Raises SuiteError where train is too small, and
    UnansweredError where no set of a rung gets answers, or errors may pass.
    """
    generator = random.Random(approach.seed)  # noqa: S311 - a reproducible draw, not a secret
    leaks = leaks_of(suite.cases)
    first = drawn(approach.k, approach.seed, leaks)[: approach.k]
    tries = approach.technique.tries or SETS
    parts = divide_train(leaks, first, cases_needed(tries), generator)
    rungs = plan_rungs(tries, len(parts.scored))
    if not rungs or len(parts.shown) <= approach.k:
        raise _too_small(suite, approach, parts)
    search = _Search(suite, model, prompt, approach, parts, evaluate, note)
    probed = search.probe(generator)
    sets = draw_sets(first, parts.shown, probed, rungs[0].tried, generator)
    rungs = plan_rungs(len(sets), len(parts.scored))
    if not rungs:  # one set alone: nothing to choose from
        raise _too_small(suite, approach, parts)
    search.announce(sets, rungs, tries, probed)
    best, standing = halve(sets, rungs, search.run)
    cases = sum(rung.cases for rung in rungs)
    note(
        f"{search.label}: found {', '.join(best.ids)} ({best.kind}): "
        f"{cases - standing.lost:g} of {cases} on train, chosen for being the highest of "
        f"{len(sets)}, so too high; {search.asked:,} requests, {search.tokens:,} tokens"
    )
    return Found(search_origin(suite, prompt, approach), best.ids)


@dataclass
class _Search:
    suite: Suite
    model: Model
    prompt: str
    approach: Approach
    parts: TrainParts
    evaluate: EvaluateCases
    note: Callable[[str], None]
    asked: int = field(default=0, init=False)
    tokens: int = field(default=0, init=False)

    @property
    def label(self) -> str:
        return self.prompt + self.approach.label

    def probe(self, generator: random.Random) -> dict[str, bool]:
        """By id, whether the model is right on cases of the sets' part, without demonstrations."""
        cases = generator.sample(self.parts.shown, min(PROBED, len(self.parts.shown)))
        run = self._evaluate(self._candidate(()), cases, f"{self.label}: without demonstrations")
        values, enough = run.values(), self.suite.ci.pass_score
        return {case.id: values.get(case.id, 0.0) >= enough for case in cases}

    def announce(
        self,
        sets: Sequence[DemonstrationSet],
        rungs: Sequence[Rung],
        tries: int,
        probed: dict[str, bool],
    ) -> None:
        """Say what is tried and what it takes at most."""
        kinds = [each.kind for each in sets]
        named = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
        fewer = f" and not {tries}, for train is small" if len(sets) < tries else ""
        plan = ", ".join(f"{rung.tried} on {rung.cases}" for rung in rungs)
        self.note(
            f"{self.label}: tries {len(sets)} sets{fewer} ({named}) on train cases outside of "
            f"them, in {len(rungs)} rungs ({plan} more): {sum(r.tried * r.cases for r in rungs):,} "
            f"requests; without demonstrations {sum(probed.values())} of {len(probed)} were right"
        )

    def run(
        self, sets: Sequence[DemonstrationSet], rung: Rung, seen: int
    ) -> list[tuple[float, int]]:
        """What each set loses on the next cases, and the prompt tokens it takes."""
        cases = self.parts.scored[seen : seen + rung.cases]
        found: list[tuple[float, int]] = []
        failures: list[UnansweredError] = []
        for number, each in enumerate(sets, 1):
            label = f"{self.label}: set {number} of {len(sets)} ({each.kind}) on {len(cases)} cases"
            try:
                run = self._evaluate(self._candidate(each.ids), cases, label)
            except UnansweredError as error:
                if error.transient:
                    raise
                failures.append(error)
                self.note(f"{label}: {error.message}")
                found.append((float(len(cases)), UNKNOWN_TOKENS))
                continue
            tokens = sum(result.output.prompt_tokens for result in run.results)
            found.append((len(cases) - sum(run.values().values()), tokens))
        if len(failures) == len(sets):
            raise failures[0]
        return found

    def _candidate(self, ids: tuple[str, ...]) -> Candidate:
        technique = replace(self.approach.technique, tries=0)
        how = Approach("listed" if ids else "none", len(ids), listed=ids, technique=technique)
        return make_candidate(self.suite, self.model, self.prompt, how)

    def _evaluate(self, candidate: Candidate, cases: Sequence[Case], label: str) -> Run:
        run = self.evaluate(self.suite, candidate, "train", label, cases=cases, keep=False)
        outputs = [result.output for result in run.results]
        self.asked += len(outputs)
        self.tokens += sum(each.prompt_tokens + each.completion_tokens for each in outputs)
        return run


def _too_small(suite: Suite, approach: Approach, parts: TrainParts) -> SuiteError:
    return SuiteError(
        f"train is too small to search for {approach.k} demonstrations: {len(parts.shown)} cases "
        f"to show, of which more than {approach.k} are needed, and {len(parts.scored)} others to "
        f"score on, of which at least {MIN_FIRST} are needed",
        path=suite.root / "suite.yaml",
        key="rounds",
        hint="add train cases (near-duplicates do not count), or leave out the family `searched`",
    )
