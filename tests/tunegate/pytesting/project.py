"""A project with suites in a scratch folder, and a real pytest at work in it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

from tests.sample_suite import write_suite
from tests.tunegate.command_line import environment, finish, hear_interrupts
from tests.tunegate.scenes import KNOWN, Rules, write_model

# The module's own name loads the plugin whether or not tunegate is installed as well.
PYTEST = ("-m", "pytest", "-p", "tunegate.pytest_plugin", "-p", "xdist", "--no-header")
CHECK_APART = "not check"  # for -k: the scorers' self-test takes seconds and is not in question

Change = Callable[[dict[str, Any]], dict[str, Any]]


def must_pass(*ids: str) -> Change:
    """A change for `write_suite`: these cases must pass."""
    return lambda case: case | ({"must_pass": True} if case["id"] in ids else {})


def add_suite(
    project: Path,
    name: str = "tickets",
    *,
    rules: Rules = KNOWN,
    dev: int = 60,
    extra: str = "",
    prompt: str = "spec",
    **options: Any,
) -> Path:
    """`suites/NAME` with 30 train cases, answered by a script of its own in the root folder."""
    write_model(project / f"{name}.json", rules)
    folder = write_suite(
        project / "suites" / name,
        sizes={"train": 30, "dev": dev},
        extra=f"candidate: {{model: 'scripted:{name}.json', prompt: {prompt}}}\n{extra}",
        **options,
    )
    manifest = folder / "suite.yaml"
    manifest.write_text(manifest.read_text().replace("name: tickets", f"name: {name}"))
    return folder


class Reported(NamedTuple):
    """One item as JUnit has it: passed, failed, error, skipped or xfailed; and what it says."""

    state: str
    message: str
    text: str
    properties: Mapping[str, str]


class Seen(NamedTuple):
    """What a person saw of a test run, and its items by the end of their node ids."""

    code: int
    out: str
    err: str
    items: Mapping[str, Reported]

    def states(self, start: str = "") -> dict[str, str]:
        """The state of each item whose name begins so."""
        return {name: item.state for name, item in self.items.items() if name.startswith(start)}


def start_pytest(project: Path, *arguments: object, **changes: str) -> subprocess.Popen[bytes]:
    """Start pytest in a folder, leading a process group of its own."""
    changes = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "COLUMNS": "160", **changes}
    return subprocess.Popen(
        [sys.executable, *PYTEST, *(str(argument) for argument in arguments)],
        cwd=project,
        env={k: v for k, v in environment(**changes).items() if not k.startswith("PYTEST_X")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=hear_interrupts,  # noqa: PLW1509 - it takes no lock
    )


def run_pytest(project: Path, *arguments: object, **changes: str) -> Seen:
    """Run pytest in a folder to its end."""
    junit = project / "junit.xml"
    junit.unlink(missing_ok=True)
    told = finish(start_pytest(project, *arguments, f"--junitxml={junit}", **changes))
    return Seen(*told, read_junit(junit) if junit.exists() else {})


def read_junit(path: Path) -> dict[str, Reported]:
    """Items by `dev::dev-0001`, `threshold::accuracy`, `check`; of tests, by their names."""
    found: dict[str, Reported] = {}
    for case in ET.parse(path).getroot().iter("testcase"):
        group = case.get("classname", "").rpartition(".")[2]
        name = case.get("name", "")
        properties = {p.get("name", ""): p.get("value", "") for p in case.iter("property")}
        kinds = [child for child in case if child.tag in ("failure", "error", "skipped")]
        state, message, text = "passed", "", ""
        for child in kinds:
            state = {"failure": "failed", "error": "error"}.get(child.tag, "skipped")
            if child.get("type") == "pytest.xfail":
                state = "xfailed"
            message, text = child.get("message", ""), child.text or ""
        key = f"{group}::{name}" if group in GROUPS else name
        found[key] = Reported(state, message, text, properties)
    return found


GROUPS = {"dev", "threshold", "target", "guard", "baseline", "definition"}


def replies(project: Path, name: str, rules: Rules) -> None:
    """Give a suite's model other rules."""
    write_model(project / f"{name}.json", rules)


def outputs_stored(ledger: Path) -> int:
    """How many outputs were ever generated into a ledger."""
    import sqlite3

    db = sqlite3.connect(f"file:{ledger / 'ledger.sqlite3'}?mode=ro", uri=True)
    try:
        (count,) = db.execute("select count(*) from outputs").fetchone()
    finally:
        db.close()
    return int(count)


def processes_with(mark: str) -> list[int]:
    """Ids of living processes whose environment has `mark`. Linux only."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            alive = folder.joinpath("status").read_text().find("\nState:\tZ") < 0
            if alive and mark.encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue  # it ended meanwhile, or is somebody else's
    return found


def write_cases(path: Path, cases: Sequence[Mapping[str, Any]]) -> None:
    """Replace a file of cases."""
    path.write_text("".join(json.dumps(case) + "\n" for case in cases))
