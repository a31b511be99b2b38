"""How many settings are tried on how many examples, within a budget of examples seen.

Successive halving (Jamieson and Talwalkar 2016, arXiv 1502.07943) with the number of examples as
the resource: each rung trains on three times the examples of the one before, and a third of
the settings goes on. Every trial is a whole training with a schedule of its own, so that epochs
and rate mean what they will mean in the end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import NamedTuple

from evals.errors import TrainingError
from tuning.sweeping.space import Settings

ETA = 3
"""One in so many goes on. Li et al. 2020 (arXiv 1810.05934) use 4, Li et al. 2018 3 or 4."""
LEAST = 48
"""A rung with fewer examples says little of one with all: a few steps favour the high rates."""


class Rung(NamedTuple):
    """How many settings are tried, on which share of the examples to learn from."""

    tried: int
    share: Fraction


class Plan(NamedTuple):
    """What is tried first, the rungs, and how many examples all of it may see at most."""

    contenders: tuple[Settings, ...]
    rungs: tuple[Rung, ...]
    planned: int


Cost = Callable[[Settings, Fraction], int]
"""Examples seen by a training with these settings on this share of the examples."""


def rungs_for(tried: int, examples: int) -> tuple[Rung, ...]:
    """The rungs of so many settings, the last on all of `examples`.

    There are as many as leave one setting and `LEAST` examples at the ends.
    """
    halvings = 0
    while ETA ** (halvings + 1) <= tried and examples // ETA ** (halvings + 1) >= LEAST:
        halvings += 1
    return tuple(
        Rung(-(-tried // ETA**rung), Fraction(1, ETA ** (halvings - rung)))
        for rung in range(halvings + 1)
    )


def plan_sweep(
    order: Sequence[Settings], default: Settings, examples: int, budget: int, cost: Cost
) -> Plan:
    """As many of `order`, from its beginning, as the budget allows whoever goes on.

    The default is trained once, beside those of the last rung. Raises TrainingError where the
    budget does not allow for one other.
    """
    held = cost(default, Fraction(1))
    for tried in range(len(order), 0, -1):
        contenders, rungs = tuple(order[:tried]), rungs_for(tried, examples)
        planned = held + sum(_most(contenders, rung, cost) for rung in rungs)
        if planned <= budget:
            return Plan(contenders, rungs, planned)
    if not order:
        raise TrainingError("there is nothing to try beside the default", key="tune.sweep")
    raise TrainingError(
        f"a budget of {budget:,} examples seen does not allow for one other setting beside the "
        f"default, which takes {held + cost(order[0], Fraction(1)):,}",
        key="tune.sweep.budget",
        hint="raise the budget, or search among fewer epochs",
    )


def _most(contenders: Sequence[Settings], rung: Rung, cost: Cost) -> int:
    """What a rung takes if those go on that take most."""
    costs = sorted((cost(one, rung.share) for one in contenders), reverse=True)
    return sum(costs[: rung.tried])
