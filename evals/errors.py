"""Every error tunegate raises on purpose. A leaf: imports nothing of the project.

An error says what was wrong, where (file, line, key), what was expected and what
to do. The front door turns it into one message and `exit_code`; nothing else does.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar


class TunegateError(Exception):
    """Base of all deliberate errors; usage errors unless a subclass says otherwise."""

    exit_code: ClassVar[int] = 2

    def __init__(
        self,
        message: str,
        *,
        path: Path | str | None = None,
        line: int | None = None,
        key: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.path = str(path) if path is not None else None
        self.line = line
        self.key = key
        self.hint = hint

    @property
    def where(self) -> str:
        """`file:line: key`, as much of it as is known."""
        place = self.path or ""
        if self.line is not None:
            place += f":{self.line}"
        return ": ".join(part for part in (place, self.key or "") if part)

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text} ({self.hint})" if self.hint else text


class UsageError(TunegateError, ValueError):
    """A command or call was given arguments that make no sense together."""


class SuiteError(TunegateError, ValueError):
    """A suite, one of its cases or one of its templates is invalid."""


class ScorerError(TunegateError, ValueError):
    """A scorer is unknown, misconfigured, or failed on an answer it must accept."""


class UnjudgedError(ScorerError):
    """A judge model gave no verdict on one answer; `transient` where another try may."""

    def __init__(self, message: str, *, transient: bool = False, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.transient = transient


class StatisticsError(TunegateError, ValueError):
    """Numbers were asked for that the data cannot give."""


class ModelError(TunegateError, ValueError):
    """A model name is unknown, or the model cannot be loaded."""


class MissingExtraError(TunegateError, ImportError):
    """An optional dependency is not installed; the message says which extra has it."""


class RecordError(TunegateError, ValueError):
    """A stored record is missing, damaged or of a format this version cannot read."""


class TrainingError(TunegateError, ValueError):
    """Training data or a training result was refused."""


class DivergedError(TrainingError):
    """A training's loss is not finite any more: mostly a learning rate that is too high."""


class GateShutError(TunegateError, PermissionError):
    """`tune` was asked for while the gate is shut."""

    exit_code = 1


class InfrastructureError(TunegateError, RuntimeError):
    """A model or endpoint failed, or too many cases ended in errors."""

    exit_code = 4


class UnansweredError(InfrastructureError):
    """Most cases of a run ended in errors of the model; `transient` where another try may not."""

    def __init__(self, message: str, *, transient: bool, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.transient = transient


class BudgetSpentError(InfrastructureError):
    """Going on could cost more, or take more requests, than was allowed; what is there is kept.

    `may_pass` says that requests under way may leave enough: ask again when one has ended.
    """

    may_pass: bool = False


class RunWarning(UserWarning):
    """Something that a person should know of, and that does not keep work from going on."""


class NothingRunError(TunegateError, RuntimeError):
    """Nothing was run where a result was expected."""

    exit_code = 5
