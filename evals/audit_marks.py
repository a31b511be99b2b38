"""The audit file: a person's marks on scores, one JSON object a line, only ever added to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from evals.kept_lines import append_kept, read_kept


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

    def __post_init__(self) -> None:
        if self.format != 1:
            raise ValueError(f"format {self.format} is not known; expected 1")
        if not 0.0 <= self.score <= 1.0:
            raise ValueError(f"a score of {self.score} is not from 0 to 1")


def read_marks(path: Path) -> tuple[Mark, ...]:
    """The marks in an audit file, in order; none where there is no file.

    A last line without a line end that does not parse was being written when the process
    died, and is passed over. Raises RecordError, with the line, for any other damage.
    """
    return read_kept(path, Mark, file="the audit file", line="a mark of an audit")


def append_mark(path: Path, mark: Mark) -> None:
    """Add one line, synced to disk; what a killed process left half-written is cut off."""
    append_kept(path, mark)
