"""Successive halving: many are tried on a little, and those that do best on more.

Karnin, Koren and Somekh 2013; Jamieson and Talwalkar 2016. Each rung adds cases that none has
seen, the same for all that are left, and goes by all cases so far; the better half stays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

FIRST = 16
"""Cases of the first rung, where there are enough."""
MIN_FIRST = 8
"""With fewer fewer are tried: halves chosen on less would be chosen by chance."""

T = TypeVar("T")


class Rung(NamedTuple):
    """How many are tried on how many cases that are new to them."""

    tried: int
    cases: int


class Standing(NamedTuple):
    """What one has done so far. Compared as it stands: less is better, of equals the earlier."""

    lost: float
    prompt_tokens: int
    place: int


def plan_rungs(tried: int, cases: int) -> tuple[Rung, ...]:
    """The rungs for at most `tried` on at most `cases` cases in all; none for too few cases.

    Every rung but the first doubles the cases seen, so each costs about half of the first.
    """
    if cases < MIN_FIRST or tried < 2:
        return ()
    while cases_needed(tried, MIN_FIRST) > cases:
        tried = (tried + 1) // 2
    first = min(FIRST, cases // cases_needed(tried, 1))
    rungs, fresh = [Rung(tried, first)], first
    while (tried := (tried + 1) // 2) > 1:
        rungs.append(Rung(tried, fresh))
        fresh *= 2
    return tuple(rungs)


def cases_needed(tried: int, first: int = FIRST) -> int:
    """Cases seen by the last two of `tried`, where the first rung has `first`."""
    return first << ((tried - 1).bit_length() - 1)


def halve(
    tried: Sequence[T],
    rungs: Sequence[Rung],
    run: Callable[[Sequence[T], Rung, int], Sequence[tuple[float, int]]],
) -> tuple[T, Standing]:
    """The best of `tried`, with what it did.

    `run` is given those that are left, the rung, and how many cases came before; it gives for
    each what it lost there (1 a case that is wrong) and the prompt tokens it took.
    """
    left = [Standing(0.0, 0, place) for place in range(len(tried))]
    seen = 0
    for rung in rungs:
        left = sorted(left)[: rung.tried]
        left.sort(key=lambda standing: standing.place)
        gone = run([tried[each.place] for each in left], rung, seen)
        left = [
            Standing(round(each.lost + lost, 9), each.prompt_tokens + tokens, each.place)
            for each, (lost, tokens) in zip(left, gone, strict=True)
        ]
        seen += rung.cases
    best = min(left)
    return tried[best.place], best
