"""How GitHub's runner finds commands in a job's log, as far as these tests need it.

Stricter in one thing: the runner ignores names that it does not know, here any name counts.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Command(NamedTuple):
    name: str
    properties: dict[str, str]
    data: str


def commands(log: str) -> list[Command]:
    """Every command of a log: lines end at CR or LF, the newer form is tried first."""
    found = (_newer(line) or _older(line) for line in re.split(r"\r\n|\r|\n", log))
    return [command for command in found if command]


def _newer(line: str) -> Command | None:
    text = line.lstrip()
    end = text.find("::", 2)
    if not text.startswith("::") or end < 0:
        return None
    name, _, listed = text[2:end].partition(" ")
    properties = {}
    for pair in listed.strip().split(","):
        key, equals, value = pair.partition("=")
        if equals and value:
            properties[key] = _read(value, {"%3A": ":", "%2C": ","})
    return Command(name, properties, _read(text[end + 2 :], {})) if name else None


def _older(line: str) -> Command | None:
    begin = line.find("##[")
    end = line.find("]", begin)
    if begin < 0 or end < 0:
        return None
    name = line[begin + 3 : end].partition(" ")[0]
    return Command(name, {}, line[end + 1 :]) if name else None


def _read(text: str, more: dict[str, str]) -> str:
    for escaped, character in {"%0D": "\r", "%0A": "\n", **more, "%25": "%"}.items():
        text = text.replace(escaped, character)
    return text
