"""Looks at a sealed split: each one costs confidence, so each one is written down.

The file lies beside the suite and is committed with it: one JSON line a look. Looking
again at the very same pair of candidates shows nothing new and is not a new look. A split
that shares half of its cases, or of theirs, with earlier looks goes on with their count, so
that adding and dropping cases until a claim holds is paid for; only a new one starts anew.

A case is what the model sees and what is right, whatever it is called, and whatever tags,
cluster and place it has: a new name is no new evidence.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil, log2
from pathlib import Path

from evals.codec import decode, encode
from evals.errors import InfrastructureError, RecordError
from evals.fingerprint import LATER, fingerprint
from evals.records import Case

FILE_NAME = "looks.jsonl"
FORM = 2
"""Looks of this form tell cases by content. Of others only the very same split is known."""
SAME_ONE_IN = 100
"""A split that differs from an earlier one in one of so many cases at most counts as that one,
so that a wrong label can be mended. It is not free to choose among such splits: with one in
twenty, five tries raised false plateaus from 0.05 to 0.09 (docs/decisions.md)."""
_FEWEST_TO_MEND = 20
"""From here on one case may always be mended; it is at most one in twenty then."""

Contents = tuple[str, ...]
"""The cases of a split by content, sorted; a case that is there twice is there twice."""

_RESTORE = "restore the file from git; the count must not be lost"
_ROOM = "free some room, then try again"


@dataclass(frozen=True)
class Look:
    """One look: which split (by content), at what (by content), why and when.

    `cases` are the split's contents, with the first look at it only. `form` says how both
    were made; 1, of development versions, told cases by id, cluster and tags, too. `among` names
    what was seen side by side, where one look was at several.
    """

    split: str
    subject: str
    purpose: str
    when: str
    cases: Contents = field(default=(), metadata=LATER)
    form: int = field(default=1, metadata=LATER)
    among: tuple[str, ...] = field(default=(), metadata=LATER)


def split_fingerprint(cases: Sequence[Case]) -> str:
    """Identity of a split: its cases with their ids, clusters and tags, whatever their order."""
    return fingerprint("split@1", sorted(case.fingerprint for case in cases))


def contents_of(cases: Sequence[Case]) -> Contents:
    """Identities of cases by what the model sees and what is right."""
    return tuple(
        sorted(
            fingerprint(
                "look@2",
                case.input,
                case.expected,
                case.answer,
                case.choices,
                case.documents,
                case.turns,
                case.tools,
            )
            for case in cases
        )
    )


def contents_fingerprint(contents: Contents) -> str:
    """Identity of a split by its cases' contents."""
    return fingerprint("split@2", contents)


def nearest(now: Contents, earlier: Sequence[Contents | None]) -> int | None:
    """Which of the earlier sets of cases this one counts as: the most alike, else None.

    Cases that were added, removed or mended may be one in `SAME_ONE_IN` of the larger set, or one.
    """
    found = []
    for place, before in enumerate(earlier):
        if before is not None:
            larger = max(len(now), len(before))
            differ = larger - _common(now, before)
            if differ <= max(larger // SAME_ONE_IN, larger >= _FEWEST_TO_MEND):
                found.append((differ, place))
    return min(found)[1] if found else None


def is_related(now: Contents, before: Contents | None) -> bool:
    """Whether one has at least half of the other's cases. What cannot be compared is related."""
    if not before or not now:
        return True
    return 2 * _common(now, before) >= min(len(now), len(before))


def look_related(now: Contents, before: Contents | None, same: Contents | None) -> bool:
    """Whether an earlier look counts for this one, or for the look that it is the same as."""
    return is_related(now, before) or (same is not None and is_related(same, before))


def _common(now: Contents, before: Contents) -> int:
    return (Counter(now) & Counter(before)).total()


def read_looks(path: Path) -> list[Look]:
    """All looks in the file, oldest first; none when there is no file yet."""
    if not path.exists():
        return []
    looks: list[Look] = []
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise RecordError("not UTF-8 text", path=path, hint=_RESTORE) from error
    except IsADirectoryError as error:
        raise RecordError("expected a file, found a folder", path=path, hint=_RESTORE) from error
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


def look_number(path: Path, cases: Sequence[Case], subject: str) -> int:
    """The number of this look, counted from 1, whether or not it was taken already.

    Looks at other splits count where half of either's cases are in both.
    """
    return _counted(read_looks(path), cases, subject)[0]


def was_taken(path: Path, cases: Sequence[Case], subject: str) -> bool:
    """Whether this look was taken before, on these cases or nearly these."""
    return _counted(read_looks(path), cases, subject)[1]


def _counted(
    looks: Sequence[Look], cases: Sequence[Case], subject: str, names: Sequence[str] = ()
) -> tuple[int, bool]:
    """The number of a look, and whether it was taken already, on these cases or nearly these.

    `names`, beside `subject`: as what it may have been among those seen side by side.
    """
    now = contents_of(cases)
    known = {look.split: look.cases for look in looks if look.form == FORM and look.cases}
    known |= dict.fromkeys((contents_fingerprint(now), split_fingerprint(cases)), now)
    # Of the older form only a split that is the very same is known by now.
    distinct = list({(k.form, k.split, k.subject): k for k in looks}.values())
    seen = [known.get(look.split) for look in distinct]
    of_subject = [n for n, look in enumerate(distinct) if look.subject == subject]
    place = nearest(now, [seen[n] for n in of_subject])
    same = None if place is None else of_subject[place]
    before = distinct if same is None else distinct[:same]
    taken = None if same is None else seen[same]
    counting = [
        look for look, one in zip(before, seen, strict=False) if look_related(now, one, taken)
    ]
    picked = max((_picked(look, (subject, *names)) for look in counting), default=0)
    return 1 + len(counting) + picked, same is not None


def _picked(earlier: Look, now: Sequence[str]) -> int:
    """By how many looks more it counts that some of what was seen side by side are looked at.

    Of k that were seen, those may be picked that did well. At alpha / k each, whichever is picked,
    they claim together no more than one look that knew nothing: log2(k) halvings. All of them
    again, with others, is no picking.
    """
    known = set(earlier.among)
    if known.isdisjoint(now) or known.issubset(now):
        return 0
    return ceil(log2(len(known)))


def take_look(
    path: Path,
    cases: Sequence[Case],
    subject: str,
    *,
    purpose: str,
    when: str,
    among: Sequence[str] = (),
    known_as: Sequence[str] = (),
) -> int:
    """Write the look at `cases` down before anything is seen, and return its number.

    `among` names what is seen side by side, where it is several; `known_as` are further names
    under which an earlier look may have seen some of that, which are not written down.
    """
    looks, contents = read_looks(path), contents_of(cases)
    number, taken = _counted(looks, cases, subject, (*among, *known_as))
    if not taken:
        split = contents_fingerprint(contents)
        known = any(look.split == split and look.cases for look in looks)
        shown = () if known else contents
        look = Look(split, subject, purpose, when, shown, FORM, tuple(sorted(among)))
        path.parent.mkdir(parents=True, exist_ok=True)
        _append(path, encode(look) + "\n")
    return number


def _append(path: Path, line: str) -> None:
    """Add a line, whole or not at all, also where the last one has no end."""
    with path.open("a+b", buffering=0) as handle:
        size = handle.seek(0, os.SEEK_END)
        handle.seek(max(0, size - 1))
        lacks_end = handle.read(1) not in {b"", b"\n"}
        body = (b"\n" if lacks_end else b"") + line.encode("ascii")
        try:
            written = handle.write(body)
            os.fsync(handle.fileno())
        except BaseException:
            handle.truncate(size)
            raise
        if written != len(body):
            handle.truncate(size)
            raise InfrastructureError("a look could not be written", path=path, hint=_ROOM)
