"""`tunegate_run`: suites run from ordinary tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tunegate.pytesting.items import session_of
from tunegate.pytesting.records import Evaluation, SuiteFaultError
from tunegate.pytesting.starting import suite_path


class RunSuite:
    """Runs a suite (or finds its run stored) and returns its evaluation.

    `suite` is a folder seen from pytest's root folder, or a shipped suite's name. What is
    named here comes before the command line's options, and those before the suite's own
    statement. `cases` are ids; with them nothing is judged over the whole split.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def __call__(
        self,
        suite: str | Path,
        *,
        model: str | None = None,
        prompt: str | None = None,
        few_shot: int | None = None,
        nearest: int | None = None,
        adapter: str | Path | None = None,
        split: str | None = None,
        repeats: int | None = None,
        cases: str | Sequence[str] | None = None,
    ) -> Evaluation:
        """Raise SuiteFaultError for anything that cannot be run."""
        __tracebackhide__ = True
        session = session_of(self._config)
        named: dict[str, Any] = {
            "model": model,
            "prompt": prompt,
            "few_shot": few_shot,
            "nearest": nearest,
            "adapter": str(self._config.rootpath / adapter) if adapter else None,
            "split": split,
            "repeats": repeats,
        }
        wanted = {key: value for key, value in named.items() if value is not None}
        options = replace(session.options, **wanted)
        path = suite_path(self._config, suite)
        try:
            return session.evaluate(path, _ids(cases), options)
        except SuiteFaultError as error:  # anew, so that a traceback ends in the test
            raise SuiteFaultError(str(error)) from None


def _ids(cases: str | Sequence[str] | None) -> tuple[str, ...] | None:
    return (cases,) if isinstance(cases, str) else None if cases is None else tuple(cases)
