"""Content identity: one canonical JSON form and its SHA-256. A leaf."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

LATER = {"later": True}
"""Metadata of a dataclass field that came after records of its kind had been stored.

Where it holds its default it is left out of the canonical form, so that records which do not
use it keep the identity they had.
"""


_PLAIN = frozenset({str, int, float, bool, type(None)})


def canonical(value: Any) -> Any:
    """Reduce dataclasses, mappings and sequences to JSON values with one spelling each."""
    kind: type = type(value)
    if kind in _PLAIN:
        return value
    if kind is dict:  # the common kinds first: asking what is a Mapping is slow
        return {str(key): canonical(value[key]) for key in sorted(value, key=str)}
    if kind is tuple or kind is list:
        return [item if type(item) in _PLAIN else canonical(item) for item in value]
    if is_dataclass(value) and kind is not type:
        return {
            name: found if type(found) in _PLAIN else canonical(found)
            for name, default in _fields(kind)
            if (found := getattr(value, name)) != default
        }
    return _uncommon(value)


def _uncommon(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): canonical(value[key]) for key in sorted(value, key=str)}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [canonical(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    return value


@cache
def _fields(kind: type) -> tuple[tuple[str, Any], ...]:
    """A dataclass's fields, each with the value it is left out for (a fresh object: for none)."""
    return tuple((f.name, f.default if "later" in f.metadata else object()) for f in fields(kind))


def canonical_json(value: Any) -> str:
    """One-line JSON: sorted keys, no spaces, ASCII (so lone surrogates survive), no NaN."""
    return json.dumps(canonical(value), sort_keys=True, separators=(",", ":"), allow_nan=False)


def ordered_json(value: Any) -> str:
    """One line of JSON whose keys stand in the order stated: of data in which order matters."""
    return json.dumps(_ordered(value), separators=(",", ":"))


def _ordered(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _ordered(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_ordered(item) for item in value]
    return canonical(value)


def fingerprint(*parts: Any) -> str:
    """First 16 hex digits (64 bits) of the SHA-256 of the parts' canonical JSON."""
    return hashlib.sha256(canonical_json(list(parts)).encode("ascii")).hexdigest()[:16]


def file_sha256(path: Path) -> str:
    """Full SHA-256 of a file, read in blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while block := handle.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
