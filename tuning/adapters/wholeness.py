"""Whether an adapter's folder is still what training left. Reads files; imports no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

from evals.errors import ModelError, RecordError
from evals.models.adapters import adapter_fingerprint
from tuning.training.adapters import read_manifest

State = Literal["whole", "damaged", "gone"]


class Wholeness(NamedTuple):
    """The state of a folder, and what is wrong with it."""

    state: State
    reason: str = ""


def wholeness_of(folder: Path, adapter: str) -> Wholeness:
    """Whether `folder` holds the adapter of that fingerprint, its files unchanged."""
    if not folder.is_dir():
        return Wholeness("gone", "there is no such folder")
    try:
        manifest = read_manifest(folder)
        found = adapter_fingerprint(folder)
    except (RecordError, ModelError) as error:
        return Wholeness("damaged", error.message)
    except OSError as error:
        return Wholeness("damaged", str(error))
    if manifest.fingerprint != found:
        return Wholeness("damaged", "its configuration is not the one that was trained with")
    if found != adapter:
        return Wholeness("damaged", f"it holds another adapter, {found}")
    return Wholeness("whole")
