"""Lists of files inside a suite that `tune:` names: read alike, each found and hashed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any, Protocol, TypeVar

from evals.fingerprint import file_sha256
from evals.records import Json
from evals.suite.inside import resolve_inner
from evals.suite.section import Section
from evals.suite.source import MAX_JSONL_BYTES

MAX_FILES = 100


class Named(Protocol):
    """What a file is read into has its path, as stated."""

    @property
    def path(self) -> str:
        """Inside the suite."""
        ...


File = TypeVar("File", bound=Named)
ReadOne = Callable[[Section, Json, tuple[str | int, ...]], File]


def read_list(section: Section, key: str, read_one: ReadOne[File]) -> tuple[File, ...]:
    """The files under a key, in the order stated; `read_one` gets an item and its place.

    Raises SuiteError with line and key for what is no list, too many files, and a file twice.
    """
    stated = section.values.get(key)
    if stated is None:
        return ()
    if not isinstance(stated, list):
        section.expect("a list of files", key)
    if len(stated) > MAX_FILES:
        section.fail(f"{len(stated)} files are too many: at most {MAX_FILES}", key)
    files: dict[str, File] = {}
    for number, item in enumerate(stated):
        one = read_one(section, item, (key, number))
        path = str(PurePosixPath(one.path))  # ./a and a are one file
        if path in files:
            section.fail(f"{path!r} appears twice", key, number)
        files[path] = one
    return tuple(files.values())


def item_section(section: Section, item: dict[str, Any], at: tuple[str | int, ...]) -> Section:
    """An item of such a list that states more than a path."""
    return Section(section.path, item, section.line_of(*at), (*section.at, *at), section.lines)


def check_path(section: Section, path: str, *keys: str | int) -> Path:
    """The folder that a path is seen from. Raises SuiteError for what is no path at all."""
    if not path.strip() or "\0" in path:
        section.expect("a path inside the suite", *keys)
    return section.path.parent


def hash_file(section: Section, path: str, *keys: str | int) -> str:
    """The hash of a file inside the suite. Raises SuiteError for one outside, or too large."""
    found = resolve_inner(check_path(section, path, *keys), path, section, *keys)
    if found.stat().st_size > MAX_JSONL_BYTES:
        section.fail(f"{path!r} has more than {MAX_JSONL_BYTES:,} bytes", *keys)
    return file_sha256(found)
