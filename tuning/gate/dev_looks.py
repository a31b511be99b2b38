"""Verdicts that rested on sets of dev cases: each is a look, a changed dev a new one.

Adding or dropping cases until a verdict pleases makes false verdicts likelier. So what a dev
shares with earlier ones is counted, and what was not declared before the first look is claimed
at a small alpha (see `Policy.look_alpha`). Only a verdict that could have opened the gate is a
look: where too little was tried, or the evals refused, nothing was at stake.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from evals.fingerprint import LATER
from evals.ledger import Ledger
from evals.looks import (
    FORM,
    Contents,
    contents_fingerprint,
    contents_of,
    look_related,
    nearest,
    split_fingerprint,
)
from evals.records import Case

DEV_LOOKS = "dev_looks"


@dataclass(frozen=True)
class DevLook:
    """One look: at which cases (by content), when, and what extensions were declared then.

    `form` is as in `evals.looks.Look`.
    """

    split: str
    cases: Contents
    declared: int
    when: str
    form: int = field(default=1, metadata=LATER)


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

    `declared`: what the suite declares now. It counts only as far as every look that shares
    its cases was taken under it: an extension that is declared later is not declared.
    """
    now, seen = contents_of(cases), _seen(looks, cases)
    same = nearest(now, seen)
    before = len(looks) if same is None else same
    taken = None if same is None else seen[same]
    counted = [n for n in range(before) if look_related(now, seen[n], taken)]
    under = counted if same is None else [*counted, same]
    return Counted(1 + len(counted), min([declared, *(looks[n].declared for n in under)]))


def keep_look(ledger: Ledger, key: str, cases: Sequence[Case], *, declared: int, when: str) -> None:
    """Write a look down; of one that was taken already, the smaller declaration."""
    looks = list(stored_looks(ledger, key))
    same = nearest(contents := contents_of(cases), _seen(looks, cases))
    if same is None:
        looks.append(DevLook(contents_fingerprint(contents), contents, declared, when, FORM))
    else:
        looks[same] = replace(looks[same], declared=min(declared, looks[same].declared))
    ledger.store(DEV_LOOKS, key, DevLooks(tuple(looks)), created=when)


def _seen(looks: Sequence[DevLook], cases: Sequence[Case]) -> list[Contents | None]:
    """What each look saw. Of one of an older form that is known only if it is at just these."""
    very_same = {split_fingerprint(cases): contents_of(cases)}
    return [
        look.cases or None if look.form == FORM else very_same.get(look.split) for look in looks
    ]
