"""Who is told what a job does."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from evals.generating import Progress


class Narrator(Protocol):
    """Told what the job does; the front door shows it to a person."""

    def progress(self, label: str) -> AbstractContextManager[Progress]:
        """Begin a stretch of work that reports (done, total)."""
        ...

    def note(self, text: str) -> None:
        """Say one line."""
        ...
