"""`sql_equal@1`: the answer is the expected SQL, written in whatever way."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping

from evals.errors import MissingExtraError
from evals.records import Case, Json, Output, Score
from evals.scorers.checked import CheckedWorker
from evals.scorers.options import Options, suggestion
from evals.scorers.plain import expected_texts, shown
from evals.scorers.protocol import Scorer
from evals.scorers.sql.form import Dialect, NotSqlError, canonical_sql
from evals.scorers.structured.fence import unfenced
from evals.scorers.worker import DEFAULT_SECONDS, Worker


def sql_equal(options: Options) -> Scorer:
    """`sql_equal@1`: equal to `expected` (SQL, or a list of it) after parsing and normalising.

    Options: `dialect` (sqlglot's name of one), `schema` ({table: {column: type}}),
    `output_names` (false: names given to result columns do not matter), `code_fence` (true),
    `seconds` (5): parsing that takes longer is an error of the case. Kinds: "not_sql",
    "different".
    """
    _require_extra()
    settings: dict[str, Json] = {
        "dialect": _dialect(options),
        "schema": _schema(options),
        "output_names": options.flag("output_names", default=False),
        "code_fence": options.flag("code_fence", default=True),
    }
    target = {"module": "evals.scorers.sql.equal", "factory": "make_judge", "options": settings}
    seconds = options.number("seconds", default=DEFAULT_SECONDS, above=0.0)
    return CheckedWorker(Worker(target, options.error, seconds=seconds), expected_texts)


def make_judge(options: Mapping[str, Json]) -> Callable[[Case, Output], Score]:
    """The judging function, made inside the worker."""
    dialect = Dialect(options["dialect"], options["schema"], options["output_names"])

    def judge(case: Case, output: Output) -> Score:
        try:
            wanted = [canonical_sql(text, dialect) for text in expected_texts(case)]
        except NotSqlError as error:
            raise ValueError(f"the expected SQL: {error}") from error
        text = output.text or ""
        try:
            got = canonical_sql(
                unfenced(text, "sql", dialect.name) if options["code_fence"] else text, dialect
            )
        except NotSqlError as error:
            return Score(0.0, str(error), "not_sql")
        if got in wanted:
            return Score(1.0)
        return Score(0.0, f"expected {shown(wanted[0], 300)}, got {shown(got, 300)}", "different")

    return judge


def _require_extra() -> None:
    if importlib.util.find_spec("sqlglot") is None:
        raise MissingExtraError("sql_equal@1 needs sqlglot: pip install 'tunegate[sql]'")


def _dialect(options: Options) -> str:
    if not options.has("dialect"):
        return ""
    from sqlglot.dialects.dialect import Dialects

    known = sorted(dialect.value for dialect in Dialects if dialect.value)
    name = options.text("dialect")
    if name not in known:
        said = f"unknown dialect {name!r:.80}; there is: {', '.join(known)}"
        raise options.error(said, key="dialect", hint=suggestion(name, known))
    return name


def _schema(options: Options) -> Mapping[str, Json]:
    if not options.has("schema"):
        return {}
    expected = "a mapping from tables to {column: type}"
    schema = options.mapping("schema", expected)
    for table, columns in schema.items():
        typed = isinstance(columns, Mapping) and columns
        if not typed or not all(isinstance(word, str) for pair in columns.items() for word in pair):
            raise options.error(f"expected {expected}", key=f"schema.{table}")
    return schema
