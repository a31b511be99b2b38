"""New suites: files written once, the manifest last, so that its presence proves the rest."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from evals.atomic import write_atomically
from evals.errors import UsageError
from evals.suite.load import MANIFEST
from evals.suite.section import NAME

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_WORDS_OF_YAML = frozenset({"true", "false", "null"})


def init_suite(target: Path, name: str) -> list[Path]:
    """Write an example suite, ready to edit, into folder `target`; the files written.

    Raises UsageError for a name that is none, and where a file would be overwritten.
    """
    check_name(name)
    example = files("evals.suite") / "example"
    contents = {
        relative: text.replace("NAME", yaml_name(name) if relative == MANIFEST else name)
        for relative, text in _texts(example, "").items()
    }
    return write_suite(target, contents)


def example_prompts() -> dict[str, str]:
    """The example's prompt templates by path."""
    return _texts(files("evals.suite") / "example" / "prompts", "prompts/")


def _texts(folder: Traversable, prefix: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for item in sorted(folder.iterdir(), key=lambda item: item.name):
        if item.is_dir():
            found.update(_texts(item, f"{prefix}{item.name}/"))
        else:
            found[prefix + item.name] = item.read_text("utf-8")
    return found


def check_name(name: str) -> None:
    """Refuse, with UsageError, a suite name that file names and tables could not hold."""
    if not NAME.fullmatch(name):
        hint = "letters, digits, '_', '-' and '.', beginning with a letter or digit"
        raise UsageError(f"{name!r} is not a name for a suite", hint=hint)


def yaml_name(name: str) -> str:
    """A suite's name as YAML text, quoted where it would be read as something else."""
    plain = _PLAIN.fullmatch(name) and name.lower() not in _WORDS_OF_YAML
    return name if plain else f'"{name}"'


def write_suite(target: Path, contents: Mapping[str, str]) -> list[Path]:
    """Write files by relative path, the manifest last and atomically; nothing is replaced.

    Raises UsageError where one of them exists, before any is written.
    """
    paths = {relative: target / relative for relative in contents}
    if target.exists() and not target.is_dir():
        raise UsageError("is not a folder", path=target)
    for path in paths.values():
        if os.path.lexists(path):
            raise UsageError("already exists", path=path, hint="a new suite never replaces a file")
    ordered = sorted(contents, key=lambda relative: (relative == MANIFEST, relative))
    for relative in ordered:
        path = paths[relative]
        path.parent.mkdir(parents=True, exist_ok=True)
        if relative == MANIFEST:
            write_atomically(path, contents[relative])
        else:
            with path.open("x", encoding="utf-8", newline="\n") as handle:
                handle.write(contents[relative])
    return [paths[relative] for relative in ordered]
