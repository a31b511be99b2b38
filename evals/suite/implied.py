"""The structure of JSON answers that nobody stated: as far as the right answers show it.

"The format is wrong" must not lead to training where a constraint is enough, whether or not a
suite states one. Here stands what `evals.suite.structure` cannot tell from the metrics alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from evals.records import Case, Decoding, Json
from evals.suite.answer_shape import (
    Counts,
    FieldPath,
    Held,
    right_answers,
    shared_keys,
    shared_schema,
)
from evals.suite.bounded import bounded
from evals.suite.section import Section
from evals.suite.spec import MetricSpec, Structure
from evals.suite.structure import NONE, binding, read_structure, schema_of

_NAMED = 5
_JSON_SCORERS = frozenset({"json_fields@1", "json_schema@1"})


def find_structure(
    top: Section,
    root: Path,
    primary: MetricSpec,
    form: MetricSpec | None,
    *,
    decoding: Decoding,
    cases: Sequence[Case],
) -> Structure | None:
    """What the suite states, else what is implied; None where it states that there is none.

    Raises SuiteError with file, line and key.
    """
    found = read_structure(top, root, primary, decoding)
    if found is not None or top.values.get("structure") == NONE:
        return found
    return _implied(top, root, primary, form, cases)


def _implied(
    top: Section,
    root: Path,
    primary: MetricSpec,
    form: MetricSpec | None,
    cases: Sequence[Case],
) -> Structure | None:
    """What the answers to train and dev cases share, where the primary or `form` wants JSON.

    The schema of a `form` metric is taken as it is where it allows every one of them, without
    the keywords that may take without end to check.
    """
    compared = [options for _, scorer, options in binding(primary) if scorer == "json_fields@1"]
    wanted = list(binding(form)) if form else []
    if not compared and not any(scorer in _JSON_SCORERS for _, scorer, _ in wanted):
        return None
    answers = right_answers(cases, expected=bool(compared))
    if not answers:
        return None
    for at, scorer, options in wanted:
        if scorer == "json_schema@1" and options.get("schema"):
            schema = _allowing(bounded(schema_of(top, root, at, options)), answers)
            if schema is not None:
                return Structure(schema=schema, source=f"the schema of {at[1]}")
    schema = shared_schema(answers, _counts(compared))
    return None if schema is None else Structure(schema=schema, source=_source(schema))


def _source(schema: Mapping[str, Json]) -> str:
    keys = shared_keys(schema)
    if not keys:
        types = schema["type"]
        return f"a JSON {types if isinstance(types, str) else ' or '.join(types)}"
    more = f" and {len(keys) - _NAMED} more" if len(keys) > _NAMED else ""
    return f"the keys of all right answers ({', '.join(keys[:_NAMED])}{more})"


def _allowing(schema: Json, answers: Sequence[Held]) -> Json:
    """The schema where it allows every answer; else None."""
    from jsonschema.validators import validator_for
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    if not isinstance(schema, Mapping):
        return None
    check: Any = validator_for(schema)(schema, registry=Registry())
    try:
        return schema if all(check.is_valid(each.value) for each in answers) else None
    except (Unresolvable, RecursionError):  # it refers to elsewhere, or in circles
        return None


def _counts(compared: Sequence[Mapping[str, Json]]) -> Counts:
    """Which paths `json_fields@1` scores: all, but where every one of them names its fields."""
    from evals.scorers.structured.field_paths import read

    named = [options.get("fields") for options in compared]
    if not named or not all(isinstance(each, list | tuple) and each for each in named):
        return lambda _: True
    try:
        patterns = [read(str(text)) for text in chain.from_iterable(filter(None, named))]
    except ValueError:  # the scorer refuses it in its own words when it is built
        return lambda _: True
    return lambda path: any(_meets(pattern, path) for pattern in patterns)


def _meets(pattern: FieldPath, path: FieldPath) -> bool:
    """Whether something at or below `path` can be what the pattern names.

    -1 is every index in both; an index that is named may be one of those.
    """
    return all(
        one == two or (isinstance(one, int) and isinstance(two, int))
        for one, two in zip(pattern, path, strict=False)
    )
