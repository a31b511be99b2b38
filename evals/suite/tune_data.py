"""What `tune:` says of training data: files of more examples, and what may be wrong with them.

    tune:
      data:
        - extra.jsonl
        - {path: old.csv, format: csv, columns: {input: question, expected: reply}}
        - {path: chats, format: datasets, split: train}
      too_long: leave_out
      allow: [imbalance]

Here the files are found and hashed; `tuning.data` reads what is in them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from evals.errors import SuiteError
from evals.fingerprint import file_sha256
from evals.records import Json
from evals.suite.inside import inner_folder, resolved
from evals.suite.section import Section
from evals.suite.source import MAX_JSONL_BYTES
from evals.suite.spec import DataFile
from evals.suite.tune_files import check_path, hash_file, item_section, read_list

KEYS = ("path", "format", "columns", "split")
COLUMNS = ("input", "expected", "id", "cluster", "system")
FORMATS = ("chat", "sharegpt", "alpaca", "completion", "csv", "datasets")
MAX_PARTS = 1_000
"""Files of a folder that holds one data set."""

LEAK = "what dev or test asks about is never trained on: take those rows out of the training data"
NEVER_LET_PASS = {
    "too_long": "say with tune.too_long what becomes of long examples",
    "too_few": "collect more, or name more files under tune.data; lower tune.min_examples only "
    "where you know that so few are enough",
    "refused_by_template": "the model cannot be asked so: change the rows",
}
"""By the code of a finding that no `allow` lets pass, leaks apart, what to do instead."""


def read_data(section: Section) -> tuple[DataFile, ...]:
    """The files under `data`, each proved to lie inside the suite, in the order stated.

    A folder is one data set (format `datasets`). Raises SuiteError with line and key for a
    path that leads out or is not there, a file twice, and unknown keys or formats.
    """
    return read_list(section, "data", _read_file)


def read_allowed(section: Section) -> tuple[str, ...]:
    """Codes under `allow`. Raises SuiteError for those that nobody may let pass."""
    codes = section.texts("allow")
    for number, code in enumerate(codes):
        if hint := why_never(code):
            section.fail(f"{code!r} cannot be let pass", "allow", number, hint=hint)
    return codes


def why_never(code: str) -> str:
    """What to do about a finding that nobody may let pass; empty where one may."""
    return LEAK if code.endswith("leak") else NEVER_LET_PASS.get(code, "")


def _read_file(section: Section, item: Json, at: tuple[str | int, ...]) -> DataFile:
    if isinstance(item, str):
        return _found(section, DataFile(item, line=section.line_of(*at)), *at)
    if not isinstance(item, dict):
        section.expect("a path inside the suite, or {path: ..., format: ...}", *at)
    inner = item_section(section, item, at)
    inner.only(*KEYS)
    columns = inner.section("columns")
    columns.only(*COLUMNS)
    stated = DataFile(
        inner.text("path"),
        inner.choice("format", FORMATS, FORMATS[0]) if inner.has("format") else None,
        {name: columns.text(name) for name in columns.values},
        inner.optional_text("split"),
        line=section.line_of(*at),
    )
    return _found(section, stated, *at, "path")


def _found(section: Section, stated: DataFile, *keys: str | int) -> DataFile:
    """The file or folder with the hash of its content."""
    root = check_path(section, stated.path, *keys)
    if stated.format in (None, "datasets") and (root / stated.path).is_dir():
        folder = inner_folder(root, stated.path, section, *keys)
        sha256 = _folder_sha256(folder, section, *keys)
        return replace(stated, format="datasets", sha256=sha256)
    return replace(stated, sha256=hash_file(section, stated.path, *keys))


def _folder_sha256(folder: Path, section: Section, *keys: str | int) -> str:
    """Over all files below a folder, by name. Raises SuiteError for a link that leads out."""
    digest = hashlib.sha256()
    for path in _files(folder, section, *keys):
        digest.update(f"{path.relative_to(folder).as_posix()}\0{file_sha256(path)}\n".encode())
    return digest.hexdigest()


def _files(folder: Path, section: Section, *keys: str | int) -> Iterator[Path]:
    root = section.path.parent.resolve()
    paths = sorted(islice(folder.rglob("*"), MAX_PARTS + 1))
    if len(paths) > MAX_PARTS:
        raise SuiteError(f"holds more than {MAX_PARTS:,} files", path=folder, key="tune.data")
    total = 0
    for path in paths:
        if not resolved(path, section, *keys).is_relative_to(root):
            section.fail(f"{path.name!r} in it is a link that leads out of the suite", *keys)
        if path.is_file():
            total += path.stat().st_size
            yield path
    if total > MAX_JSONL_BYTES:
        section.fail(f"the data set has more than {MAX_JSONL_BYTES:,} bytes", *keys)
