"""The pytest plugin: `pytest suites/` collects every `suite.yaml` and judges it.

Nothing but the standard library and pytest is imported until a suite is collected or a test
asks for `tunegate_run`, so an unrelated project that has tunegate installed pays nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tunegate.pytesting.fixture import RunSuite

SUITE_FILE = "suite.yaml"
FORMAT_KEY = b"format:"
OPTIONS = (
    ("model", "M", "which model, as of `tunegate eval --model`"),
    ("prompt", "P", "which prompt of the suite"),
    ("adapter", "DIR", "a trained adapter's folder"),
    ("precision", "P", "float32 or bfloat16"),
    ("split", "S", "which split (default: the suite's ci.split, else dev)"),
    ("baseline", "FILE", "a baseline in place of the suite's accepted.json"),
    ("base", "REV", "git revision whose gate definition is compared with"),
    ("ledger", "DIR", "folder of stored runs (default: .tunegate in the root folder)"),
)
NUMBERS = (
    ("few-shot", "K", "show K fixed demonstrations"),
    ("nearest", "K", "show the K most similar train cases"),
    ("repeats", "N", "run each case N times, with other seeds"),
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """State the options of `pytest suites/`."""
    group = parser.getgroup("tunegate", "eval suites (tunegate)")
    for name, metavar, text in OPTIONS:
        group.addoption(f"--tunegate-{name}", metavar=metavar, help=text)
    for name, metavar, text in NUMBERS:
        group.addoption(f"--tunegate-{name}", metavar=metavar, type=int, help=text)
    group.addoption(
        "--tunegate-case",
        action="append",
        default=[],
        metavar="ID",
        help="only this case, and nothing that judges the whole split; may be repeated",
    )
    group.addoption(
        "--tunegate-reviewed",
        action="store_true",
        help="a person has reviewed the changed gate definition",
    )


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect a file named `suite.yaml` that begins like one of tunegate's."""
    if file_path.name != SUITE_FILE or not _looks_like_a_suite(file_path):
        return None
    from tunegate.pytesting.items import SuiteFile

    return SuiteFile.from_parent(parent, path=file_path)


def _looks_like_a_suite(path: Path) -> bool:
    with path.open("rb") as handle:
        head = handle.read(4096)
    return any(line.startswith(FORMAT_KEY) for line in head.splitlines())


@pytest.fixture
def tunegate_run(request: pytest.FixtureRequest) -> RunSuite:
    """Run a suite from an ordinary test: `tunegate_run("suites/tone").score`."""
    from tunegate.pytesting.fixture import RunSuite

    return RunSuite(request.config)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line a suite: its result, its score and what was run."""
    reports = [report for found in terminalreporter.stats.values() for report in found]
    lines = {
        str(value)
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name == "tunegate"
    }
    if lines:
        terminalreporter.section("tunegate")
        for line in sorted(lines):
            terminalreporter.write_line(line)


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the working process, and clear what xdist's workers shared."""
    import sys

    if items := sys.modules.get("tunegate.pytesting.items"):
        session = config.stash.get(items.SESSION, None)
        if session is not None:
            session.close()
    controller = config.pluginmanager.get_plugin("dsession")
    if controller is None:
        return
    ledger = config.invocation_params.dir / (config.getoption("tunegate_ledger") or "")
    if not config.getoption("tunegate_ledger"):
        ledger = config.rootpath / ".tunegate"
    uid = controller.nodemanager.testrunuid
    if (ledger / "pytest" / uid).is_dir():
        from tunegate.pytesting.sessions import forget

        forget(ledger, uid)
