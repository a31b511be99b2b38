"""Demonstrations that are the same for every case: drawn, spread over the inputs, or named.

What they are leaks to no case of dev or test (`Leaks.fixed`). A case of train that is among them,
or that one of them leaks to, is shown the others: of drawn ones the next in the draw instead.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from evals.errors import SuiteError
from evals.prompting.demonstrations.leaks import Leaks
from evals.prompting.demonstrations.spreading import spread
from evals.records import Case


def static(k: int, seed: int, leaks: Leaks, cases: Sequence[Case]) -> list[tuple[Case, ...]]:
    """The first k of a draw by `seed`."""
    return _shown(k, drawn(k, seed, leaks), leaks, cases)


def drawn(k: int, seed: int, leaks: Leaks) -> tuple[Case, ...]:
    """All that can be shown to every case in the order of the draw. SuiteError if fewer than k."""
    _require(k, leaks)
    order = list(leaks.usable)
    random.Random(seed).shuffle(order)  # noqa: S311 - a reproducible draw, not a secret
    return tuple(demo for demo in order if demo.id not in leaks.to_held_out)


def diverse(k: int, seed: int, leaks: Leaks, cases: Sequence[Case]) -> list[tuple[Case, ...]]:
    """Such as are spread over the train inputs (`spread`), the most typical last."""
    _require(k, leaks)
    chosen = spread(leaks.fixed, k, random.Random(seed))  # noqa: S311 - as above
    return _shown(k, chosen[::-1], leaks, cases)


def named(ids: Sequence[str], leaks: Leaks, cases: Sequence[Case]) -> list[tuple[Case, ...]]:
    """The train cases of these ids, in this order. Raises SuiteError as `check_named` does."""
    return _shown(len(ids), check_named(ids, leaks), leaks, cases)


def check_named(ids: Sequence[str], leaks: Leaks) -> tuple[Case, ...]:
    """The train cases of these ids.

    Raises SuiteError for an id that is unknown, named twice, not of train or not plain, and for
    a case that leaks to one of dev or test.
    """
    usable = {case.id: case for case in leaks.usable}
    for number, each in enumerate(ids):
        if each in ids[:number]:
            raise _error(f"the demonstration {each!r} is named twice", "name each case once")
        if each not in usable:
            raise _unusable(each, leaks)
        if leak := leaks.to_held_out.get(each):
            how = "nearly reads the same as" if leak.near else "reads the same as, or belongs to,"
            raise _error(
                f"the demonstration {each!r} {how} {leak.case.id!r} of {leak.case.split}: it "
                "would give its answer away",
                "name another train case",
            )
    return tuple(usable[each] for each in ids)


def _unusable(name: str, leaks: Leaks) -> SuiteError:
    case = leaks.case(name)
    if case is None:
        return _error(f"there is no case {name!r} to demonstrate", "name ids of train cases")
    if case.split != "train":
        text = f"the demonstration {name!r} is a case of {case.split}, not of train"
        return _error(text, "only train cases are ever shown")
    text = f"the train case {name!r} has choices, turns or tools and cannot be shown"
    return _error(text, "name a case of one question and one written answer")


def _error(message: str, hint: str) -> SuiteError:
    return SuiteError(message, key="demonstrations", hint=hint)


def _require(k: int, leaks: Leaks) -> None:
    if len(leaks.fixed) < k:
        raise SuiteError(
            f"only {len(leaks.fixed)} train cases do not also stand, or nearly so, in dev or "
            f"test; {k} are needed",
            key="rounds",
            hint="run `tunegate check`: the splits leak into each other",
        )


def _shown(
    k: int, order: Sequence[Case], leaks: Leaks, cases: Sequence[Case]
) -> list[tuple[Case, ...]]:
    """The first k of `order`, which leak to no held-out case of the suite, for each case."""
    first = tuple(order[:k])
    others = [case for case in cases if case.split == "train" or case not in leaks]
    own = {
        id(case): leaks.clean(case, order, near, k)
        for case, near in zip(others, leaks.near(others), strict=True)
    }
    return [own.get(id(case), first) for case in cases]
