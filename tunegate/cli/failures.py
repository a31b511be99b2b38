"""Failures of the file system and of the ledger's database, said as deliberate errors."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

from evals.errors import InfrastructureError, RecordError, TunegateError, UsageError
from evals.ledger import FILE_NAME

_EXHAUSTED = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM}


def as_deliberate(
    error: OSError | sqlite3.DatabaseError, ledger: Path | None, *, resumes: bool = False
) -> TunegateError:
    """The error a person should read.

    `ledger` is the folder of the ledger in use; `resumes` says whether the command, given again,
    goes on where it was. A full disk is a failure of the
    infrastructure; a path that cannot be read or written is one of usage.
    """
    again = "the same command goes on where it was" if resumes else "then repeat the command"
    room = f"free some room; {again}"
    if isinstance(error, OSError):
        return _of_files(error, room)
    return _of_ledger(error, ledger, room)


def _of_files(error: OSError, room: str) -> TunegateError:
    said = error.strerror or str(error) or type(error).__name__
    path = error.filename2 or error.filename  # of a rename, the target: it is what was asked for
    where = str(path) if path else None
    if error.errno in _EXHAUSTED:
        return InfrastructureError(said, path=where, hint=room)
    return UsageError(said, path=where, hint="name a place that can be read and written")


def _of_ledger(error: sqlite3.DatabaseError, ledger: Path | None, room: str) -> TunegateError:
    path = (ledger or Path()) / FILE_NAME
    said = str(error)
    if "full" in said or "disk I/O" in said:
        return InfrastructureError(
            f"the ledger cannot be written: {said}",
            path=path,
            hint=room,
        )
    if "readonly" in said or "locked" in said:
        return RecordError(
            f"the ledger cannot be written: {said}",
            path=path,
            hint="make its folder writable, wait for who uses it, or name another with --ledger",
        )
    return RecordError(
        f"the ledger is damaged: {said}",
        path=path,
        hint="restore a copy, or move the file away to start a new one",
    )
