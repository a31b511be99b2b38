"""Checkpoints that can be trusted after a kill: whole ones are marked, others are discarded.

The trainer writes a checkpoint file by file. Once it is done, `complete.json` is written
beside the files with the hash of each: a folder without it, or whose files are not those,
is a half-written one. Checkpoints are local scratch and never leave the training folder.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evals.atomic import write_atomically
from evals.fingerprint import file_sha256

MARK = "complete.json"


@dataclass(frozen=True)
class Checkpoint:
    """A whole checkpoint: its folder, the step it was made at, and the notes kept with it."""

    folder: Path
    step: int
    notes: Mapping[str, Any] = field(default_factory=dict)


def seal(folder: Path, step: int, notes: Mapping[str, Any]) -> None:
    """Mark a folder as whole, with the hash of every file in it."""
    hashes = {
        path.relative_to(folder).as_posix(): file_sha256(path)
        for path in sorted(folder.rglob("*"))  # an adapter kept for reference has its own folder
        if path.is_file() and path.name != MARK
    }
    mark = {"format": 1, "step": step, "files": hashes, "notes": dict(notes)}
    write_atomically(folder / MARK, json.dumps(mark))


def unseal(folder: Path) -> Checkpoint | None:
    """The checkpoint in a folder, or None where it is not whole."""
    try:
        mark = json.loads((folder / MARK).read_text(encoding="utf-8"))
        step, files, notes = int(mark["step"]), dict(mark["files"]), dict(mark["notes"])
        whole = mark["format"] == 1 and all(
            file_sha256(folder / name) == sha256 for name, sha256 in files.items()
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Checkpoint(folder, step, notes) if whole and files else None


def last_whole(root: Path) -> Checkpoint | None:
    """The newest whole checkpoint under `root`; those that are not whole are deleted."""
    found = []
    for folder in sorted(root.glob("checkpoint-*")):
        checkpoint = unseal(folder)
        if checkpoint is None:
            shutil.rmtree(folder)
        else:
            found.append(checkpoint)
    return max(found, key=lambda checkpoint: checkpoint.step, default=None)
