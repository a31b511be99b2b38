"""YAML read strictly, with the line of every key.

By the 1.2 core rules, so that `yes`, `no` and `on` are words, not booleans, and `1e-4` is
a number. Files are untrusted: size, nesting and alias expansion are bounded, duplicate
keys, tags and non-finite numbers are refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from evals.errors import SuiteError
from evals.records import Json
from evals.suite.source import Position, dotted, finite_float, read_text

MAX_YAML_BYTES = 1 << 20
MAX_YAML_NODES = 20_000
MAX_YAML_DEPTH = 32


class Document(NamedTuple):
    """A YAML file: plain values, and the 1-based line of every key and item by its path."""

    value: Json
    lines: Mapping[Position, int]


def read_yaml(path: Path, *, max_bytes: int = MAX_YAML_BYTES) -> Document:
    """Read one YAML document with the line of every key.

    Raises SuiteError for syntax errors, duplicate or non-text keys, tags, more than
    `MAX_YAML_NODES` values (aliases expanded) or `MAX_YAML_DEPTH` levels.
    """
    import yaml

    text = read_text(path, max_bytes=max_bytes)
    try:
        node = yaml.compose(text, Loader=_core_loader())
    except yaml.MarkedYAMLError as cause:
        mark = cause.problem_mark or cause.context_mark
        raise SuiteError(
            f"not valid YAML: {cause.problem or cause.context}",
            path=path,
            line=mark.line + 1 if mark else None,
        ) from None
    except yaml.reader.ReaderError as cause:
        raise SuiteError(
            f"not valid YAML: character U+{cause.character:04X} is not allowed",
            path=path,
            line=text.count("\n", 0, cause.position) + 1,
        ) from None
    except RecursionError:
        raise SuiteError(f"nested deeper than {MAX_YAML_DEPTH} levels", path=path) from None
    if node is None:
        return Document(None, {})
    builder = _Builder(path)
    value = builder.build(node, ())
    return Document(value, MappingProxyType(builder.lines))


# The scalars of YAML 1.2's core schema, in the order they are tried.
_CORE_SCALARS: tuple[tuple[str, str, str], ...] = (
    ("null", r"~|null|Null|NULL|", "~nN\0"),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    (
        "float",
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+0123456789.",
    ),
)


def _core_loader() -> type[Any]:
    import yaml

    class CoreLoader(yaml.SafeLoader):
        """Pure Python on purpose: deep nesting then ends in RecursionError, not a crash."""

        yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own form

    for name, pattern, first in _CORE_SCALARS:
        for letter in first:
            key = "" if letter == "\0" else letter
            CoreLoader.yaml_implicit_resolvers.setdefault(key, []).append(
                (f"tag:yaml.org,2002:{name}", re.compile(rf"^(?:{pattern})$"))
            )
    return CoreLoader


class _Builder:
    """Turns composed nodes into plain values, noting lines and counting what it builds."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: dict[Position, int] = {}
        self.built = 0

    def build(self, node: Any, at: Position) -> Json:
        import yaml

        line = node.start_mark.line + 1
        self.built += 1
        if self.built > MAX_YAML_NODES:
            raise SuiteError(
                f"more than {MAX_YAML_NODES} values, aliases expanded", path=self.path, line=line
            )
        if len(at) > MAX_YAML_DEPTH:
            raise SuiteError(
                f"nested deeper than {MAX_YAML_DEPTH} levels", path=self.path, line=line
            )
        self.lines.setdefault(at, line)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, at)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*at, i)) for i, item in enumerate(node.value)]
        return self._scalar(node, line, at)

    def _mapping(self, node: Any, at: Position) -> dict[str, Json]:
        result: dict[str, Json] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = key_node.value
            if not isinstance(key, str):
                raise SuiteError("a key must be text", path=self.path, line=line)
            self._refuse_half(key, line, at)
            if key in result:
                first = self.lines[(*at, key)]
                raise SuiteError(
                    f"key {key!r} appears twice, first on line {first}",
                    path=self.path,
                    line=line,
                    key=dotted((*at, key)),
                )
            self.lines[(*at, key)] = line
            result[key] = self.build(value_node, (*at, key))
        return result

    def _scalar(self, node: Any, line: int, at: Position) -> Json:
        kind = node.tag.removeprefix("tag:yaml.org,2002:")
        if kind == "null":
            return None
        if kind == "bool":
            return node.value.lower() == "true"
        if kind == "int":
            return self._number(int, node.value, line, at)
        if kind == "float":
            text = node.value.replace(".inf", "inf").replace(".nan", "nan")
            return self._number(finite_float, text.lower(), line, at)
        if kind == "str":
            self._refuse_half(node.value, line, at)
            return node.value
        raise SuiteError(
            f"YAML tag {node.tag!r} is not allowed", path=self.path, line=line, key=dotted(at)
        )

    def _refuse_half(self, text: str, line: int, at: Position) -> None:
        """Refuse a lone surrogate, which an escape can write and nothing can encode."""
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as cause:
            raise SuiteError(
                f"lone surrogate \\u{ord(text[cause.start]):04x}: half a character",
                path=self.path,
                line=line,
                key=dotted(at) or None,
                hint="write the character itself",
            ) from None

    def _number(self, read: Any, text: str, line: int, at: Position) -> Json:
        try:
            return read(text)
        except ValueError:
            raise SuiteError(
                f"expected a finite number, found {text[:30]!r}",
                path=self.path,
                line=line,
                key=dotted(at),
            ) from None
