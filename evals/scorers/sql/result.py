"""`sql_result@1`: the answer is a query, judged by what it returns on the suite's own data."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from evals.errors import ScorerError
from evals.records import Case, Json, Output, Score
from evals.scorers.checked import CheckedWorker
from evals.scorers.options import Options
from evals.scorers.plain import case_error
from evals.scorers.protocol import Scorer
from evals.scorers.sql.database import Bounds, QueryError, ReadOnly, Result
from evals.scorers.sql.rows import difference, is_ordered, result_of_json
from evals.scorers.structured.fence import unfenced
from evals.scorers.worker import Worker

DEFAULT_SECONDS = 2.0
DEFAULT_STEPS = 20_000_000  # half a second on the machine this was written on
DEFAULT_ROWS = 10_000
DEFAULT_MEMORY_MB = 256.0
_PROCESS_MB = 768.0  # address space of the process beside what SQLite may use
_GRACE_SECONDS = 1.0  # in which a query that is late says so itself, and its data stay loaded


def sql_result(options: Options) -> Scorer:
    """`sql_result@1`: option `database`, a .sql script or .sqlite or .db file of the suite.

    `case.expected` is a query, or rows. `order` (true, false, "auto": as the expected query has
    ORDER BY), `columns` ("count" or "names"), `abs` and `rel` (tolerances, 0 and 1e-9),
    `code_fence` (true), and the limits `max_steps`, `seconds` (2), `max_rows` and `max_memory`
    (MB). A query over `max_steps` scores 0; one over `seconds` is an error of the case. Kinds:
    "sql_error", "not_read_only", "timeout", "too_many_rows", "wrong_columns", "wrong_rows".
    """
    path = options.file("database", options.text("database"), ".sql", ".sqlite", ".db")
    memory_mb = options.number("max_memory", default=DEFAULT_MEMORY_MB, above=0.0)
    seconds = options.number("seconds", default=DEFAULT_SECONDS, above=0.0)
    settings: dict[str, Json] = {
        "database": str(path),
        "order": _order(options),
        "names": options.one_of("columns", ("count", "names"), default="count") == "names",
        "abs": options.number("abs", default=0.0),
        "rel": options.number("rel", default=1e-9),
        "code_fence": options.flag("code_fence", default=True),
        "max_steps": max(1, int(options.number("max_steps", default=DEFAULT_STEPS, above=0.0))),
        "seconds": seconds,
        "max_rows": max(1, int(options.number("max_rows", default=DEFAULT_ROWS, above=0.0))),
        "memory_bytes": int(memory_mb * (1 << 20)),
    }
    target = {
        "module": "evals.scorers.sql.result",
        "factory": "make_judge",
        "options": settings,
    }
    worker = Worker(
        target,
        options.error,
        seconds=seconds + _GRACE_SECONDS,
        memory_mb=memory_mb + _PROCESS_MB,
        unloaded=lambda told: options.error(f"{path} cannot be loaded: {told}", key="database"),
    )
    return CheckedWorker(worker, _checker(names=settings["names"] is True))


def _order(options: Options) -> bool | None:
    """Whether order matters; None where each expected query says so itself."""
    value = options.spec.options["order"] if options.has("order") else "auto"
    if value == "auto":
        return None
    if not isinstance(value, bool):
        raise options.error(f'expected true, false or "auto", not {value!r:.80}', key="order")
    return value


def _checker(*, names: bool) -> Callable[[Case], None]:
    def check(case: Case) -> None:
        if isinstance(case.expected, str) and case.expected.strip():
            return
        stated = result_of_json(case.expected)
        if stated is None:
            raise _unusable(case)
        if names and stated.rows and not any(stated.columns):
            hint = 'write {"columns": [...], "rows": [...]}'
            raise case_error(case, "its rows have no column names to compare", hint=hint)

    return check


def _unusable(case: Case) -> ScorerError:
    return case_error(
        case,
        f"expected must be a query or rows of equal length, not {case.expected!r:.80}",
        hint='rows are [[1, "a"], ...] or {"columns": [...], "rows": [...]}',
    )


def make_judge(options: Mapping[str, Json]) -> Callable[[Case, Output], Score]:
    """The judging function, made inside the worker, which loads the data once."""
    database = ReadOnly(Path(options["database"]), options["memory_bytes"])
    bounds = Bounds(options["max_steps"], options["max_rows"])
    known: dict[str, Result] = {}

    def expected_of(query: str, deadline: float) -> Result:
        if query not in known:
            try:
                known[query] = database.query(query, bounds, deadline)
            except QueryError as error:
                raise ValueError(f"the expected query fails: {error}") from error
        return known[query]

    def judge(case: Case, output: Output) -> Score:
        deadline = time.monotonic() + options["seconds"]
        query = case.expected if isinstance(case.expected, str) else None
        wanted = result_of_json(case.expected) if query is None else expected_of(query, deadline)
        if wanted is None:
            raise _unusable(case)
        text = output.text or ""
        sql = unfenced(text, "sql", "sqlite") if options["code_fence"] else text
        try:
            got = database.query(sql, bounds, deadline)
        except QueryError as error:
            return Score(0.0, str(error), error.kind)
        auto = query is not None and is_ordered(query)
        fault = difference(
            wanted,
            got,
            ordered=auto if options["order"] is None else options["order"],
            names=options["names"],
            absolute=options["abs"],
            relative=options["rel"],
        )
        return Score(1.0) if fault is None else Score(0.0, fault[1], fault[0])

    return judge
