"""What a suite's rounds declare now, and which of that no run that counts has tried."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from evals.approach import Approach
from evals.prompting.ladder import default_rounds
from evals.records import Candidate
from evals.suite.spec import RoundSpec, Suite
from tuning.gate.evidence import OverBudget

NAMED = 3
"""How many of the candidates that were not tried are named."""


UNHELD = (
    "state a `structure` that it takes, or `structure: none`, in suite.yaml, or name a model that "
    "can be held to one"
)
"""The way out where a model refuses what answers are held to."""


def rounds_of(suite: Suite) -> tuple[RoundSpec, ...]:
    """The declared rounds; without any, the default ladder."""
    return suite.rounds or default_rounds(suite)


def find_untried(suite: Suite, tried: Iterable[Candidate]) -> tuple[str, ...]:
    """Labels of the declared candidates that are not among `tried`, in the order declared.

    Demonstrations drawn by another seed than the search's make another candidate.
    """
    return tuple(prompt + how.label for prompt, how in _untried(suite, tried))


def find_unheld(suite: Suite, tried: Iterable[Candidate]) -> tuple[str, ...]:
    """Those of the untried that the default ladder holds to a structure: models may refuse it."""
    untried = () if suite.rounds else _untried(suite, tried)
    return tuple(prompt + how.label for prompt, how in untried if how.technique.structured)


def _untried(suite: Suite, tried: Iterable[Candidate]) -> list[tuple[str, Approach]]:
    found = {(each.prompt, each.approach) for each in tried}
    declared: dict[tuple[str, Approach], None] = {}  # a candidate that two rounds declare is one
    for spec in rounds_of(suite):
        declared.update(dict.fromkeys(spec.pairs))
    return [pair for pair in declared if pair not in found]


def find_over_budget(
    suite: Suite, taken: Mapping[tuple[str, Approach], int]
) -> tuple[OverBudget, ...]:
    """The rounds whose candidates before the untried ones have spent the budget.

    `taken` are the tokens that each tried candidate took, with the search for it.
    """
    return tuple(_over_budgets(rounds_of(suite), taken))


def _over_budgets(
    rounds: Sequence[RoundSpec], taken: Mapping[tuple[str, Approach], int]
) -> Iterator[OverBudget]:
    for index, spec in enumerate(rounds, 1):
        spent, budget = 0, spec.budget.tokens
        for place, pair in enumerate(spec.pairs):
            if budget and spent >= budget:
                left = tuple(dict.fromkeys(p for p in spec.pairs[place:] if p not in taken))
                labels = tuple(prompt + how.label for prompt, how in left)
                if labels:
                    yield OverBudget(index, spec.family, budget, spent, labels)
                break
            if pair not in taken:  # the search has not come further yet
                break
            spent += taken[pair]


def named(labels: Sequence[str]) -> str:
    """The first labels in words, and how many more there are."""
    more = f" and {len(labels) - NAMED} more" if len(labels) > NAMED else ""
    return ", ".join(f"'{label}'" for label in labels[:NAMED]) + more
