"""Where an adapter's base comes from, as far as it says itself: a name to publish, a licence."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

from evals.models.published import PUBLISHED

UNKNOWN = "unknown"
_NAME = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}", re.IGNORECASE)
_REPOSITORY = re.compile(r"[\w-][\w.-]*/[\w.-]+", re.ASCII)
_FRONT = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?)\r?\n---[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_MOST = 1 << 20


class Origin(NamedTuple):
    """A base model's public name (never a path of this machine) and its licence.

    `embedded` is the folder below the cache where tunegate keeps the weights of its own model;
    `is_path` says that the model was named by where it lies here.
    """

    name: str
    licence: str
    embedded: str = ""
    is_path: bool = False


def origin_of(model: str) -> Origin:
    """What is known of a model by name. Reads files only; an unstated licence is "unknown"."""
    if model in PUBLISHED:
        found = PUBLISHED[model]
        licence = found.licence or UNKNOWN
        return Origin(found.origin or model, licence, embedded=found.folder_name)
    rest = model.partition(":")[2] or model
    folder = Path(rest)
    if folder.is_dir():
        return Origin(folder.resolve().name, _stated(folder), is_path=True)
    if _REPOSITORY.fullmatch(rest):
        return Origin(rest, UNKNOWN)
    return Origin(folder.name, UNKNOWN, is_path=True)


def _stated(folder: Path) -> str:
    """The licence that a model folder's card or configuration states."""
    for found in (_of_card(folder / "README.md"), _of_config(folder / "config.json")):
        if isinstance(found, str) and _NAME.fullmatch(found):
            return found.lower()
    return UNKNOWN


def _of_card(path: Path) -> Any:
    import yaml

    front = _FRONT.match(_read(path))
    if front is None:
        return None
    try:
        stated = yaml.safe_load(front[1])
    except (yaml.YAMLError, RecursionError, ValueError):
        return None
    return stated.get("license") if isinstance(stated, dict) else None


def _of_config(path: Path) -> Any:
    try:
        stated = json.loads(_read(path))
    except (ValueError, RecursionError):
        return None
    return stated.get("license") if isinstance(stated, dict) else None


def _read(path: Path) -> str:
    """A file's beginning; nothing where there is none."""
    try:
        with path.open("rb") as file:
            return file.read(_MOST).decode("utf-8", "replace")
    except OSError:
        return ""
