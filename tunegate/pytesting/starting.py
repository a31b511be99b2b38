"""From pytest's configuration to a session and back to commands; how progress is shown."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tunegate.environment import base_from
from tunegate.pytest_plugin import ENDPOINTS, NUMBERS, SUITE_FILE, TEXTS, ledger_folder
from tunegate.pytesting.child import Progress
from tunegate.pytesting.records import Options
from tunegate.pytesting.sessions import Session

QUIET_SECONDS = 2.0  # work that takes less is not announced
PAUSE_SECONDS = 15.0  # between two lines about the same work


def start_session(config: pytest.Config) -> Session:
    """A session with the options of the command line."""
    return Session(config.rootpath, read_options(config), session_uid(config), shown(config))


def session_uid(config: pytest.Config) -> str | None:
    """What xdist calls this session in all its processes; None without xdist."""
    worker: dict[str, str] | None = getattr(config, "workerinput", None)
    return worker["testrunuid"] if worker else None


def read_options(config: pytest.Config) -> Options:
    """The options, with paths made absolute: the working process stands in the root folder."""

    def told(name: str) -> str | None:
        value: str | None = config.getoption(f"tunegate_{name}", None)
        return value

    def path(name: str) -> str | None:
        value = told(name)
        return str(config.invocation_params.dir / value) if value else None

    return Options(
        ledger=str(ledger_folder(config)),
        model=told("model"),
        prompt=told("prompt"),
        few_shot=config.getoption("tunegate_few_shot", None),
        nearest=config.getoption("tunegate_nearest", None),
        adapter=path("adapter"),
        precision=told("precision"),
        split=told("split"),
        repeats=config.getoption("tunegate_repeats", None),
        baseline=path("baseline"),
        base=told("base") or base_from(os.environ),
        reviewed=bool(config.getoption("tunegate_reviewed", default=False)),
        cases=tuple(config.getoption("tunegate_case", ())),
        endpoints=tuple(_endpoints(config)),
    )


def _endpoints(config: pytest.Config) -> Iterator[str]:
    """What was said of hosted models, as arguments of `tunegate eval`."""
    for name in ENDPOINTS:
        value = config.getoption(f"tunegate_{name.replace('-', '_')}", None)
        if value is not None:
            place = config.invocation_params.dir / value if name == "prices" else value
            yield f"--{name}={place}"


def shown(config: pytest.Config) -> Progress:
    """Progress on the terminal, past pytest's capture; nothing in xdist's workers."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    capture = config.pluginmanager.get_plugin("capturemanager")
    if reporter is None or capture is None or hasattr(config, "workerinput"):
        return lambda _label, _done, _total: None
    began: dict[str, float] = {}
    told: dict[str, float] = {}

    def show(label: str, done: int, total: int) -> None:
        now = time.monotonic()
        is_new = now - began.setdefault(label, now) < QUIET_SECONDS and total
        if is_new or now - told.get(label, -PAUSE_SECONDS) < PAUSE_SECONDS:
            return
        told[label] = now
        count = f": {done} of {total}" if total else ""
        with capture.global_and_fixture_disabled():
            reporter.ensure_newline()
            reporter.write_line(f"tunegate: {label}{count}")

    return show


def suite_path(config: pytest.Config, name: str | Path) -> Path:
    """A suite named in a test: seen from the root folder, else a shipped suite's name.

    In the form in which it is collected, so that items and tests share one evaluation.
    """
    place = config.rootpath / name
    manifest = place / SUITE_FILE
    return manifest if manifest.is_file() else place if place.exists() else Path(name)


def command_alone(config: pytest.Config, item: pytest.Item) -> str:
    """The command that runs one item as it ran here, from where pytest was started."""
    path = os.path.relpath(item.path, config.invocation_params.dir)
    inner = item.nodeid.split("::", 1)[1]
    return shlex.join(["pytest", f"{path}::{inner}", *_stated(config)])


def _stated(config: pytest.Config) -> Iterator[str]:
    """The options that were given of what is run."""
    for name in (*TEXTS, *NUMBERS, *ENDPOINTS):
        value = config.getoption(f"tunegate_{name.replace('-', '_')}", None)
        if value is not None:
            yield f"--tunegate-{name}={value}"


def command_stored(config: pytest.Config, run: str, case: str) -> str:
    """The command that shows a case as it is stored, from where pytest was started."""
    here = config.invocation_params.dir
    ledger = os.path.relpath(ledger_folder(config), here)
    named = [] if ledger == ".tunegate" else ["--ledger", ledger]
    dashes = ["--"] if case.startswith("-") else []
    return shlex.join(["tunegate", "show", *named, *dashes, run, case])
