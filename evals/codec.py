"""Records to JSON text and back, with types checked on the way in.

The text is ASCII (`json.dumps` escapes the rest), so lone surrogates in model output
survive storage; msgspec checks and rebuilds the frozen dataclasses.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from typing import Any, TypeVar

from evals.errors import RecordError
from evals.fingerprint import canonical

T = TypeVar("T")


def plain(value: Any) -> Any:
    """`json.dumps(default=...)` for records and mappings. Raises TypeError for anything else."""
    if isinstance(value, Mapping):
        return dict(value)
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def encode(record: Any) -> str:
    """One-line ASCII JSON of a record; keys keep the order of their fields."""
    return json.dumps(canonical(record), separators=(",", ":"))


def decode(text: str, kind: type[T]) -> T:
    """Rebuild a `kind` from `encode`'s text. Raises RecordError when it does not fit."""
    import msgspec

    try:
        return msgspec.convert(json.loads(text), type=kind)
    except (msgspec.ValidationError, ValueError, RecursionError) as error:
        raise RecordError(
            f"a stored {kind.__name__} is damaged or of another format: {error}",
            hint="it was written by another version of tunegate, or edited by hand",
        ) from error
