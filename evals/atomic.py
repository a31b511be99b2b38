"""Writing a file so that readers, and a kill at any point, see the old text or the new one."""

from __future__ import annotations

import errno
import os
from pathlib import Path


def write_atomically(path: Path, text: str) -> None:
    """Replace a file whole, on disk before it gets its name. Raises OSError as `open` does.

    Nothing but a regular file is ever replaced: a link, a pipe or a device raises
    FileExistsError. Who means the file that a link leads to gives its resolved path.
    """
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise FileExistsError(errno.EEXIST, "is no regular file, and is not replaced", str(path))
    scratch = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with scratch.open("w", encoding="utf-8", newline="\n") as handle:
            handle.write(text)
            handle.flush()
            os.fsync(handle.fileno())
        scratch.replace(path)
    except BaseException as error:
        scratch.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno and not error.filename2:
            error.filename = str(path)  # a full disk names none, and `open` the scratch file
        raise
