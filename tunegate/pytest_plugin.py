"""The pytest plugin: `pytest suites/` collects every `suite.yaml` and checks it.

Nothing but the standard library and pytest is imported until a suite is collected, so an
unrelated project that has tunegate installed pays nothing and sees nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from evals.records import Finding

SUITE_FILE = "suite.yaml"
FORMAT_KEY = b"format:"


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect a file named `suite.yaml` that begins like one of tunegate's."""
    if file_path.name != SUITE_FILE or not _looks_like_a_suite(file_path):
        return None
    return SuiteFile.from_parent(parent, path=file_path)


def _looks_like_a_suite(path: Path) -> bool:
    with path.open("rb") as handle:
        head = handle.read(4096)
    return any(line.startswith(FORMAT_KEY) for line in head.splitlines())


class SuiteFile(pytest.File):
    """One suite; its items are what is checked of it."""

    def collect(self) -> Iterator[pytest.Item]:
        """Yield the item that runs `tunegate check` on the suite."""
        yield CheckItem.from_parent(self, name="check")


class CheckItem(pytest.Item):
    """Fails where `tunegate check` finds an error; warnings of the check are warnings."""

    def runtest(self) -> None:
        """Load the suite, lint it and self-test its scorers."""
        from evals.scorers import self_test
        from evals.suite import check_suite, load_suite

        report = check_suite(load_suite(self.path), self_test=self_test)
        for finding in report.findings:
            if finding.level == "warning":
                self.warn(pytest.PytestWarning(describe(finding)))
        if not report.passed:
            errors = [finding for finding in report.findings if finding.level == "error"]
            raise SuiteFaultError("\n".join(map(describe, errors)))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Show the faults alone: a traceback through tunegate helps nobody."""
        from evals.errors import TunegateError

        if isinstance(excinfo.value, TunegateError | SuiteFaultError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Name the item in reports."""
        return self.path, 0, f"check {self.path.parent.name}"


class SuiteFaultError(Exception):
    """The suite does not pass `check`."""


def describe(finding: Finding) -> str:
    """One line of a finding, with hostile characters made visible."""
    from evals.text import visible

    where = f"{finding.where}: " if finding.where else ""
    return visible(f"{where}{finding.message}")
