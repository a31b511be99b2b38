"""Train, parted for an optimiser: cases that it learns from, and others that judge what it wrote.

Nothing else is touched: what an optimiser finds is judged on dev later, as every candidate.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from evals.errors import SuiteError
from evals.prompting.demonstrations import train_groups
from evals.records import Case
from evals.suite.spec import Suite

LEAST = 10
"""Fewer train cases than these say nothing of an instruction."""

MOST_LEARNT, MOST_JUDGED = 60, 100
"""More cases only cost: an optimiser looks at few, and every instruction is tried on the others."""


class TrainParts(NamedTuple):
    """Train cases to learn from, and others to judge by."""

    learn: tuple[Case, ...]
    judge: tuple[Case, ...]


def part_train(suite: Suite, seed: int) -> TrainParts:
    """Part the suite's train cases by `seed`: of five groups two to learn from, three to judge.

    A group are cases of one cluster, or that read the same or nearly so, and is never parted.
    Those that also stand in dev or test in that way are left out: an instruction may quote what
    was learnt from. Raises SuiteError where fewer than 10 cases are left, or one group.
    """
    groups = train_groups(suite.cases)
    found = sum(map(len, groups))
    if found < LEAST or len(groups) < 2:
        raise SuiteError(
            f"an optimiser was asked for, and {found} train cases in {len(groups)} groups do not "
            f"stand in dev or test too; it needs {LEAST} cases in 2 groups",
            path=suite.root / "suite.yaml",
            key="rounds",
            hint="add train cases, or leave the round out",
        )
    order = sorted(groups, key=lambda group: group[0].id)
    random.Random(seed).shuffle(order)  # noqa: S311 - a reproducible draw, not a secret
    cut = min(max(1, round(0.4 * len(order))), len(order) - 1)
    return TrainParts(_flat(order[:cut], MOST_LEARNT), _flat(order[cut:], MOST_JUDGED))


def _flat(groups: Iterable[Sequence[Case]], most: int) -> tuple[Case, ...]:
    return tuple(case for group in groups for case in group)[:most]
