"""Train cases that belong together, and those that nobody may learn from who is judged on dev.

Cases belong together that share a cluster, ask the same (`Leaks.keys`), or are near-duplicates
(`evals.suite.nearness`), also by way of others. Unlike in `leaks`, cases that are not plain count.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence

from evals.prompting.demonstrations.leaks import NEARLY, leaks_of
from evals.prompting.demonstrations.remembered import PerPool
from evals.records import Case
from evals.suite.folding import comparable, fold, loosen
from evals.suite.nearness import NearIndex, weigh

Groups = tuple[tuple[Case, ...], ...]


class Joined:
    """Things that were joined, directly or by way of others (a disjoint-set forest)."""

    def __init__(self) -> None:
        self._above: dict[Hashable, Hashable] = {}

    def root(self, one: Hashable) -> Hashable:
        """What stands for all that `one` is joined to."""
        while (above := self._above.get(one, one)) != one:
            self._above[one] = self._above.get(above, above)
            one = above
        return one

    def join(self, one: Hashable, other: Hashable) -> None:
        """From now on they are one, with all that either is joined to."""
        self._above[self.root(one)] = self.root(other)


def _group(cases: Sequence[Case]) -> Groups:
    """The groups in file order; a train case that is alike to one of dev or test is left out."""
    leaks = leaks_of(cases)
    texts = {case.id: loosen(fold(comparable(case))) for case in cases}
    marks: dict[str, set[Hashable]] = {
        case.id: {
            ("text", texts[case.id]),
            *(("key", key) for key in leaks.keys(case)),
            *([("cluster", case.cluster)] if case.cluster is not None else []),
        }
        for case in cases
    }
    held_out: set[Hashable] = set()
    for case in cases:
        if case.split != "train":
            held_out |= marks[case.id]
    refused, joined = set(held_out), Joined()
    for first, second in _near(list(dict.fromkeys(texts.values()))):
        one, other = ("text", first), ("text", second)
        refused |= {one} if other in held_out else set()
        refused |= {other} if one in held_out else set()
        if one not in held_out and other not in held_out:
            joined.join(one, other)
    found: dict[Hashable, list[Case]] = {}
    own = [
        case
        for case in cases
        if case.split == "train"
        and not marks[case.id] & refused
        and case.id not in leaks.to_held_out  # near to a later turn, too
    ]
    for case in own:
        for mark in marks[case.id]:
            joined.join(mark, ("case", case.id))
    for case in own:
        found.setdefault(joined.root(("case", case.id)), []).append(case)
    return tuple(map(tuple, found.values()))


def _near(texts: Sequence[str]) -> Iterator[tuple[str, str]]:
    weights = weigh(texts) if len(texts) > 1 else None
    if weights is None:
        return
    for near in NearIndex(weights.rows, NEARLY).pairs(weights.rows):
        for row, column in zip(near.rows.tolist(), near.columns.tolist(), strict=True):
            if row < column:
                yield texts[row], texts[column]


train_groups = PerPool(_group)
"""The groups of a suite's train cases, computed once; none where a case stands in dev or test."""
