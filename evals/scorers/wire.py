"""The frames between a scorer's worker process and its owner: length-prefixed JSON.

No pickle in either direction: what the worker sends is untrusted.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from typing import Any

from evals.records import Case, Output, ToolCall, Turn

LENGTH = struct.Struct(">I")
MAX_REPLY = 1 << 20  # bytes; a reply is a number, a reason and a kind
MAX_REASON = 2_000  # characters of a reason or an error that are kept

_CASE_FIELDS = tuple(field.name for field in fields(Case))
_OUTPUT_FIELDS = tuple(field.name for field in fields(Output))
_TUPLES = {"choices", "documents", "logprobs", "replies", "tools"}
_RECORDS = {"turns": Turn, "tool_calls": ToolCall}


def frame(value: Any) -> bytes:
    """One value as a frame: 4 bytes of big-endian length, then ASCII JSON.

    Raises ValueError, TypeError or RecursionError for what JSON cannot hold.
    """
    body = json.dumps(value, separators=(",", ":"), default=_plain).encode("ascii")
    return LENGTH.pack(len(body)) + body


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def pair_to_wire(case: Case, output: Output) -> list[list[Any]]:
    """A case and an output as lists of their fields' values, in order."""
    return [
        [getattr(case, name) for name in _CASE_FIELDS],
        [getattr(output, name) for name in _OUTPUT_FIELDS],
    ]


def pair_from_wire(pair: list[list[Any]]) -> tuple[Case, Output]:
    """The reverse of `pair_to_wire`, run inside the worker."""
    case, output = pair
    return Case(**_named(_CASE_FIELDS, case)), Output(**_named(_OUTPUT_FIELDS, output))


def _named(names: tuple[str, ...], values: list[Any]) -> dict[str, Any]:
    return {name: _rebuilt(name, value) for name, value in zip(names, values, strict=True)}


def _rebuilt(name: str, value: Any) -> Any:
    if name in _RECORDS:
        return tuple(_RECORDS[name](**item) for item in value)
    return tuple(value) if name in _TUPLES else value
