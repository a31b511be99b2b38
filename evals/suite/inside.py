"""Paths a suite names: relative, inside the suite, and really there."""

from __future__ import annotations

from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import NoReturn

from evals.suite.section import Section, suggestion


def inner_file(root: Path, section: Section, *keys: str | int) -> Path:
    """The file named at a key of `section`, proved to lie inside `root`.

    Raises SuiteError for text that is no relative path, for `..`, for a symbolic link
    that leads out, and for a file that does not exist.
    """
    value: object = section.values
    for key in keys:
        value = value[key]  # type: ignore[index]  # keys lead through mappings and lists
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        section.expect("a path inside the suite", *keys)
    return resolve_inner(root, value, section, *keys)


def resolve_inner(root: Path, named: str, section: Section, *keys: str | int) -> Path:
    """As `inner_file`, for a path that stands at a key in some other form."""
    path = _inside(root, named, section, *keys)
    if not path.is_file():
        _refuse_missing(root, named, "a regular file", section, *keys)
    return path


def inner_folder(root: Path, named: str, section: Section, *keys: str | int) -> Path:
    """As `resolve_inner`, for a folder."""
    path = _inside(root, named, section, *keys)
    if not path.is_dir():
        _refuse_missing(root, named, "a folder", section, *keys)
    return path


def _inside(root: Path, named: str, section: Section, *keys: str | int) -> Path:
    if PurePosixPath(named).is_absolute() or PureWindowsPath(named).anchor or "\\" in named:
        section.fail(f"{named!r} must be relative to the suite, with forward slashes", *keys)
    if ".." in PurePosixPath(named).parts:
        section.fail(f"{named!r} leads out of the suite: '..' is not allowed", *keys)
    path = root / named
    if not resolved(path, section, *keys).is_relative_to(root.resolve()):
        section.fail(f"{named!r} is a link that leads out of the suite", *keys)
    return path


def resolved(path: Path, section: Section, *keys: str | int) -> Path:
    """The path without links. Raises SuiteError for one that no file can have, and for a loop."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        pass  # said by whoever opens it
    except (OSError, ValueError) as cause:
        told = cause.strerror if isinstance(cause, OSError) else str(cause)
        section.fail(f"not a path of a file: {told}", *keys)
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # a link to itself, by itself or by way of others
        section.fail(f"{path.name!r} is a link that leads back to itself", *keys)


def _refuse_missing(
    root: Path, named: str, wanted: str, section: Section, *keys: str | int
) -> NoReturn:
    path = root / named
    what = wanted.rsplit(maxsplit=1)[-1]
    if path.is_symlink() and not path.exists():
        section.fail(f"{what} {named!r} is a link to nothing", *keys)
    found = f"is not {wanted}" if path.exists() else "does not exist"
    siblings = (
        [str(p.relative_to(root)) for p in path.parent.iterdir()] if path.parent.is_dir() else []
    )
    section.fail(f"{what} {named!r} {found}", *keys, hint=suggestion(named, siblings))
