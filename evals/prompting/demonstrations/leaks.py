"""What must not be shown to whom: the one answer for every way to choose demonstrations.

A demonstration is a plain train case. It is never the case itself, of its cluster, the same text
in its bare form (`evals.suite.folding`), the same question beside another row number or in a later
turn (`evals.suite.questions`), or a near-duplicate (`evals.suite.nearness`): it would leak the
answer. What is shown to every case alike leaks to no case of dev or test.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from evals.prompting.demonstrations.remembered import PerPool
from evals.records import Case
from evals.suite.folding import bare, comparable, fold, hides, input_text, loosen
from evals.suite.nearness import NEAR, NearIndex, Weights, weigh
from evals.suite.questions import Questions

# So that a pair that `check` reports is refused here, whatever the order of a sum in float32.
NEARLY = NEAR - 1e-6
_CHUNK = 256  # cases compared at a time


class Leak(NamedTuple):
    """A case of dev or test that a train case would leak to, and how the two are alike."""

    case: Case
    near: bool  # not by cluster or bare form as spelt: `method_fingerprint` names such cases


class Leaks:
    """The train cases of a suite that can be shown, and to which cases each must not be.

    `pool` is every case of the suite. Nothing is computed before it is asked for.
    """

    def __init__(self, pool: Sequence[Case]) -> None:
        self.usable = tuple(case for case in pool if case.split == "train" and case.is_plain)
        self._pool = pool
        self._held_out = tuple(case for case in pool if case.split != "train")
        self._questions = Questions(pool)
        self._keys = {case.id: self._keys_of(case) for case in pool}

    @cached_property
    def to_held_out(self) -> dict[str, Leak]:
        """By id, the train cases that leak to a case of dev or test, with the first of these."""
        texts: dict[str, Case] = {}
        asked: dict[str, Case] = {}
        clusters: dict[str, Case] = {}
        for case in reversed(self._held_out):
            texts[_key(case)] = case
            asked.update(dict.fromkeys(self._keys[case.id], case))
            if case.cluster:
                clusters[case.cluster] = case
        found: dict[str, Leak] = {}
        for demo in self.usable:
            alike = texts.get(_key(demo)) or clusters.get(demo.cluster or "")
            if alike:
                unseen = hides(comparable(demo)) or hides(comparable(alike))
                found[demo.id] = Leak(alike, near=unseen)
                continue
            for key in sorted(self._keys[demo.id] & asked.keys()):
                found.setdefault(demo.id, Leak(asked[key], near=True))
        for case, near in zip(self._held_out, self.near(self._held_out), strict=True):
            for place in near:
                found.setdefault(self.usable[place].id, Leak(case, near=True))
        return found

    @cached_property
    def fixed(self) -> tuple[Case, ...]:
        """The train cases that every case of dev and test can be shown, in file order."""
        return tuple(demo for demo in self.usable if demo.id not in self.to_held_out)

    @cached_property
    def near_alone(self) -> tuple[str, ...]:
        """Ids of train cases that leak to dev or test by less than their spelling, in order."""
        leaks = self.to_held_out
        return tuple(demo.id for demo in self.usable if (leak := leaks.get(demo.id)) and leak.near)

    def near(self, cases: Sequence[Case]) -> Iterator[frozenset[int]]:
        """For each case the places in `usable` of its near-duplicates."""
        for start in range(0, len(cases), _CHUNK):
            yield from self._near(cases[start : start + _CHUNK])

    def clean(
        self, case: Case, ranked: Iterable[Case], near: frozenset[int], k: int
    ) -> tuple[Case, ...]:
        """The first k of `ranked` that can be shown to `case`; `near` is what `near` gave."""
        keys = self.keys(case)
        alike = {self.usable[place].id for place in near}
        clean: list[Case] = []
        for demo in ranked:
            if len(clean) == k:
                break
            same = demo.id == case.id or demo.id in alike or self._keys[demo.id] & keys
            if not (same or (case.cluster is not None and demo.cluster == case.cluster)):
                clean.append(demo)
        return tuple(clean)

    def case(self, name: str) -> Case | None:
        """The case of that id, of any split."""
        place = self._places.get(name)
        return None if place is None else self._pool[place]

    def keys(self, case: Case) -> frozenset[str]:
        """What two cases share one of that ask the same: input, question, each later turn."""
        return self._keys[case.id] if case in self else self._keys_of(case)

    def _keys_of(self, case: Case) -> frozenset[str]:
        turns = (bare(turn.user) for turn in case.turns)
        return frozenset(filter(None, (_key(case), self._questions.of(case), *turns)))

    def __contains__(self, case: Case) -> bool:
        return self.case(case.id) == case

    @cached_property
    def _places(self) -> dict[str, int]:
        return {case.id: place for place, case in enumerate(self._pool)}

    @cached_property
    def _rows(self) -> dict[str, int]:
        """By case id, the row of `_weights`: one for all texts that are the same but for marks.

        This and what is weighed is as in `evals.suite.duplicates`.
        """
        firsts: dict[str, int] = {}
        return {
            case.id: firsts.setdefault(loosen(fold(comparable(case))), len(firsts))
            for case in self._pool
        }

    @cached_property
    def _weights(self) -> Weights | None:
        texts: dict[int, str] = {}
        for case in self._pool:
            texts.setdefault(self._rows[case.id], fold(comparable(case)))
        return weigh(list(texts.values()))

    @cached_property
    def _index(self) -> NearIndex | None:
        if self._weights is None or not self.usable:
            return None
        return NearIndex(self._weights.rows[[self._rows[demo.id] for demo in self.usable]], NEARLY)

    def _near(self, cases: Sequence[Case]) -> Iterator[frozenset[int]]:
        found: list[set[int]] = [set() for _ in cases]
        if self._index is not None:
            rows, owners = self._rows_of(cases)
            for near in self._index.pairs(rows):
                for row, column in zip(near.rows.tolist(), near.columns.tolist(), strict=True):
                    found[owners[row]].add(column)
        return map(frozenset, found)

    def _rows_of(self, cases: Sequence[Case]) -> tuple[Any, list[int]]:
        """Rows of the cases, and of each the place among `cases`.

        A case that is not plain has more: its input without choices and turns, and each turn.
        """
        from scipy.sparse import vstack

        assert self._weights is not None
        known = [place for place, case in enumerate(cases) if case in self]
        others = [(n, comparable(case)) for n, case in enumerate(cases) if case not in self]
        others += [(n, input_text(case)) for n, case in enumerate(cases) if not case.is_plain]
        others += [(n, turn.user) for n, case in enumerate(cases) for turn in case.turns]
        rows = self._weights.rows[[self._rows[cases[place].id] for place in known]]
        if others:
            rows = vstack([rows, self._weights.of([fold(text) for _, text in others])]).tocsr()
        return rows, [*known, *(place for place, _ in others)]


leaks_of = PerPool(Leaks)
"""The leaks within a suite's cases, computed once."""


def _key(case: Case) -> str:
    """What two cases share that read the same. Choices are left out: they are no question."""
    return bare(input_text(case))
