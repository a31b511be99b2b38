"""The pytest plugin: `pytest suites/` collects every `suite.yaml` and judges it.

Nothing but the standard library and pytest is imported until a suite is collected or a test
asks for `tunegate_run`, so an unrelated project that has tunegate installed pays nothing.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tunegate.pytesting.fixture import RunSuite

SUITE_FILE = "suite.yaml"
FORMAT_KEY = b"format"
KEYS = {b"name", b"task", b"cases", b"prompts", b"metrics", b"primary"}
HEAD_BYTES = 1 << 20
# A key of a mapping, a line or in braces: YAML takes both, and JSON.
KEY = re.compile(rb"(?:^|[{,])[ \t]*[\"']?([a-z_]+)[\"']?[ \t]*:", re.MULTILINE)
COLOURS = {"FAIL": "red", "PASS": "green"}
TEXTS: dict[str, dict[str, Any]] = {
    "model": {"metavar": "M", "help": "which model, as of `tunegate eval --model`"},
    "prompt": {"metavar": "P", "help": "which prompt of the suite"},
    "adapter": {"metavar": "DIR", "help": "a trained adapter's folder"},
    "precision": {"choices": ("float32", "bfloat16"), "help": "default: what is fast here"},
    "split": {
        "choices": ("train", "dev", "test"),
        "help": "which split (default: the suite's ci.split, else dev)",
    },
    "baseline": {"metavar": "FILE", "help": "a baseline in place of the suite's accepted.json"},
    "base": {"metavar": "REV", "help": "git revision whose gate definition is compared with"},
    "ledger": {
        "metavar": "DIR",
        "help": "folder of stored runs (default: .tunegate in the root folder)",
    },
}
ENDPOINTS = ("concurrency", "timeout", "max-requests", "max-cost", "prices")
"""Options that are read as of `tunegate eval`: how hosted models are asked, and what for."""

LIMITS = ("max_requests", "max_cost")
NUMBERS = {
    "few-shot": ("K", "show K fixed demonstrations"),
    "nearest": ("K", "show the K most similar train cases"),
    "repeats": ("N", "run each case N times, with other seeds"),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """State the options of `pytest suites/`."""
    group = parser.getgroup("tunegate", "eval suites (tunegate)")
    for name, how in TEXTS.items():
        group.addoption(f"--tunegate-{name}", **how)
    for name, (metavar, text) in NUMBERS.items():
        group.addoption(f"--tunegate-{name}", metavar=metavar, type=_count, help=text)
    for name in ENDPOINTS:
        group.addoption(
            f"--tunegate-{name}", metavar="X", help=f"hosted models, as of `tunegate eval --{name}`"
        )
    group.addoption(
        "--tunegate-case",
        action="append",
        default=[],
        metavar="ID",
        help="only this case, and nothing that judges a whole suite; may be repeated",
    )
    group.addoption(
        "--tunegate-reviewed",
        action="store_true",
        help="a person has reviewed the changed gate definition",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuse a budget where several processes would each keep one of their own."""
    limited = any(config.getoption(f"tunegate_{name}", None) for name in LIMITS)
    if limited and config.getoption("tx", None) and not hasattr(config, "workerinput"):
        raise pytest.UsageError(
            "--tunegate-max-requests and --tunegate-max-cost are kept by one process: leave -n away"
        )


def _count(text: str) -> int:
    """A whole number of at least 1, for the command line's parser."""
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


_count.__name__ = "whole number of at least 1"  # argparse names it where a value is wrong


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect a file named `suite.yaml` that looks like one of tunegate's."""
    if file_path.name != SUITE_FILE or not _looks_like_a_suite(file_path):
        return None
    from tunegate.pytesting.items import SuiteFile

    return SuiteFile.from_parent(parent, path=file_path)


def _looks_like_a_suite(path: Path) -> bool:
    """Whether a file has the form of a suite, be it broken: other tools have a `suite.yaml` too.

    A suite that lost its `format` must not vanish from a test run without a word.
    """
    try:
        with path.open("rb") as handle:
            head = handle.read(HEAD_BYTES)
    except OSError:
        return True  # collecting it says what is wrong
    keys = set(KEY.findall(head))
    return len(keys & KEYS) >= (1 if FORMAT_KEY in keys else 3)


@pytest.hookimpl(tryfirst=True)  # before -k and --lf leave any out
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse a case that no suite has: a misspelt id must not pass for a run of it."""
    if wanted := config.getoption("tunegate_case", None):
        from tunegate.pytesting.items import refuse_unknown_cases

        refuse_unknown_cases(wanted, items)


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
        terminalreporter.write_sep("=", "tunegate")
        for line in sorted(lines):
            colour = COLOURS.get(line.split(" ", 1)[0], "yellow")
            terminalreporter.write_line(line, **{colour: True})


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the working process, and clear what xdist's workers shared."""
    if items := sys.modules.get("tunegate.pytesting.items"):
        session = config.stash.get(items.SESSION, None)
        if session is not None:
            session.close()
    controller = config.pluginmanager.get_plugin("dsession")
    nodes = getattr(controller, "nodemanager", None)
    if nodes is not None and (ledger_folder(config) / "pytest").is_dir():
        from tunegate.pytesting.sessions import forget

        forget(ledger_folder(config), nodes.testrunuid)


def ledger_folder(config: pytest.Config) -> Path:
    """The folder of stored runs."""
    stated = config.getoption("tunegate_ledger", None)
    return config.invocation_params.dir / stated if stated else config.rootpath / ".tunegate"
