"""Whether a text holds to the JSON schema that its endpoint was told to enforce.

No validator: only the keywords that strict modes enforce are looked at, none of them takes
time beyond the size of the text. It finds endpoints that ignore the schema; judging answers is
the scorer's work.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evals.models.hosted.wire import parse
from evals.records import Json

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "number": (int, float),
    "integer": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


def breach(text: str, schema: Json) -> str | None:
    """What of `schema` the text breaks, or None where nothing that is looked at is broken."""
    try:
        value = parse(text)
    except ValueError:
        return "the reply is no JSON"
    return _breach(value, schema, "the reply")


def _breach(value: Any, schema: Json, where: str) -> str | None:
    if not isinstance(schema, Mapping):
        return None
    if not _is_of(value, schema.get("type")):
        return f"{where} is not of type {schema['type']!r}"
    enum = schema.get("enum")
    if isinstance(enum, list | tuple) and value not in enum:
        return f"{where} is none of the schema's values"
    if isinstance(value, dict):
        return _breach_of_object(value, schema, where)
    items = value if isinstance(value, list) else []
    found = (_breach(item, schema.get("items"), f"an item of {where}") for item in items)
    return next(filter(None, found), None)


def _breach_of_object(value: dict[str, Any], schema: Mapping[str, Json], where: str) -> str | None:
    properties = schema.get("properties")
    known: Mapping[str, Json] = properties if isinstance(properties, Mapping) else {}
    required = schema.get("required")
    for name in required if isinstance(required, list | tuple) else ():
        if name not in value:
            return f"{where} has no {name!r}"
    closed = schema.get("additionalProperties") is False and "patternProperties" not in schema
    if closed and (extra := next((name for name in value if name not in known), None)):
        return f"{where} has {extra!r}, which the schema does not know"
    for name, inner in known.items():
        if name in value and (found := _breach(value[name], inner, f"{name!r} of {where}")):
            return found
    return None


def _is_of(value: Any, types: Json) -> bool:
    """Whether a value is of a schema's `type`; unknown types are not judged."""
    names = types if isinstance(types, list | tuple) else [types]
    if not names or not all(isinstance(name, str) and name in _TYPES for name in names):
        return True
    return any(_is_one(value, name) for name in names)


def _is_one(value: Any, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    if name == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES[name])
