"""An adapter's manifest: what was trained, from what; written last, read before use."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.atomic import write_atomically
from evals.errors import ModelError, RecordError
from evals.fingerprint import canonical, file_sha256
from evals.models.adapters import ADAPTER_MANIFEST, adapter_fingerprint
from tuning.records import TrainingRecord

FORMAT = 1
WEIGHTS = "adapter_model.safetensors"


@dataclass(frozen=True)
class AdapterManifest:
    """What `adapter.json` states. `base_weights_hash` binds it to one model's weights."""

    fingerprint: str
    base: str
    base_weights_hash: str
    template_hash: str
    prompt: str
    data_fingerprint: str
    weights_sha256: str
    settings: Mapping[str, Any]
    format: int = FORMAT


def write_manifest(folder: Path, record: TrainingRecord) -> AdapterManifest:
    """Write `adapter.json` atomically; call it when everything else is in place."""
    manifest = AdapterManifest(
        fingerprint=adapter_fingerprint(folder),
        base=record.base,
        base_weights_hash=record.base_fingerprint,
        template_hash=record.template_hash,
        prompt=record.prompt,
        data_fingerprint=record.data_fingerprint,
        weights_sha256=file_sha256(folder / WEIGHTS),
        settings=record.settings,
    )
    text = json.dumps(canonical(manifest), indent=1, sort_keys=True) + "\n"
    write_atomically(folder / ADAPTER_MANIFEST, text)
    return manifest


def read_manifest(folder: Path) -> AdapterManifest:
    """What was trained in a folder. Raises RecordError where that cannot be told.

    Also raised where the weights are no longer those the manifest was written for.
    """
    from evals.codec import decode

    path = folder / ADAPTER_MANIFEST
    try:
        manifest = decode(path.read_text(encoding="utf-8"), AdapterManifest)
    except OSError as error:
        raise RecordError(
            "there is no finished adapter here", path=folder, hint="train it with `tunegate tune`"
        ) from error
    if manifest.format != FORMAT:
        raise RecordError(f"expected format {FORMAT}, got {manifest.format}", path=path)
    if not (folder / WEIGHTS).is_file() or file_sha256(folder / WEIGHTS) != (
        manifest.weights_sha256
    ):
        raise RecordError(
            f"{WEIGHTS} is not the file that the manifest describes",
            path=path,
            hint="delete the folder and train again",
        )
    return manifest


def is_finished(folder: Path) -> bool:
    """Whether a folder holds a whole, unchanged adapter. One that is damaged is not."""
    try:
        manifest = read_manifest(folder)
        return adapter_fingerprint(folder) == manifest.fingerprint
    except (RecordError, ModelError):
        return False
