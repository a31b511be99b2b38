"""What searches found and took, as it is kept: under the identity of all that it rests on."""

from __future__ import annotations

from dataclasses import dataclass

from evals.approach import Approach, Found
from evals.fingerprint import fingerprint
from evals.ledger import Ledger
from evals.records import Candidate
from tuning.search.evaluating import Taken

FOUND = "found"


@dataclass(frozen=True)
class Outcome:
    """What a search found, and what it took: tokens of prompts and completions, wall seconds."""

    found: Found
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    answers: int = 0

    @property
    def taken(self) -> Taken:
        """What it took."""
        return Taken(self.prompt_tokens, self.completion_tokens, self.seconds, self.answers)


def outcome_key(
    suite: str, model_fingerprint: str, prompt: str, approach: Approach, origin: str
) -> str:
    """Under which a search's outcome is kept."""
    return fingerprint("found@1", suite, model_fingerprint, prompt, approach, origin)


def searched_for(ledger: Ledger, suite: str, candidate: Candidate) -> Taken:
    """What the search for a candidate took; nothing where it needed none, or none is kept."""
    if candidate.found is None:
        return Taken()
    key = outcome_key(
        suite,
        candidate.model_fingerprint,
        candidate.prompt,
        candidate.approach,
        candidate.found.origin,
    )
    outcome = ledger.load(FOUND, key, Outcome)
    return outcome.taken if outcome else Taken()
