"""`json_schema@1`: the answer is one JSON document that satisfies a schema.

Validation runs in a worker process: patterns in a schema may backtrack without end, and
answers are written by a model.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from evals.records import Case, Json, Output, Score
from evals.scorers.options import Options
from evals.scorers.protocol import Scorer
from evals.scorers.worker import DEFAULT_SECONDS, Worker

MAX_CHARACTERS = 1_000_000  # of an answer
MAX_DEPTH = 100  # of nested arrays and objects, in an answer or a schema

_FENCE = re.compile(r"\s*```[ \t]*(?:json)?[ \t]*\n(.*)\n[ \t]*```\s*", re.DOTALL | re.IGNORECASE)


def json_schema(options: Options) -> Scorer:
    """`json_schema@1`: options `schema` (inline, or a .json file of the suite), `code_fence`.

    With `code_fence` (default true) the document may stand in one Markdown code fence.
    `seconds` (default 5) bounds one validation. Only references inside the schema are
    followed. Kinds: "not_json", "schema".
    """
    schema = _schema(options)
    fence = options.flag("code_fence", default=True)
    target = {
        "module": "evals.scorers.structured.json_schema",
        "factory": "make_judge",
        "options": {"schema": schema, "code_fence": fence},
    }
    seconds = options.number("seconds", default=DEFAULT_SECONDS, above=0.0)
    return Worker(target, options.error, seconds=seconds)


def make_judge(options: Mapping[str, Json]) -> Callable[[Case, Output], Score]:
    """The judging function, made inside the worker; pays for compiling the schema once."""
    from jsonschema.validators import validator_for
    from referencing import Registry

    schema = options["schema"]
    # An empty registry: nothing is fetched for a reference to elsewhere.
    validator = validator_for(schema)(schema, registry=Registry())

    def judge(case: Case, output: Output) -> Score:
        del case
        try:
            document = parse(output.text or "", code_fence=options["code_fence"])
        except ValueError as error:
            return Score(0.0, str(error), "not_json")
        for fault in validator.iter_errors(document):
            return Score(0.0, f"{fault.json_path}: {fault.message[:300]}", "schema")
        return Score(1.0)

    return judge


def parse(text: str, *, code_fence: bool, unique_keys: bool = False) -> Json:
    """The one JSON document in `text`. Raises ValueError with the reason, also for NaN.

    With `unique_keys`, an object with a key that stands twice is refused; else the last counts.
    """
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"the answer has more than {MAX_CHARACTERS} characters")
    if code_fence and (fenced := _FENCE.fullmatch(text)):
        text = fenced[1]
    if depth(text) > MAX_DEPTH:
        raise ValueError(f"the answer is nested deeper than {MAX_DEPTH}")
    try:
        pairs = _without_repetition if unique_keys else None
        return json.loads(text, parse_constant=_refuse, object_pairs_hook=pairs)
    except json.JSONDecodeError as error:
        raise ValueError(f"not one JSON document: {error}") from error


def _without_repetition(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key[:80]!a} stands twice in one object")
        found[key] = value
    return found


def depth(text: str) -> int:
    """How deep brackets nest outside of strings, valid JSON or not; stops above MAX_DEPTH."""
    deepest = level = 0
    for mark in re.finditer(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', text, re.DOTALL):
        if mark[0] in "[{":
            level += 1
            deepest = max(deepest, level)
            if deepest > MAX_DEPTH:
                break
        elif mark[0] in "]}":
            level -= 1
    return deepest


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _schema(options: Options) -> Any:
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import validator_for

    schema = options.required("schema", "a schema, or the name of a .json file that holds one")
    if isinstance(schema, str):
        path = options.file("schema", schema, ".json")
        try:
            schema = parse(path.read_text("utf-8"), code_fence=False)
        except ValueError as error:
            raise options.error(f"{schema}: {error}", key="schema") from error
    if not isinstance(schema, Mapping | bool):
        raise options.error(f"expected a schema, not {schema!r:.80}", key="schema")
    try:
        # A round trip: what YAML gave as a date or a number key is no JSON schema.
        schema = json.loads(json.dumps(schema, allow_nan=False))
        validator_for(schema).check_schema(schema)
    except (SchemaError, TypeError, ValueError, RecursionError) as error:
        message = error.message if isinstance(error, SchemaError) else str(error)
        raise options.error(f"not a valid JSON schema: {message}", key="schema") from error
    return schema
