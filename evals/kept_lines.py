"""Files of a person's answers, one JSON object a line, only ever added to.

What is added is on disk before the next question, and a process that dies while it writes costs
no more than the line it was writing.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, TypeVar

from evals.codec import decode, encode
from evals.errors import RecordError

T = TypeVar("T")


def read_kept(path: Path, kind: type[T], *, file: str, line: str) -> tuple[T, ...]:
    """The records in a file, in order; none where there is no file.

    A last line without a line end that does not parse was being written when the process died,
    and is passed over. Raises RecordError for any other damage, with the line; `file` and `line`
    are what errors call the two.
    """
    try:
        text = path.read_text("utf-8") if path.exists() else ""
    except UnicodeDecodeError as error:
        raise RecordError(
            f"{file} is not UTF-8", path=path, hint="restore it from version control"
        ) from error
    found = []
    lines = text.split("\n")
    for number, content in enumerate(lines, start=1):
        if not content.strip():
            continue
        try:
            found.append(decode(content, kind))
        except RecordError as error:
            if number == len(lines):
                break
            raise RecordError(
                f"not {line}: {error.message}",
                path=path,
                line=number,
                hint="restore the line from version control, or remove it",
            ) from error
    return tuple(found)


def append_kept(path: Path, record: Any) -> None:
    """Add one line, synced to disk; what a killed process left half-written is cut off."""
    with path.open("a+b") as handle:
        handle.seek(0)
        content = handle.read()
        if content and not content.endswith(b"\n"):
            handle.truncate(content.rfind(b"\n") + 1)
            tail = content[content.rfind(b"\n") + 1 :]
            if _is_whole(tail, type(record)):
                handle.write(tail + b"\n")
        handle.write(encode(record).encode("ascii") + b"\n")
        handle.flush()
        os.fsync(handle.fileno())


def _is_whole(tail: bytes, kind: type[Any]) -> bool:
    try:
        decode(tail.decode("utf-8"), kind)
    except (RecordError, UnicodeDecodeError):
        return False
    return True
