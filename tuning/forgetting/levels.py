"""How sure a guard's pass must be when more than one adapter may be tried on the same guard.

Who tries adapters on a guard until one passes finds one that passes by luck. So alpha is shared
before anything is tried: half of it is for the adapter as it was trained, and the other half in
equal parts for the remedies that are declared, tried or not. Whatever is tried, and in whatever
order, an adapter that truly loses the margin passes a guard at most as often as alpha in all.
"""

from __future__ import annotations

from typing import NamedTuple

from evals.errors import StatisticsError

ALPHA = 0.05


class Levels(NamedTuple):
    """One-sided levels of a guard's pass: of the adapter as trained, and of each remedy."""

    trained: float
    remedy: float


def guard_levels(remedies: int, alpha: float = ALPHA) -> Levels:
    """How `alpha` is shared where so many remedies are declared; none leaves all of it.

    Raises StatisticsError for a negative number.
    """
    if remedies < 0:
        raise StatisticsError(f"remedies is {remedies}; expected 0 or more")
    if not remedies:
        return Levels(alpha, alpha)
    return Levels(alpha / 2, alpha / (2 * remedies))
