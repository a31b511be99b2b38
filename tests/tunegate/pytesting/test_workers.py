"""xdist: a suite is run once for all workers, and one that dies costs nothing but itself."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.tunegate.command_line import finish
from tests.tunegate.pytesting.project import (
    add_suite,
    outputs_stored,
    processes_with,
    read_junit,
    run_pytest,
    start_pytest,
)

SCORER = """\
import time
from pathlib import Path

from tunegate import Case, Output, Score

HERE = Path(__file__).parent


def right(case: Case, output: Output) -> Score:
    with (HERE / "scored.txt").open("a") as handle:
        handle.write(case.id + "\\n")
    if (HERE / "slow").exists():
        time.sleep(1)
    return Score(float(output.text == case.expected), "compared")
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """A suite whose own scorer writes down what it scores, each time it does."""
    folder = add_suite(tmp_path)
    manifest = folder / "suite.yaml"
    text = manifest.read_text()
    before = "{scorer: label@1, labels: [billing, login, shipping]}"
    assert before in text
    manifest.write_text(text.replace(before, '{scorer: python@1, function: "scorers.py:right"}'))
    for prompt in (folder / "prompts").iterdir():
        prompt.write_text(prompt.read_text().replace('{{ labels | join(", ") }}', "words"))
    (folder / "scorers.py").write_text(SCORER)
    return folder


def test_four_workers_generate_and_score_a_suite_once_and_agree_with_none(suite: Path):
    project = suite.parents[1]
    alone = run_pytest(project, "suites", "-k", "not check", "--tunegate-ledger=alone")
    assert alone.code == 0
    scored = suite / "scored.txt"
    once = sorted(scored.read_text().split())
    assert len(once) == 60
    scored.unlink()
    shared = run_pytest(project, "suites", "-k", "not check", "-n4", "-rs")
    assert shared.items == alone.items
    assert "baseline was accepted yet" in shared.out
    assert "XFAIL" not in shared.out
    assert sorted(scored.read_text().split()) == once
    assert outputs_stored(project / ".tunegate") == outputs_stored(project / "alone") == 60
    assert not (project / ".tunegate" / "pytest").exists()  # what the workers left each other


def test_a_worker_that_is_killed_while_it_generates_is_replaced_and_the_rest_is_judged(
    suite: Path,
):
    project = suite.parents[1]
    (suite / "slow").touch()
    mark = f"TUNEGATE_TEST={project}"
    junit = project / "junit.xml"
    process = start_pytest(
        project, "suites", "-k", "dev", "-n2", f"--junitxml={junit}", TUNEGATE_TEST=str(project)
    )
    try:
        working = busy_process(suite, mark)
        os.kill(parent_of(working), signal.SIGKILL)
        # At once, and not when it next has something to say, a batch of eight seconds later.
        wait_for(lambda: working not in processes_with(mark), seconds=4)
        (suite / "slow").unlink()
    finally:
        told = finish(process)
    assert "replacing crashed worker" in told.out
    states = [item.state for item in read_junit(junit).values()]
    # pytest says of the item at hand that its worker crashed; all others are judged.
    assert states.count("error") == 1
    assert states.count("passed") + states.count("xfailed") == 59
    assert processes_with(mark) == []


def busy_process(suite: Path, mark: str) -> int:
    """The working process that is scoring."""
    wait_for((suite / "scored.txt").exists)
    for pid in processes_with(mark):
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        if b"tunegate.pytesting.serve" in command and held_lock(pid):
            return pid
    raise AssertionError("no working process is at work")


def held_lock(pid: int) -> bool:
    links = Path(f"/proc/{pid}/fd").iterdir()
    return any(link.exists() and link.resolve().name == "job.lock" for link in links)


def parent_of(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("PPid:")]
    return int(line.split()[1])


def wait_for(ready, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)


def test_ctrl_c_ends_the_working_process_and_the_next_run_goes_on(suite: Path):
    project = suite.parents[1]
    (suite / "slow").touch()
    mark = f"TUNEGATE_TEST={project}"
    process = start_pytest(project, "suites", "-k", "dev", "-s", TUNEGATE_TEST=str(project))
    try:
        wait_for((suite / "scored.txt").exists)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    finally:
        told = finish(process)
    assert told.code == 2
    assert "KeyboardInterrupt" in told.out
    assert "Traceback" not in told.err
    wait_for(lambda: processes_with(mark) == [], seconds=5)
    generated = outputs_stored(project / ".tunegate")
    assert 0 < generated <= 60
    (suite / "slow").unlink()
    assert run_pytest(project, "suites", "-k", "dev").code == 0
    assert outputs_stored(project / ".tunegate") == 60


def test_a_working_process_that_is_killed_is_said_once_and_the_next_run_goes_on(suite: Path):
    project = suite.parents[1]
    (suite / "slow").touch()
    mark = f"TUNEGATE_TEST={project}"
    process = start_pytest(project, "suites", "-k", "dev", TUNEGATE_TEST=str(project))
    try:
        os.kill(busy_process(suite, mark), signal.SIGKILL)
    finally:
        told = finish(process)
    assert told.code == 1
    assert told.out.count("\nthe process that runs models was killed (SIGKILL") == 1
    assert "Traceback" not in told.out + told.err
    assert "not run: see suites/tickets/suite.yaml::dev::dev-0000" in told.out
    wait_for(lambda: processes_with(mark) == [], seconds=5)
    (suite / "slow").unlink()
    assert run_pytest(project, "suites", "-k", "dev").code == 0
