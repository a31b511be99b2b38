"""Looks at a sealed split: each one costs confidence, so each one is written down.

The file lies beside the suite and is committed with it: one JSON line a look. Looking
again at the very same pair of candidates shows nothing new and is not a new look. A split
that kept half of an earlier one's cases goes on with its count, so that adding cases until a
claim holds is paid for; one with fewer starts anew.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from evals.codec import decode, encode
from evals.errors import RecordError
from evals.fingerprint import LATER, fingerprint
from evals.records import Case

FILE_NAME = "looks.jsonl"
KEPT_SHARE = 0.5
"""A split that has this share of a look's cases unchanged was partly seen by it."""

_RESTORE = "restore the file from git; the count must not be lost"


@dataclass(frozen=True)
class Look:
    """One look: which split (by content), at what (by content), why and when.

    `cases` are the fingerprints of the split's cases, with the first look at it only.
    """

    split: str
    subject: str
    purpose: str
    when: str
    cases: tuple[str, ...] = field(default=(), metadata=LATER)


def split_fingerprint(cases: Sequence[Case]) -> str:
    """Identity of a split: its cases, whatever their order."""
    return fingerprint("split@1", sorted(case.fingerprint for case in cases))


def read_looks(path: Path) -> list[Look]:
    """All looks in the file, oldest first; none when there is no file yet."""
    if not path.exists():
        return []
    looks: list[Look] = []
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise RecordError("not UTF-8 text", path=path, hint=_RESTORE) from error
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            looks.append(decode(line, Look))
        except RecordError as error:
            raise RecordError(
                f"not a look: {error.message}",
                path=path,
                line=number,
                hint=_RESTORE,
            ) from error
    return looks


def keeps_half(cases: Iterable[str], before: Iterable[str]) -> bool:
    """Whether at least half of the cases (by fingerprint) of `before` are among `cases`."""
    earlier = frozenset(before)
    return bool(earlier) and len(earlier.intersection(cases)) >= KEPT_SHARE * len(earlier)


def look_number(path: Path, cases: Sequence[Case], subject: str) -> int:
    """The number of this look, counted from 1, whether or not it was taken already.

    Looks at splits of which half of the cases are still there count, too.
    """
    split, prints = split_fingerprint(cases), {case.fingerprint for case in cases}
    looks = read_looks(path)
    seen = {split} | {look.split for look in looks if keeps_half(prints, look.cases)}
    distinct = list(dict.fromkeys((k.split, k.subject) for k in looks if k.split in seen))
    this = (split, subject)
    return distinct.index(this) + 1 if this in distinct else len(distinct) + 1


def take_look(path: Path, cases: Sequence[Case], subject: str, *, purpose: str, when: str) -> int:
    """Write the look at `cases` down before anything is seen, and return its number."""
    number = look_number(path, cases, subject)
    looks, split = read_looks(path), split_fingerprint(cases)
    if not any(look.split == split and look.subject == subject for look in looks):
        known = any(look.split == split and look.cases for look in looks)
        prints = () if known else tuple(sorted(case.fingerprint for case in cases))
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as handle:
            handle.write(encode(Look(split, subject, purpose, when, prints)) + "\n")
            handle.flush()
            os.fsync(handle.fileno())
    return number
