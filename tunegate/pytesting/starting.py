"""From pytest's configuration to a session: options, where things lie, how progress is shown."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tunegate.environment import base_from
from tunegate.pytesting.child import Progress
from tunegate.pytesting.records import Options
from tunegate.pytesting.sessions import Session


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
        value: str | None = config.getoption(f"tunegate_{name}")
        return value

    def path(name: str) -> str | None:
        value = told(name)
        return str(config.invocation_params.dir / value) if value else None

    return Options(
        ledger=path("ledger") or str(config.rootpath / ".tunegate"),
        model=told("model"),
        prompt=told("prompt"),
        few_shot=config.getoption("tunegate_few_shot"),
        nearest=config.getoption("tunegate_nearest"),
        adapter=path("adapter"),
        precision=told("precision"),
        split=told("split"),
        repeats=config.getoption("tunegate_repeats"),
        baseline=path("baseline"),
        base=told("base") or base_from(os.environ),
        reviewed=bool(config.getoption("tunegate_reviewed")),
        cases=tuple(config.getoption("tunegate_case")),
    )


def shown(config: pytest.Config) -> Progress:
    """Progress on the terminal, past pytest's capture; nothing in xdist's workers."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    capture = config.pluginmanager.get_plugin("capturemanager")
    if reporter is None or capture is None or hasattr(config, "workerinput"):
        return lambda _label, _done, _total: None
    said: set[str] = set()

    def show(label: str, _done: int, _total: int) -> None:
        if label in said:
            return
        said.add(label)
        with capture.global_and_fixture_disabled():
            reporter.ensure_newline()
            reporter.write_line(f"tunegate: {label} ...")

    return show


def suite_folder(config: pytest.Config, name: str | Path) -> Path | str:
    """A suite named in a test: a folder seen from the root folder, else a shipped name."""
    folder = config.rootpath / name
    return folder if folder.exists() else str(name)
