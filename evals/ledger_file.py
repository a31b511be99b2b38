"""The ledger's file: opened to be written, or only read where nothing can be written."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evals.errors import InfrastructureError, NothingRunError, RecordError, UsageError

FORMAT = 1
FILE_NAME = "ledger.sqlite3"

_SCHEMA = """
create table if not exists meta (key text primary key, value text not null);
create table if not exists cases (fingerprint text primary key, body text not null);
create table if not exists batches (
    key text primary key, seconds real not null, outputs integer not null);
create table if not exists outputs (
    batch text not null, position integer not null, body text not null,
    primary key (batch, position)) without rowid;
create table if not exists runs (
    id text primary key, suite text not null, split text not null, candidate text not null,
    created text not null, body text not null);
create table if not exists results (
    run text not null, position integer not null, case_id text not null, body text not null,
    primary key (run, position)) without rowid;
create table if not exists documents (
    kind text not null, key text not null, created text not null, body text not null,
    primary key (kind, key)) without rowid
"""

_SHUT = ("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")


def check_folder(folder: Path) -> None:
    """Raise UsageError where a file stands at a ledger folder's path, or on the way to it."""
    for path in (folder, *folder.parents):
        if path.is_dir():
            return
        if path.exists() or path.is_symlink():
            raise UsageError(
                "expected a folder of stored runs, found a file",
                path=path,
                hint=f"name the folder it is in: {path.parent}"
                if path.name == FILE_NAME
                else "name a folder with --ledger, or move the file away",
            )


def open_to_write(path: Path) -> sqlite3.Connection:
    """Open the ledger at `path`, made with its folder where there is none.

    Raises UsageError where the folder is a file, RecordError for a file that is damaged,
    shut, of another format or of another program, InfrastructureError for a full disk.
    """
    folder = path.parent
    check_folder(folder)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
    if not path.exists():
        path.touch(mode=0o600)
    with _told(path):
        db = _connect(path)
        with _closed_on_error(db):
            is_ledger = _is_ledger(db, path)
            db.execute("pragma journal_mode = wal")
            db.execute("pragma synchronous = normal")
            if not is_ledger:
                _make(db)
    return db


def open_to_read(path: Path) -> sqlite3.Connection:
    """Open the ledger at `path`, which need not be writable, nor need its folder.

    SQLite reads a file in WAL mode only where it may write beside it, or where the WAL is
    there. Where neither holds nobody is writing, and the file is read as it stands.
    Raises NothingRunError for a file that is still empty, else as `open_to_write`.
    """
    check_folder(path.parent)
    with _told(path):
        try:
            return _read_as(path, "mode=rw")
        except sqlite3.OperationalError as error:
            if not _is_shut(error) or _has_unmerged(path):
                raise
        return _read_as(path, "immutable=1")


def _read_as(path: Path, how: str) -> sqlite3.Connection:
    db = _connect(path, how)
    with _closed_on_error(db):
        if not _is_ledger(db, path):
            raise NothingRunError("nothing is stored in this ledger yet", path=path)
        db.execute("pragma query_only = on")
    return db


def _connect(path: Path, how: str = "mode=rw") -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?{how}"
    return sqlite3.connect(uri, uri=True, isolation_level=None, timeout=30)


def _has_unmerged(path: Path) -> bool:
    """Whether there are changes beside the file that are not in it yet."""
    try:
        return path.with_name(path.name + "-wal").stat().st_size > 0
    except OSError:  # not there, or in a folder that may not be looked into
        return False


def _make(db: sqlite3.Connection) -> None:
    """Make the tables in one transaction, so that a kill leaves all of them or none."""
    db.execute("begin immediate")
    for statement in _SCHEMA.split(";"):
        db.execute(statement)
    db.execute("insert or ignore into meta values ('format', ?)", (str(FORMAT),))
    db.execute("commit")


def _is_ledger(db: sqlite3.Connection, path: Path) -> bool:
    """Whether the file holds a ledger, or nothing yet. Raises RecordError for anything else."""
    tables = {name for (name,) in db.execute("select name from sqlite_master")}
    if tables and "meta" not in tables:
        raise RecordError(
            "this database is no ledger of tunegate",
            path=path,
            hint="move the file away to start a new one",
        )
    row = db.execute("select value from meta where key = 'format'").fetchone() if tables else None
    if row is not None and row[0] != str(FORMAT):
        raise RecordError(
            f"the ledger has format {row[0]}, this version reads format {FORMAT}",
            path=path,
            hint="use the tunegate version that wrote it, or move the file away",
        )
    return row is not None


@contextmanager
def _closed_on_error(db: sqlite3.Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:
        db.close()
        raise


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn errors of the database into deliberate ones about `path`."""
    try:
        yield
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:  # the latter: of a damaged name
        raise _deliberate(error, path) from error


def _is_shut(error: sqlite3.DatabaseError | UnicodeDecodeError) -> bool:
    return getattr(error, "sqlite_errorname", "").startswith(_SHUT)


def _deliberate(
    error: sqlite3.DatabaseError | UnicodeDecodeError, path: Path
) -> RecordError | InfrastructureError:
    name = getattr(error, "sqlite_errorname", "")
    message = f"the ledger cannot be opened: {error}"
    if name.startswith(("SQLITE_FULL", "SQLITE_IOERR")):
        return InfrastructureError(message, path=path, hint="free some room, then try again")
    hint = "restore a copy, or move the file away to start a new one"
    if _is_shut(error) and _has_unmerged(path):
        hint = "its last changes stand beside it, in the -wal file: copy both to a folder of yours"
    elif _is_shut(error):
        hint = "see that the file and its folder may be read and written, or name another folder"
    elif name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        hint = "wait for who uses it, or name another folder with --ledger"
    return RecordError(message, path=path, hint=hint)
