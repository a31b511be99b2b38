"""Train, parted for a search: examples that its trainings learn from, and others that judge them.

Dev and test are no part of this. Whole groups stay together: examples of one cluster or
conversation, and train cases that read the same or nearly so. The trainings hold out a part of
what they learn from to stop by, as every training does, so what judges decides nothing within one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import NamedTuple

from evals.errors import TrainingError
from evals.prompting.demonstrations import Joined, train_groups
from evals.suite.folding import fold, loosen
from evals.suite.spec import Suite
from evals.suite.splits import hash_fraction
from tuning.data.dataset import Example, answered_case
from tuning.sweeping.comparing import enough_groups

SHARE = 0.25
MOST = 160
"""More cases to judge by cost more than they tell: each trial answers all of them."""
LEAST = 20
LEAST_LEARNT = 24


class SweepParts(NamedTuple):
    """What is learnt from, and what judges; `groups` are of the latter, one for each.

    Of `judged` the first `scored` answer cases of the suite, which its scorer can judge.
    """

    learnt: tuple[Example, ...]
    judged: tuple[Example, ...]
    groups: tuple[str, ...]
    scored: int


def part_examples(suite: Suite, examples: Sequence[Example], seed: int) -> SweepParts:
    """About a quarter of the examples judges, at most 160, by a stable hash of groups.

    Raises TrainingError where that leaves too few on one side.
    """
    names = group_names(suite, examples)
    order = sorted(set(names), key=lambda name: hash_fraction(f"sweep\0{seed}\0{name}"))
    sizes = Counter(names)
    wanted, taken = min(MOST, SHARE * len(examples)), 0
    kept: set[str] = set()
    for name in order:
        if taken + sizes[name] <= wanted:
            kept.add(name)
            taken += sizes[name]
    cases = {case.id for case in suite.split("train") if case.is_plain}
    pairs = [pair for pair in zip(examples, names, strict=True) if pair[1] in kept]
    pairs.sort(key=lambda pair: pair[0].case_id not in cases)
    scored = sum(example.case_id in cases for example, _ in pairs)
    learnt = tuple(e for e, name in zip(examples, names, strict=True) if name not in kept)
    groups = tuple(name for _, name in pairs)
    if len(pairs) < LEAST or not enough_groups(groups) or len(learnt) < LEAST_LEARNT:
        raise TrainingError(
            f"{len(examples)} examples in {len(order)} groups are too few to search settings on: "
            f"{len(learnt)} would be learnt from and {len(pairs)} would judge",
            key="tune.sweep",
            hint=f"at least {LEAST_LEARNT} and {LEAST} of 10 groups: add examples, or leave the "
            "search out",
        )
    scored = scored if enough_groups(groups[:scored]) and scored >= LEAST else 0
    return SweepParts(learnt, tuple(example for example, _ in pairs), groups, scored)


def group_names(suite: Suite, examples: Sequence[Example]) -> list[str]:
    """For each example the name of its group: the least case id, or example's, in it."""
    joined = Joined()
    for group in train_groups(suite.cases):
        for case in group:
            joined.join(("case", group[0].id), ("case", case.id))
    for example in examples:
        mark = ("example", example.case_id)
        joined.join(("case", answered_case(example)), mark)
        joined.join(("group", example.group), mark)
        joined.join(("text", _text(example)), mark)
    least: dict[Hashable, str] = {}
    for example in examples:
        own = joined.root(("example", example.case_id))
        least[own] = min(least.get(own, example.case_id), example.case_id)
    return [least[joined.root(("example", example.case_id))] for example in examples]


def _text(example: Example) -> str:
    """What is asked, as two prompts are compared."""
    return loosen(fold("\n".join(message.content for message in example.messages)))
