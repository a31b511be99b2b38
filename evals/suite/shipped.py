"""SUITE on a command line: a path, or the name of a suite that ships with tunegate."""

from __future__ import annotations

from pathlib import Path

from evals.errors import SuiteError
from evals.suite.load import MANIFEST
from evals.suite.section import suggestion


def resolve_suite(name_or_path: str | Path, shipped_root: Path) -> Path:
    """The folder of the suite meant.

    A path (its folder or its `suite.yaml`) wins over a shipped name. Raises SuiteError
    where neither exists, with the closest name.
    """
    text = str(name_or_path)
    path = Path(name_or_path)
    if path.name == MANIFEST and path.is_file():
        return path.parent
    if (path / MANIFEST).is_file():
        return path
    shipped = shipped_names(shipped_root)
    if text in shipped:
        return shipped_root / text
    if path.exists():
        raise SuiteError(
            f"no {MANIFEST} in this folder" if path.is_dir() else "not a suite", path=path
        )
    near = (
        [p.parent.name for p in path.parent.glob(f"*/{MANIFEST}")] if path.parent.is_dir() else []
    )
    raise SuiteError(
        f"no such suite: {text!r} is neither a folder nor a shipped suite",
        hint=suggestion(path.name, {*shipped, *near}),
    )


def shipped_names(shipped_root: Path) -> tuple[str, ...]:
    """Names of the suites that ship, sorted."""
    return tuple(sorted(path.parent.name for path in shipped_root.glob(f"*/{MANIFEST}")))
