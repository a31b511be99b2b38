"""One process at a time: a lock file that the system frees when its holder dies.

What excludes is the system's lock on the open file, not the file's being there: one left
behind by a process that was killed is no obstacle, and none has to be deleted by hand.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from evals.errors import TunegateError, UsageError

_PAUSE = 0.1  # seconds between two tries


@contextmanager
def only_one(
    path: Path,
    *,
    busy: str,
    hint: str,
    patience: float = 0.0,
    error: type[TunegateError] = UsageError,
) -> Iterator[None]:
    """Hold the lock file `path`, made in an existing folder, while the body runs.

    Raises `error` with `busy`, the holder's process id and `hint` where another holds it, and
    still does after `patience` seconds. On systems without such locks nothing is held.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + patience
        while not _try(lambda: fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)):
            if time.monotonic() >= deadline:
                raise error(f"{busy}{_holder(descriptor)}", hint=hint)
            time.sleep(_PAUSE)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _try(take: Callable[[], None]) -> bool:
    try:
        take()
    except BlockingIOError:
        return False
    return True


def _holder(descriptor: int) -> str:
    """The process that wrote its id into the lock file, in words; empty while it has not."""
    written = os.pread(descriptor, 20, 0).decode("ascii", "replace")
    return f" (process {written})" if written.isdecimal() else ""
