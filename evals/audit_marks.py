"""The audit file: a person's marks on scores, one JSON object a line, only ever added to."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from evals.codec import decode, encode
from evals.errors import RecordError


@dataclass(frozen=True)
class Mark:
    """One person's verdict on one score, as a line of the audit file.

    `marked_right` says whether the *score* is right, not the output. `judged` identifies
    what was judged: the case's content, the output, the metric and the score's value;
    when any of them changes, the mark no longer counts.
    """

    case_id: str
    metric: str
    output_hash: str
    score: float
    judged: str
    marked_right: bool
    note: str = ""
    who: str = ""
    when: str = ""
    format: int = 1


def read_marks(path: Path) -> tuple[Mark, ...]:
    """The marks in an audit file, in order; none where there is no file.

    A last line without a line end that does not parse was being written when the process
    died, and is passed over. Raises RecordError, with the line, for any other damage.
    """
    try:
        text = path.read_text("utf-8") if path.exists() else ""
    except UnicodeDecodeError as error:
        raise RecordError(
            "the audit file is not UTF-8", path=path, hint="restore it from version control"
        ) from error
    marks = []
    lines = text.split("\n")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            marks.append(_checked(decode(line, Mark)))
        except RecordError as error:
            if number == len(lines):
                break
            raise RecordError(
                f"not a mark of an audit: {error.message}",
                path=path,
                line=number,
                hint="restore the line from version control, or remove it",
            ) from error
    return tuple(marks)


def append_mark(path: Path, mark: Mark) -> None:
    """Add one line, synced to disk; what a killed process left half-written is cut off."""
    with path.open("a+b") as handle:
        handle.seek(0)
        content = handle.read()
        if content and not content.endswith(b"\n"):
            handle.truncate(content.rfind(b"\n") + 1)
            tail = content[content.rfind(b"\n") + 1 :]
            if _is_whole(tail):
                handle.write(tail + b"\n")
        handle.write(encode(mark).encode("ascii") + b"\n")
        handle.flush()
        os.fsync(handle.fileno())


def _checked(mark: Mark) -> Mark:
    if mark.format != 1:
        raise RecordError(f"format {mark.format} is not known; expected 1")
    if not 0.0 <= mark.score <= 1.0:
        raise RecordError(f"a score of {mark.score} is not from 0 to 1")
    return mark


def _is_whole(tail: bytes) -> bool:
    try:
        decode(tail.decode("utf-8"), Mark)
    except (RecordError, UnicodeDecodeError):
        return False
    return True
