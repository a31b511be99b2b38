"""A suite's SQLite data in memory, and queries on it that can read and nothing else.

Runs inside a scorer's worker process. The suite's file is opened immutable and copied, or its
script is run once; after that only reading is authorised. A query is bounded by the work it
does (steps of SQLite's virtual machine: the same on every machine), by time, by memory, and by
the size of what it returns.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from evals.scorers.plain import printable

Value = int | float | str | bytes | None

MAX_FILE_BYTES = 256 << 20
MAX_VALUE_BYTES = 1_000_000  # of one text or blob
MAX_RESULT_BYTES = 32 << 20  # of all rows together
STEPS_AT_ONCE = 10_000  # between two looks at the clock: well under a millisecond

# Each keeps one call into SQLite small, because the clock is not looked at within one.
_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: MAX_VALUE_BYTES,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 100_000,
    sqlite3.SQLITE_LIMIT_COLUMN: 500,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 200,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 100,
    sqlite3.SQLITE_LIMIT_VDBE_OP: 250_000,
    sqlite3.SQLITE_LIMIT_FUNCTION_ARG: 100,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 200,
    sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER: 0,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 10,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}

_READING = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE}

# Neither chance (random), nor the file system, nor memory for the asking (zeroblob).
_FUNCTIONS = frozenset(
    """
    abs avg ceil ceiling char coalesce concat concat_ws count cume_dist current_date current_time
    current_timestamp date datetime dense_rank exp first_value floor format glob group_concat hex
    ifnull iif instr json json_array json_array_length json_each json_extract json_group_array
    json_group_object json_object json_quote json_tree json_type json_valid julianday lag
    last_value lead length like likelihood likely ln log log10 log2 lower ltrim max min mod
    nth_value ntile nullif octet_length percent_rank pi pow power printf quote radians degrees rank
    replace round row_number rtrim sign sqrt strftime string_agg substr substring sum time timediff
    total trim trunc typeof unicode unixepoch unlikely upper acos acosh asin asinh atan atan2 atanh
    cos cosh sin sinh tan tanh -> ->>
    """.split()  # noqa: SIM905 - as a list of literals it takes a hundred lines and says the same
)

_SCRIPT_PRAGMAS = {"foreign_keys", "user_version", "application_id", "encoding"}
_REFUSED_IN_SCRIPTS = {sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH}


class QueryError(Exception):
    """Why a query has no result that could be compared; `kind` groups the reasons."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Result(NamedTuple):
    """What a query gave: names of columns, and rows."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]


@dataclass(frozen=True)
class Bounds:
    """How much one query may do: steps of SQLite's machine, and rows."""

    max_steps: int
    max_rows: int


@dataclass
class _Watch:
    """What one query was refused for, and how far it is."""

    deadline: float
    denied: tuple[str, str] | None = None
    steps: int = 0
    late: bool = False


class ReadOnly:
    """The data, for queries that read. `memory_bytes` bounds SQLite's own memory."""

    def __init__(self, path: Path, memory_bytes: int) -> None:
        self._connection = open_in_memory(path)
        self._watch = _Watch(deadline=0.0)
        execute = self._connection.execute
        execute("PRAGMA query_only = ON")
        execute("PRAGMA trusted_schema = OFF")
        execute("PRAGMA temp_store = MEMORY")
        execute(f"PRAGMA hard_heap_limit = {memory_bytes}")
        for table in ("json_each", "json_tree"):  # declared on first use, which is no reading
            with suppress(sqlite3.OperationalError):  # an SQLite without JSON
                execute(f"SELECT 1 FROM {table}('[]')").fetchall()  # noqa: S608 - our own names
        for limit, value in _LIMITS.items():
            self._connection.setlimit(limit, value)
        self._connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
        self._connection.set_authorizer(self._authorise)

    def query(self, sql: str, bounds: Bounds, deadline: float) -> Result:
        """The result of one reading statement; `deadline` is a value of `time.monotonic`.

        Raises QueryError (kinds "sql_error", "not_read_only", "timeout", "too_many_rows"), and
        TimeoutError where the deadline came before the steps were used up: then nothing is
        known of the query.
        """
        self._watch = watch = _Watch(deadline)
        self._connection.set_progress_handler(_stopper(watch, bounds), STEPS_AT_ONCE)
        try:
            return self._run(sql, bounds)
        except MemoryError:
            raise QueryError("sql_error", "the query needs more memory than it may have") from None
        except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
            raise self._told(error, watch, bounds) from error

    def _run(self, sql: str, bounds: Bounds) -> Result:
        cursor = self._connection.execute(sql.rstrip("; \t\r\n"))
        try:
            if cursor.description is None:
                raise QueryError("sql_error", "there is no query")
            rows: list[tuple[Value, ...]] = []
            size = 0
            for row in cursor:
                size += sum(len(cell) for cell in row if isinstance(cell, str | bytes))
                if len(rows) == bounds.max_rows or size > MAX_RESULT_BYTES:
                    most = f"{bounds.max_rows} rows or {MAX_RESULT_BYTES >> 20} MB"
                    raise QueryError("too_many_rows", f"the query returns more than {most}")
                rows.append(row)
            return Result(tuple(column[0] for column in cursor.description), tuple(rows))
        finally:
            cursor.close()

    def _told(self, error: Exception, watch: _Watch, bounds: Bounds) -> Exception:
        if watch.late:
            return TimeoutError("the query did not end within its seconds")
        if watch.steps >= bounds.max_steps:
            return QueryError("timeout", f"the query did not end within {bounds.max_steps} steps")
        if watch.denied is not None:
            return QueryError(*watch.denied)
        return QueryError("sql_error", printable(str(error)))

    def _authorise(self, action: int, _: str | None, second: str | None, *__: str | None) -> int:
        if action in _READING:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_FUNCTION:
            if (second or "").lower() in _FUNCTIONS:
                return sqlite3.SQLITE_OK
            denied = "sql_error", f"the function {printable(second or '')} may not be used"
        else:
            denied = "not_read_only", "the statement does more than read"
        self._watch.denied = self._watch.denied or denied
        return sqlite3.SQLITE_DENY


def _stopper(watch: _Watch, bounds: Bounds) -> Callable[[], int]:
    def stop() -> int:
        watch.steps += STEPS_AT_ONCE
        if watch.steps >= bounds.max_steps:
            return 1
        watch.late = time.monotonic() > watch.deadline
        return int(watch.late)

    return stop


def open_in_memory(path: Path) -> sqlite3.Connection:
    """The data of a `.sql` script or of a database file, in memory.

    Raises ValueError with the reason: a script that fails, attaches files or fills the memory,
    a file that is no whole database or has changes in a journal beside it.
    """
    if path.stat().st_size > MAX_FILE_BYTES:
        raise ValueError(f"{path.name} is larger than {MAX_FILE_BYTES >> 20} MB")
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        if path.suffix == ".sql":
            _run_script(connection, path)
        else:
            _copy(path, connection)
    except (sqlite3.Error, sqlite3.Warning, UnicodeDecodeError) as error:
        raise ValueError(f"{path.name}: {error}") from error
    except MemoryError:
        connection.close()  # makes room for the message
        raise ValueError(f"{path.name} needs more memory than it may have") from None
    return connection


def _run_script(connection: sqlite3.Connection, path: Path) -> None:
    def authorise(action: int, first: str | None, second: str | None, *_: str | None) -> int:
        pragma = action == sqlite3.SQLITE_PRAGMA and (first or "").lower() not in _SCRIPT_PRAGMAS
        loads = action == sqlite3.SQLITE_FUNCTION and (second or "").lower() == "load_extension"
        refused = action in _REFUSED_IN_SCRIPTS or pragma or loads
        return sqlite3.SQLITE_DENY if refused else sqlite3.SQLITE_OK

    connection.set_authorizer(authorise)
    connection.executescript(path.read_text("utf-8"))
    connection.set_authorizer(None)
    if connection.in_transaction:
        connection.execute("COMMIT")


def _copy(path: Path, connection: sqlite3.Connection) -> None:
    for journal in ("-wal", "-journal"):
        beside = path.with_name(path.name + journal)
        with suppress(FileNotFoundError):
            if beside.stat().st_size:
                raise ValueError(f"{path.name} has changes in {beside.name}: close the database")
    # Immutable: no lock and no journal is made beside the suite's file.
    source = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
    try:
        source.backup(connection)
    finally:
        source.close()
    (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if said != "ok":
        raise ValueError(f"{path.name} is damaged: {said:.200}")
