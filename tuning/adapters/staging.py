"""A folder that appears whole or not at all: written under another name, then renamed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evals.errors import UsageError


def refuse_existing(target: Path) -> None:
    """Raise UsageError where something stands at `target`, or no folder can be made there."""
    if target.exists() or target.is_symlink():
        raise UsageError("is there already", path=target, hint="name a folder that is not")
    folder = target.absolute().parent
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise UsageError(f"{folder} cannot be written", path=target, hint="name another output")


@contextmanager
def staged(target: Path) -> Iterator[Path]:
    """A new empty folder that becomes `target` at the end, and goes if anything fails before."""
    refuse_existing(target)
    target.absolute().parent.mkdir(parents=True, exist_ok=True)
    scratch = target.with_name(f".{target.name}.{os.getpid()}.new")
    shutil.rmtree(scratch, ignore_errors=True)  # of a killed process of the same number
    scratch.mkdir()
    try:
        yield scratch
        refuse_existing(target)
        scratch.rename(target)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
