"""The frames between a scorer's worker process and its owner: length-prefixed JSON.

No pickle in either direction: what the worker sends is untrusted.
"""

from __future__ import annotations

import json
import struct
from dataclasses import fields
from numbers import Real
from typing import Any, get_args

from evals.codec import plain
from evals.records import Case, Output, Part, PartKind, ToolCall, Turn

LENGTH = struct.Struct(">I")
MAX_REASON = 2_000  # characters of a reason or an error that are kept
MAX_PARTS = 1_000  # of one score
MAX_PART_TEXT = 200  # characters of a part's name; of its expected and got that are kept
MAX_REPLY = 8 << 20  # bytes; most parts with the longest texts, each character 12 bytes of ASCII

_CASE_FIELDS = tuple(field.name for field in fields(Case))
_OUTPUT_FIELDS = tuple(field.name for field in fields(Output))
_TUPLES = {"ballots", "choices", "documents", "logprobs", "replies", "tools"}
_RECORDS = {"turns": Turn, "tool_calls": ToolCall}


def frame(value: Any) -> bytes:
    """One value as a frame: 4 bytes of big-endian length, then ASCII JSON.

    Raises ValueError, TypeError or RecursionError for what JSON cannot hold.
    """
    body = json.dumps(value, separators=(",", ":"), default=plain).encode("ascii")
    return LENGTH.pack(len(body)) + body


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


def parts_to_wire(parts: Any) -> list[list[Any]]:
    """A score's parts as lists, checked; `parts` is what an author put there.

    Texts that are too long are cut. Raises ValueError that says what is wrong.
    """
    if not isinstance(parts, tuple | list) or len(parts) > MAX_PARTS:
        found = f"{len(parts)} of them" if isinstance(parts, tuple | list) else _kind_of(parts)
        raise ValueError(f"parts must be a tuple of at most {MAX_PARTS:,} Part, not {found}")
    return [_part_to_wire(part) for part in parts]


def _part_to_wire(part: Any) -> list[Any]:
    if not isinstance(part, Part):
        raise ValueError(f"parts must hold Part, not {_kind_of(part)}")  # noqa: TRY004 - see above
    value: Any = part.value  # whatever the author put there
    texts = [text[:MAX_PART_TEXT] if isinstance(text, str) else text for text in _texts(part)]
    if not isinstance(value, Real) or not _fits([part.kind, part.name, float(value), *texts]):
        raise ValueError(
            "a part needs a kind (" + ", ".join(get_args(PartKind)) + "), a name of at most "
            f"{MAX_PART_TEXT} characters, a value from 0 to 1, and text or None for the rest"
        )
    return [part.kind, part.name, float(value), *texts]


def parts_from_wire(lists: list[Any]) -> tuple[Part, ...] | None:
    """The reverse of `parts_to_wire`; None for what it never makes. Run by the owner."""
    if len(lists) > MAX_PARTS or not all(_fits(one) for one in lists):
        return None
    return tuple(Part(*one) for one in lists)


def _fits(one: Any) -> bool:
    match one:
        case [str(kind), str(name), float(value), str() | None, str() | None]:
            texts = [text for text in (name, one[3], one[4]) if text is not None]
            short = all(len(text) <= MAX_PART_TEXT for text in texts)
            # False for NaN too.
            return kind in get_args(PartKind) and bool(name) and short and 0.0 <= value <= 1.0
    return False


def _texts(part: Part) -> tuple[Any, Any]:
    return part.expected, part.got


def _kind_of(value: Any) -> str:
    return f"a {type(value).__name__}"
