"""The data as JSON text: the same data always give the same ASCII, which every reader takes."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

from evals.text import encodable

_PLAIN = frozenset({int, bool, type(None)})


def encode(data: object) -> str:
    r"""Indented JSON with a line feed at its end.

    Everything but printable ASCII is an escape, so that no text moves a terminal. A lone
    surrogate, which many readers refuse, becomes the characters `\udXXX`; a number that is not
    finite becomes null. Keys of mappings are sorted, those of records stand in their order.
    """
    import msgspec

    text = json.dumps(_plain(data), separators=(",", ":"), allow_nan=False)
    return msgspec.json.format(text, indent=1) + "\n"


def _plain(value: Any) -> Any:
    kind: type = type(value)
    if kind is str:
        return value if value.isascii() else encodable(value)
    if kind in _PLAIN:
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if is_dataclass(kind):
        return {name: _plain(getattr(value, name)) for name in _names(kind)}
    if isinstance(value, Mapping):
        return {encodable(str(key)): _plain(value[key]) for key in sorted(value, key=str)}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    raise TypeError(f"{kind.__name__} has no JSON form")


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))
