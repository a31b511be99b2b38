"""The two stages in which dev is run where a suite allows early stop.

They are fixed by the cases alone, before anything runs, and are the same for every candidate:
about a quarter of dev, whole clusters, and the rest. Each stage is planned as a list of
requests of its own, so the batches of the first do not depend on what becomes of the
candidate, and a candidate that is run on the rest later finds them again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from evals.records import Case
from evals.stats import MIN_CLUSTERS
from evals.suite.spec import Suite
from evals.suite.splits import hash_fraction

STAGE_SHARE = 0.25
MIN_STAGE_CASES = 40
"""Fewer cases, or fewer than `MIN_CLUSTERS` clusters, would hardly ever show anything."""


class Stages(NamedTuple):
    """The cases of stage one and those that follow, each in the order of dev."""

    first: tuple[Case, ...]
    rest: tuple[Case, ...]


def stages_of(suite: Suite) -> Stages | None:
    """How dev is divided; None without early stop, and where stage one would be too small."""
    return divide(suite) if suite.search.early_stop else None


def divide(suite: Suite) -> Stages | None:
    """How dev is divided where early stop is on; None where stage one would be too small.

    A case's stage hangs on its cluster's name (else its id) alone: new cases move no others.
    """
    dev = suite.split("dev")
    first = tuple(case for case in dev if _comes_first(case))
    rest = tuple(case for case in dev if not _comes_first(case))
    clusters = len({case.cluster or (case.id,) for case in first})
    if not rest or len(first) < MIN_STAGE_CASES or clusters < MIN_CLUSTERS:
        return None
    return Stages(first, rest)


def planned_apart(suite: Suite, cases: Sequence[Case]) -> list[list[int]]:
    """The places of `cases` in the lists that they are planned as: the whole of dev in stages.

    Anything else is one list.
    """
    stages = stages_of(suite)
    if stages is None or tuple(cases) != suite.split("dev"):
        return [list(range(len(cases)))]
    first = {case.id for case in stages.first}
    return [
        [n for n, case in enumerate(cases) if (case.id in first) is chosen]
        for chosen in (True, False)
    ]


def _comes_first(case: Case) -> bool:
    # Another key than the split is drawn by: dev itself is a stretch of those fractions.
    key = case.id if case.cluster is None else case.cluster
    return hash_fraction(f"stage one\0{key}") < STAGE_SHARE
