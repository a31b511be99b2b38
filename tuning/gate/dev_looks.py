"""Verdicts that rested on sets of dev cases: each is a look, and a dev that grew is looked at anew.

Adding cases until a verdict pleases makes false verdicts likelier. So what a dev extends is
counted, and what was not declared before the first look is claimed at a small alpha (see
`Policy.look_alpha`). Only a verdict that could have opened the gate is a look: where too
little was tried, or the evals refused, nothing was at stake.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from evals.ledger import Ledger
from evals.looks import keeps_half, split_fingerprint
from evals.records import Case

DEV_LOOKS = "dev_looks"


@dataclass(frozen=True)
class DevLook:
    """One look: at which cases (by fingerprint), when, and what extensions were declared then."""

    split: str
    cases: tuple[str, ...]
    declared: int
    when: str


@dataclass(frozen=True)
class DevLooks:
    """All looks of a suite on a model, oldest first, as the ledger keeps them."""

    looks: tuple[DevLook, ...]  # without a default: a record that lost them is damaged
    format: int = 1


class Counted(NamedTuple):
    """The number of a look, from 1, and how many extensions were declared before the first."""

    number: int
    declared: int


def stored_looks(ledger: Ledger, key: str) -> tuple[DevLook, ...]:
    """The looks kept under a job's key, oldest first."""
    found = ledger.load(DEV_LOOKS, key, DevLooks)
    return found.looks if found else ()


def count_look(looks: Sequence[DevLook], cases: Sequence[Case], declared: int) -> Counted:
    """The number of a look at `cases`, whether or not it was taken already.

    `declared`: what the suite declares now. It counts only as far as every look that is
    extended was taken under it: an extension that is declared later is not declared.
    """
    split = split_fingerprint(cases)
    prints = frozenset(case.fingerprint for case in cases)
    number = 1
    for look in looks:
        if look.split == split:
            return Counted(number, min(declared, look.declared))
        if _extends(prints, look):
            number += 1
            declared = min(declared, look.declared)
    return Counted(number, declared)


def keep_look(ledger: Ledger, key: str, cases: Sequence[Case], *, declared: int, when: str) -> None:
    """Write a look down; of one that was taken already, the smaller declaration."""
    looks, split = list(stored_looks(ledger, key)), split_fingerprint(cases)
    prints = tuple(sorted(case.fingerprint for case in cases))
    for place, look in enumerate(looks):
        if look.split == split:
            looks[place] = replace(look, declared=min(declared, look.declared))
            break
    else:
        looks.append(DevLook(split, prints, declared, when))
    ledger.store(DEV_LOOKS, key, DevLooks(tuple(looks)), created=when)


def _extends(prints: frozenset[str], look: DevLook) -> bool:
    """Whether dev has half of a look's cases unchanged, and others."""
    return keeps_half(prints, look.cases) and not prints.issubset(look.cases)
