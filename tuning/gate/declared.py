"""What a suite's rounds declare now, and which of that no run that counts has tried."""

from __future__ import annotations

from collections.abc import Iterable

from evals.approach import Approach
from evals.records import Candidate
from evals.suite.spec import RoundSpec, Suite


def rounds_of(suite: Suite) -> tuple[RoundSpec, ...]:
    """The declared rounds; without any, one round of all prompts."""
    return suite.rounds or (RoundSpec("wording", tuple(suite.prompts)),)


def find_untried(suite: Suite, tried: Iterable[Candidate]) -> tuple[str, ...]:
    """Labels of the declared candidates that are not among `tried`, in the order declared.

    Demonstrations drawn by another seed than the search's make another candidate.
    """
    found = {(each.prompt, each.approach) for each in tried}
    declared: dict[tuple[str, Approach], None] = {}  # a candidate that two rounds declare is one
    for spec in rounds_of(suite):
        declared.update(dict.fromkeys(spec.pairs))
    return tuple(prompt + how.label for prompt, how in declared if (prompt, how) not in found)
