"""Sets of demonstrations to try: drawn, spread over the inputs, and bootstrapped.

Bootstrapped sets go by what the model does without demonstrations, as in DSPy's
`BootstrapFewShot` (Khattab et al. 2023), but show the cases' own answers, which are known to be
right. Nobody knows beforehand which kind serves a model: `right` shows what it can already do
and so fixes the form, `wrong` shows what it lacks, `mixed` half of each. So each kind is tried,
and scores decide.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from evals.prompting.demonstrations import Leaks, spread
from evals.records import Case

SetKind = Literal["drawn", "diverse", "wrong", "mixed", "right"]

_CYCLE: tuple[SetKind, ...] = ("diverse", "wrong", "mixed", "drawn", "right")
_PATIENCE = 10  # draws that give a set that is there already, for each set that is wanted


@dataclass(frozen=True)
class TrainParts:
    """Train in two: what sets are made of, and what they are scored on. Nothing leaks across."""

    shown: tuple[Case, ...]
    scored: tuple[Case, ...]


@dataclass(frozen=True)
class DemonstrationSet:
    """One set to try, in the order shown."""

    kind: SetKind
    ids: tuple[str, ...]


def divide_train(
    leaks: Leaks, keep: Sequence[Case], wanted: int, generator: random.Random
) -> TrainParts:
    """Up to `wanted` cases to score on, at most half of those that can be shown to every case.

    A cluster is in one part whole, and `keep` is in what is shown. Cases that something shown
    leaks to are in neither part.
    """
    clean = leaks.fixed
    groups: dict[tuple[str, str], list[Case]] = {}
    for case in clean:
        groups.setdefault(_unit(case), []).append(case)
    shown = {_unit(case) for case in keep}
    order = [unit for unit in groups if unit not in shown]
    generator.shuffle(order)
    scored: list[Case] = []
    for unit in order:
        if len(scored) + len(groups[unit]) <= min(wanted, len(clean) // 2):
            scored += groups[unit]
        else:
            shown.add(unit)
    generator.shuffle(scored)
    pool = tuple(case for case in clean if _unit(case) in shown)
    kept = [
        case
        for case, near in zip(scored, leaks.near(scored), strict=True)
        if len(leaks.clean(case, pool, near, len(pool))) == len(pool)
    ]
    return TrainParts(pool, tuple(kept))


def _unit(case: Case) -> tuple[str, str]:
    return ("cluster", case.cluster) if case.cluster else ("case", case.id)


def draw_sets(
    first: Sequence[Case],
    pool: Sequence[Case],
    probed: Mapping[str, bool],
    tries: int,
    generator: random.Random,
) -> tuple[DemonstrationSet, ...]:
    """At most `tries` sets of as many cases as `first`, which is one of them; no two the same.

    `probed` says by id of which cases of `pool` the model was right. A kind that there are too
    few cases for gives way to a draw.
    """
    k = len(first)
    found = {frozenset(case.id for case in first): _set("drawn", first)}
    for number in range(_PATIENCE * tries):
        if len(found) == tries:
            break
        kind = _CYCLE[number % len(_CYCLE)]
        cases = _make(kind, k, pool, probed, generator)
        if cases is None:
            kind, cases = "drawn", tuple(generator.sample(pool, k))
        found.setdefault(frozenset(case.id for case in cases), _set(kind, cases))
    return tuple(found.values())


def _set(kind: SetKind, cases: Sequence[Case]) -> DemonstrationSet:
    return DemonstrationSet(kind, tuple(case.id for case in cases))


def _make(
    kind: SetKind,
    k: int,
    pool: Sequence[Case],
    probed: Mapping[str, bool],
    generator: random.Random,
) -> tuple[Case, ...] | None:
    """A set of a kind, or None where there are too few cases for it."""
    if kind == "drawn":
        return None
    if kind == "diverse":  # of another half each time: of all it would be one set
        half = generator.sample(pool, max(k, len(pool) // 2))
        return spread(half, k, generator)[::-1]
    rights = {"right": k, "wrong": 0, "mixed": k // 2}[kind]
    chosen = _some(pool, probed, True, rights, generator)
    others = _some(pool, probed, False, k - rights, generator)
    if chosen is None or others is None:
        return None
    cases = [*chosen, *others]
    generator.shuffle(cases)
    return tuple(cases)


def _some(
    pool: Collection[Case],
    probed: Mapping[str, bool],
    right: bool,
    count: int,
    generator: random.Random,
) -> list[Case] | None:
    those = [case for case in pool if probed.get(case.id) is right]
    return generator.sample(those, count) if len(those) >= count else None
