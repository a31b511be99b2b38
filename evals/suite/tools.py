"""The tools that a suite offers to the model: names, descriptions and JSON schemas."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evals.records import Json
from evals.suite.inside import inner_file
from evals.suite.section import Section
from evals.suite.source import read_json

# What the common endpoints accept as a function's name.
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_KEYS = ("name", "description", "parameters")


def read_tools(top: Section, root: Path) -> tuple[Json, ...]:
    """The tools under `tools`: a list, or a `.json` file of the suite that holds one.

    Each is a mapping with `name`, `description` and `parameters` (a JSON schema of an object),
    also in the form `{"type": "function", "function": {...}}`. Raises SuiteError.
    """
    if not top.has("tools"):
        return ()
    section = _with_list(top, root)
    if not isinstance(section.values["tools"], list):
        section.expect("a list of tools, or a .json file of the suite", "tools")
    found = tuple(_read_tool(one) for one in section.sections("tools"))
    names = [tool["name"] for tool in found]
    for i, name in enumerate(names):
        if name in names[:i]:
            section.fail(f"tool {name!r} appears twice", "tools", i)
    return found


def _with_list(top: Section, root: Path) -> Section:
    """`top` itself, or the file that it names in the place of the list."""
    if not isinstance(top.values["tools"], str):
        return top
    path = inner_file(root, top, "tools")
    return Section(path, {"tools": read_json(path)}, 1)


def _read_tool(section: Section) -> dict[str, Any]:
    if section.has("function"):
        section.only("type", "function", "strict")
        section = section.section("function")
    section.only(*_KEYS, "strict")
    name = section.text("name")
    if not _NAME.fullmatch(name):
        section.fail(f"{name!r} is no name of a tool", "name", hint="letters, digits, '_' and '-'")
    tool: dict[str, Any] = {"name": name, "description": section.optional_text("description") or ""}
    parameters = section.values.get("parameters") or {"type": "object", "properties": {}}
    if not isinstance(parameters, Mapping) or parameters.get("type") != "object":
        section.expect('a JSON schema with "type": "object"', "parameters")
    return {**tool, "parameters": parameters}
