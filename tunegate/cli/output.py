"""Where a report goes: checked before the work starts, put in place whole at its end."""

from __future__ import annotations

import os
from pathlib import Path

from evals.atomic import write_atomically
from evals.errors import UsageError


def check_output(path: Path) -> None:
    """Raise UsageError where no file can be written to `path`. Writes and makes nothing."""
    if path.is_dir():
        raise UsageError("is a folder, not a file to write", path=path, hint="add a file name")
    folder = path.absolute().parent
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder", path=path, hint="name another output")
    target = path if path.exists() else folder
    if not os.access(target, os.W_OK):
        raise UsageError(f"{target} cannot be written", path=path, hint="name another output")


def write_whole(path: Path, text: str) -> None:
    """Write `text` to `path`: at once and whole for a file, straight through for a device."""
    if path.exists() and not path.is_file():  # /dev/stdout, a pipe: never replaced by a file
        path.write_text(text, encoding="utf-8")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, text)
