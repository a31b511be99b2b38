"""What a suite's rounds declare now, and which of that no run that counts has tried."""

from __future__ import annotations

from collections.abc import Iterable

from evals.prompting import DEMONSTRATION_METHODS
from evals.records import Candidate
from evals.suite.spec import RoundSpec, Suite


def rounds_of(suite: Suite) -> tuple[RoundSpec, ...]:
    """The declared rounds; without any, one round of all prompts."""
    return suite.rounds or (RoundSpec("wording", tuple(suite.prompts)),)


def find_untried(suite: Suite, tried: Iterable[Candidate]) -> tuple[str, ...]:
    """Labels of the declared candidates that are not among `tried`, in the order declared.

    Demonstrations drawn by another seed than the search's make another candidate.
    """
    found = {(each.prompt, each.demonstrations, each.k, each.seed) for each in tried}
    missing: dict[str, None] = {}  # a candidate that two rounds declare is one
    for spec in rounds_of(suite):
        for prompt in spec.prompts:
            for k in spec.k or (0,):
                method = DEMONSTRATION_METHODS[spec.family] if k else "none"
                if (prompt, method, k, 0) not in found:
                    missing[f"{prompt} + {k} {method}" if k else prompt] = None
    return tuple(missing)
