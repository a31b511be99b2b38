"""JSON schemas without what may take without end: for checks in this process. A leaf."""

from __future__ import annotations

from collections.abc import Mapping

from evals.records import Json

_SLOW = frozenset({"pattern", "patternProperties", "uniqueItems"})
_DATA = frozenset({"const", "enum", "default", "examples"})
_NAMED = frozenset({"properties", "$defs", "definitions", "dependentSchemas"})
_OTHERS = frozenset({"additionalProperties", "unevaluatedProperties"})


def bounded(schema: Json) -> Json:
    """The schema without its keywords that may take without end: it allows more, never less."""
    if isinstance(schema, list | tuple):
        return [bounded(one) for one in schema]
    if not isinstance(schema, Mapping):
        return schema
    dropped = _SLOW | _OTHERS if "patternProperties" in schema else _SLOW
    return {key: _bounded_at(key, one) for key, one in schema.items() if key not in dropped}


def _bounded_at(key: str, value: Json) -> Json:
    if key in _DATA:
        return value
    if key in _NAMED and isinstance(value, Mapping):
        return {name: bounded(one) for name, one in value.items()}
    return bounded(value)
