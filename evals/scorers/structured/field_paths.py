"""Paths to fields of JSON documents: `team`, `items[0].sku`, `["odd key"].x`.

A pattern is a path in which `[]` stands for every index and which fits all that lies below it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from evals.records import Json

Step = str | int
Path = tuple[Step, ...]

_KEY = re.compile(r"[^\W\d][\w-]*")
_STEP = re.compile(
    r"""(?P<dot>^|\.)(?P<key>[^\W\d][\w-]*) | \[(?P<index>\d{0,6})\]
      | \[(?P<quoted>"(?:[^"\\]|\\.)*+")\]""",
    re.VERBOSE,
)
_INDEX = re.compile(r'"(?:[^"\\]|\\.)*+"|\[\d+\]')
_EVERY = -1  # the index of a pattern's []


def written(path: Path) -> str:
    """The path as text; a document that is one value has the path `$`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += "[]" if step == _EVERY else f"[{step}]"
        elif _KEY.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += f"[{json.dumps(step)}]"
    return text or "$"


def read(text: str) -> Path:
    """A path or pattern from text. Raises ValueError for what is none."""
    steps: list[Step] = []
    place = 0
    while place < len(text):
        found = _STEP.match(text, place)
        if found is None:
            raise ValueError(f"not a path at character {place + 1}")
        if found["key"] is not None:
            steps.append(found["key"])
        elif found["quoted"] is not None:
            steps.append(json.loads(found["quoted"]))
        else:
            steps.append(int(found["index"] or _EVERY))
        place = found.end()
    if not steps:
        raise ValueError("an empty path")
    return tuple(steps)


def fits(pattern: Path, path: Path) -> bool:
    """Whether `path` is what the pattern names, or lies below it."""
    if len(path) < len(pattern):
        return False
    return all(
        isinstance(step, int) if wanted == _EVERY else wanted == step and type(wanted) is type(step)
        for wanted, step in zip(pattern, path, strict=False)
    )


def leaves(document: Json, path: Path = ()) -> Iterator[tuple[Path, Json]]:
    """Every value that holds no other, with its path; empty objects and lists are values."""
    if isinstance(document, dict) and document:
        for key, value in document.items():
            yield from leaves(value, (*path, key))
    elif isinstance(document, list | tuple) and document:
        for index, value in enumerate(document):
            yield from leaves(value, (*path, index))
    else:
        yield path, document


def without_indices(name: str) -> str:
    """A written path with `[]` for each index: the same field in every element of a list."""
    return _INDEX.sub(lambda found: found[0] if found[0].startswith('"') else "[]", name)
