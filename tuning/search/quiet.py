"""Other people's code kept quiet while it works for us, and our own errors carried through it."""

from __future__ import annotations

import io
import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from typing import TextIO, TypeVar

T = TypeVar("T")

_THEIRS = r"(dspy|gepa|optuna|tqdm)(\.|$)"


class SearchEndedError(BaseException):
    """Carries an error of ours through libraries that go on after any `Exception`.

    An optimiser counts a failed evaluation as a score of 0. So a broken endpoint or a spent
    budget would look like bad prompts, and the search would end with a wrong result.
    """

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


@dataclass(frozen=True)
class Quiet:
    """Holds back what libraries print and log; what is `aloud` comes through.

    Standard output belongs to the command: with --json it is one document and nothing else.
    """

    out: TextIO = field(default_factory=lambda: sys.stdout)
    err: TextIO = field(default_factory=lambda: sys.stderr)

    @contextmanager
    def hushed(self) -> Iterator[None]:
        """Libraries print, log and warn into nothing. Raises what `aloud` raised, as it was."""
        sink = io.StringIO()
        before = logging.root.manager.disable
        try:
            with redirect_stdout(sink), redirect_stderr(sink), warnings.catch_warnings():
                warnings.filterwarnings("ignore", module=_THEIRS)  # ours still come through
                logging.disable(logging.CRITICAL)
                yield
        except SearchEndedError as ended:
            raise ended.cause from None
        finally:
            logging.disable(before)

    def aloud(self, work: Callable[[], T]) -> T:
        """Do our own work in the midst of a library's, with our streams and our errors."""
        try:
            with redirect_stdout(self.out), redirect_stderr(self.err):
                return work()
        except Exception as error:
            raise SearchEndedError(error) from error
