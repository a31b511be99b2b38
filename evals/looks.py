"""Looks at a sealed split: each one costs confidence, so each one is written down.

The file lies beside the suite and is committed with it: one JSON line a look. Looking
again at the very same pair of candidates shows nothing new and is not a new look; and
a changed split starts a new count, because its cases were not all seen before.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evals.codec import decode, encode
from evals.errors import RecordError
from evals.fingerprint import fingerprint
from evals.records import Case

FILE_NAME = "looks.jsonl"
_RESTORE = "restore the file from git; the count must not be lost"


@dataclass(frozen=True)
class Look:
    """One look: which split (by content), at what (by content), why and when."""

    split: str
    subject: str
    purpose: str
    when: str


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


def look_number(path: Path, split: str, subject: str) -> int:
    """The number of this look, counted from 1, whether or not it was taken already."""
    seen = [look.subject for look in read_looks(path) if look.split == split]
    distinct = list(dict.fromkeys(seen))
    return distinct.index(subject) + 1 if subject in distinct else len(distinct) + 1


def take_look(path: Path, split: str, subject: str, *, purpose: str, when: str) -> int:
    """Write the look down before anything is seen, and return its number."""
    number = look_number(path, split, subject)
    looks = read_looks(path)
    if not any(look.split == split and look.subject == subject for look in looks):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as handle:
            handle.write(encode(Look(split, subject, purpose, when)) + "\n")
            handle.flush()
            os.fsync(handle.fileno())
    return number
