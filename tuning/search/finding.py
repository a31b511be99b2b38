"""What must be searched for before a candidate can be tried: found again, or searched for now.

An outcome is kept with what the search took, under the identity of all that it rests on. So the
same search again, after a kill or for another round, finds it, and a budget counts the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

from evals.approach import Approach, Found
from evals.ledger import Ledger
from evals.models.protocol import Model
from evals.prompting import make_candidate, search_origin
from evals.records import Candidate
from evals.suite.spec import Suite
from tuning.evaluating import EvaluateCases
from tuning.search.demonstrations import search_demonstrations
from tuning.search.evaluating import CountedEvaluate, Taken
from tuning.search.optimising import optimise_prompt
from tuning.search.outcomes import FOUND, Outcome, outcome_key
from tuning.stronger.running import OpenModel


class Made(NamedTuple):
    """A candidate that can be tried, and what searching for it took; nothing for most."""

    candidate: Candidate
    taken: Taken


@dataclass(frozen=True)
class Finder:
    """Makes candidates of one suite on one model, and searches where an approach asks for it.

    `evaluate` runs what a search tries, on train; `open_proposer` opens the model that writes
    prompts for an optimiser (None: none can be opened); `note` says a line to a person.
    """

    suite: Suite
    model: Model
    ledger: Ledger
    evaluate: EvaluateCases
    note: Callable[[str], None]
    open_proposer: OpenModel | None = None

    def make(self, prompt: str, approach: Approach) -> Made:
        """The candidate of a declared pair. Raises as the search does, which is gone on with."""
        if not approach.is_searched:
            return Made(make_candidate(self.suite, self.model, prompt, approach), Taken())
        outcome = self._outcome(prompt, approach)
        candidate = make_candidate(self.suite, self.model, prompt, approach, found=outcome.found)
        return Made(candidate, outcome.taken)

    def _outcome(self, prompt: str, approach: Approach) -> Outcome:
        origin = search_origin(self.suite, prompt, approach)
        key = outcome_key(self.suite.name, self.model.fingerprint, prompt, approach, origin)
        stored = self.ledger.load(FOUND, key, Outcome)
        if stored is not None:
            return stored
        counted = CountedEvaluate(self.evaluate)
        found = replace(self._search(prompt, approach, counted), origin=origin)
        outcome = Outcome(found, *counted.taken)
        self.ledger.store(FOUND, key, outcome)
        return outcome

    def _search(self, prompt: str, approach: Approach, evaluate: EvaluateCases) -> Found:
        if approach.technique.optimiser:
            return optimise_prompt(
                self.suite,
                self.model,
                prompt,
                approach,
                ledger=self.ledger,
                evaluate=evaluate,
                open_proposer=self.open_proposer,
                note=self.note,
            )
        return search_demonstrations(
            self.suite,
            self.model,
            prompt,
            approach,
            ledger=self.ledger,
            evaluate=evaluate,
            note=self.note,
        )
