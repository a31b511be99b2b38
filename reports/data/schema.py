"""The schema of the data, derived from the records that define it.

    python -m reports.data.schema

writes it to `report.schema.json`, which is shipped; a test holds the two to each other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from reports.data.comparison import ComparisonReport
from reports.data.document import Report
from reports.data.rendering import SCHEMA

_SIMPLE = {str: "string", bool: "boolean", int: "integer", float: "number", NoneType: "null"}

Schema = dict[str, Any]


def derive_schema() -> Schema:
    """The schema as the records have it: every property required, and described."""
    definitions: dict[str, Schema] = {}
    roots = [_reference(kind, definitions) for kind in (Report, ComparisonReport)]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A tunegate report",
        "description": "What `tunegate report --format json` writes: a job, or two runs compared. "
        "Within a version of `format` properties are added, never taken away or given another "
        "meaning: ignore those that you do not know.",
        "oneOf": roots,
        "$defs": dict(sorted(definitions.items())),
    }


def _reference(kind: type, definitions: dict[str, Schema]) -> Schema:
    """A reference to a record, which is defined where it was not."""
    name = kind.__name__
    if name not in definitions:
        definitions[name] = {}  # stands for it while its own fields are looked at
        hints = get_type_hints(kind, include_extras=True)
        names = [field.name for field in fields(kind)]
        definitions[name] = {
            "type": "object",
            "description": kind.__doc__,
            "properties": {each: _property(hints[each], definitions) for each in names},
            "required": names,
        }
    return {"$ref": f"#/$defs/{name}"}


def _property(hint: Any, definitions: dict[str, Schema]) -> Schema:
    kind, *said = get_args(hint) if get_origin(hint) is Annotated else (hint,)
    return {**({"description": said[0]} if said else {}), **_schema(kind, definitions)}


def _schema(kind: Any, definitions: dict[str, Schema]) -> Schema:
    origin, inner = get_origin(kind), get_args(kind)
    if kind in _SIMPLE or kind is Any:
        return {} if kind is Any else {"type": _SIMPLE[kind]}
    if is_dataclass(kind) and isinstance(kind, type):
        return _reference(kind, definitions)
    if origin is Literal:
        # In order: of equal lists of words `typing` gives whichever was written first anywhere.
        return {"enum": sorted(inner)} if len(inner) > 1 else {"const": inner[0]}
    if origin in (Union, UnionType):
        return _either(inner, definitions)
    if origin is tuple:
        return {"type": "array", "items": _schema(inner[0], definitions)}
    assert origin is Mapping, f"{kind} has no schema"
    return _mapping(inner[0], inner[1], definitions)


def _mapping(key: Any, value: Any, definitions: dict[str, Schema]) -> Schema:
    """An object whose keys are data, or of a list of words."""
    names = {} if key is str else {"propertyNames": _schema(key, definitions)}
    return {"type": "object", **names, "additionalProperties": _schema(value, definitions)}


def _either(kinds: tuple[Any, ...], definitions: dict[str, Schema]) -> Schema:
    """Simple kinds as one list of types; words of several lists as one list."""
    words = [word for kind in kinds if get_origin(kind) is Literal for word in get_args(kind)]
    rest = [kind for kind in kinds if get_origin(kind) is not Literal]
    if words:
        assert all(kind is NoneType for kind in rest)
        return {"enum": sorted(words) + [None] * len(rest)}
    if all(kind in _SIMPLE for kind in kinds):
        return {"type": [_SIMPLE[kind] for kind in kinds]}
    return {"anyOf": [_schema(kind, definitions) for kind in kinds]}


def main() -> None:
    """Write the schema down."""
    text = json.dumps(derive_schema(), indent=2)
    SCHEMA.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
