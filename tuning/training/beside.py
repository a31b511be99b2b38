"""Files that a stage leaves for the adapter's folder, beside the weights: what it learnt from.

They lie under the stage's scratch until training is whole, and are copied before the manifest is
written: a folder with a manifest has them all.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from evals.fingerprint import file_sha256

_BESIDE = "beside"


def kept_beside(scratch: Path) -> Path:
    """The folder, under a stage's own, of what is to be kept; made if it is not there."""
    folder = scratch / _BESIDE
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def copy_beside(scratch: Path, folder: Path) -> Mapping[str, str]:
    """Copy what all stages under `scratch` left into the adapter's folder; sha256 by name."""
    names: dict[str, str] = {}
    for path in sorted(scratch.glob(f"*/{_BESIDE}/*")):
        shutil.copyfile(path, folder / path.name)
        names[path.name] = file_sha256(path)
    return names
