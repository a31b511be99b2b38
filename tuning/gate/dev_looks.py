"""Verdicts that rested on sets of dev cases: each is a look, a changed dev a new one.

Adding or dropping cases until a verdict pleases makes false verdicts likelier. So what a dev
shares with earlier ones is counted, and what was not declared before the first look is claimed
at a small alpha (see `Policy.look_alpha`). What was declared at the first look stands for all
that follow, and for that look when it is taken again: a declaration that could be withdrawn
afterwards would be spent and be had back. Only a verdict that could have opened the gate is a
look: where too little was tried, or the evals refused, nothing was at stake.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
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
from tuning.gate.evidence import look_share

DEV_LOOKS = "dev_looks"


@dataclass(frozen=True)
class DevLook:
    """One look: at which cases (by content), when, and the number of extensions that stood.

    That is what the suite declared at the first look, whatever it says at a later one.
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

    `declared`: what the suite declares now. It counts at a first look alone; later the
    declaration stands under which the looks were taken that share its cases. Where those
    differ (looks that had nothing in common until now), the one that leaves the least alpha.
    """
    return count_contents(looks, contents_of(cases), _seen(looks, cases), declared)


def count_contents(
    looks: Sequence[DevLook], now: Contents, seen: Sequence[Contents | None], declared: int
) -> Counted:
    """`count_look` of cases told by content; `seen` is what is known of each look's."""
    same = nearest(now, seen)
    before = len(looks) if same is None else same
    taken = None if same is None else seen[same]
    counted = [n for n in range(before) if look_related(now, seen[n], taken)]
    number = 1 + len(counted)
    under = counted if same is None else [*counted, same]
    standing = [looks[n].declared for n in under] or [declared]
    return Counted(number, min(standing, key=lambda one: look_share(number, one)))


def keep_look(ledger: Ledger, key: str, cases: Sequence[Case], *, declared: int, when: str) -> None:
    """Write a look down with the declaration that stands; one that was taken stays as it is."""
    looks = stored_looks(ledger, key)
    kept = with_look(looks, contents_of(cases), _seen(looks, cases), declared, when)
    if kept != looks:
        ledger.store(DEV_LOOKS, key, DevLooks(kept), created=when)


def with_look(
    looks: Sequence[DevLook],
    now: Contents,
    seen: Sequence[Contents | None],
    declared: int,
    when: str,
) -> tuple[DevLook, ...]:
    """The looks with one at these contents, unless it was taken already."""
    if nearest(now, seen) is not None:
        return tuple(looks)
    standing = count_contents(looks, now, seen, declared).declared
    return (*looks, DevLook(contents_fingerprint(now), now, standing, when, FORM))


def _seen(looks: Sequence[DevLook], cases: Sequence[Case]) -> list[Contents | None]:
    """What each look saw. Of one of an older form that is known only if it is at just these."""
    very_same = {split_fingerprint(cases): contents_of(cases)}
    return [
        look.cases or None if look.form == FORM else very_same.get(look.split) for look in looks
    ]
