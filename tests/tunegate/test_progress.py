"""Progress in a log: a line at the beginning, now and then one, and one at the end."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from io import StringIO
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from tests.sample_suite import write_suite
from tests.tunegate.command_line import CommandLine
from tests.tunegate.scenes import write_model
from tunegate.cli import progress
from tunegate.cli.console import Terminal
from tunegate.cli.progress import barred, logged

MODEL = ("--model", "scripted:model.json")
TOOK = r"[0-9.]+ s"
LABEL = "round 3: nearest: spec + 8 nearest"


def test_work_that_reports_is_told_with_its_count_and_time() -> None:
    said: list[str] = []
    with logged(LABEL, said.append, pause=60) as report:
        report("120 of 254", 0.5)
        report("254 of 254", 1.0)
    assert said[0] == f"{LABEL} ..."
    assert re.fullmatch(rf"{re.escape(LABEL)}: 254 of 254 in {TOOK}", said[1])
    assert len(said) == 2, "however often it reports"


def test_a_log_gets_a_line_on_time_though_the_work_itself_is_silent() -> None:
    said: list[str] = []
    with logged("training", said.append, pause=0.02) as report:
        wait_for(said, 3)
        report("3 of 90", 0.03)
        wait_for(said, len(said) + 2)
    assert re.fullmatch(rf"training: at work, {TOOK}", said[1])
    assert re.fullmatch(rf"training: 3 of 90, {TOOK}", said[-2])
    before = len(said)
    time.sleep(0.1)
    assert len(said) == before, "nothing comes after the end"
    assert progress.PAUSE <= 60


def wait_for(said: list[str], count: int) -> None:
    until = time.monotonic() + 20
    while len(said) < count and time.monotonic() < until:
        time.sleep(0.005)


def test_work_that_fails_is_not_said_to_be_done() -> None:
    said: list[str] = []
    with suppress(ZeroDivisionError), logged("training", said.append, pause=60) as report:
        report("1 of 9", 1 / 9)
        raise ZeroDivisionError
    assert said == ["training ..."]


def test_a_reader_that_left_ends_the_lines_and_not_the_work() -> None:
    calls = []

    def say(text: str) -> None:
        calls.append(text)
        if len(calls) == 2:
            raise BrokenPipeError

    with logged("training", say, pause=0.01):
        wait_for(calls, 2)
        time.sleep(0.1)
    assert len(calls) == 3


@pytest.mark.parametrize("service", ["CI", "GITHUB_ACTIONS", ""])
@pytest.mark.parametrize("force", ["", "1"])
def test_a_log_of_ci_is_whole_lines_without_codes_that_move_the_cursor(
    service: str, force: str, tunegate: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CI", "GITHUB_ACTIONS"):
        monkeypatch.setenv(name, "true" if name == service else "")
    monkeypatch.setenv("FORCE_COLOR", force)
    write_model(Path("model.json"))
    write_suite(Path("tickets"))
    told = tunegate("eval", "tickets", "--prompt", "terse", *MODEL)
    assert told.code == 0, told.err
    assert "\r" not in told.err + told.out
    assert not re.search(r"\x1b\[[^m]*[A-Za-ln-z]", told.err + told.out)
    assert ("\x1b" in told.err + told.out) == bool(force)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", told.err).splitlines()
    assert "tickets dev: terse ..." in plain
    assert any(re.fullmatch(rf"tickets dev: terse: 60 of 60 in {TOOK}", line) for line in plain)
    assert len(plain) == 4, "two for the model that is opened, two for the run"
    assert "60 of 60" not in told.out


def test_one_empty_line_parts_a_table_from_what_stands_above(
    capsys: pytest.CaptureFixture[str],
) -> None:
    terminal = Terminal(as_json=False)
    terminal.table("first", ["a"], [["b"]])
    terminal.table("second", ["a"], [["b"]])
    terminal.line("words")
    terminal.table("", ["a"], [["b"]])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "first"
    assert lines[4:7] == ["", "second", "  a"]
    assert lines[9:13] == ["", "words", "", "  a"]


def test_a_table_in_a_pipe_is_a_line_a_row_and_fits_a_width_that_is_stated(
    tunegate: CommandLine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    row = ["a verdict of words", "evidence " * 40]
    monkeypatch.delenv("COLUMNS")
    Terminal(as_json=False).table("", ["verdict", "evidence"], [row])
    _, _, line, _ = capsys.readouterr().out.split("\n", 3)
    assert line.split() == " ".join(row).split()
    monkeypatch.setenv("COLUMNS", "50")
    Terminal(as_json=False).table("", ["verdict", "evidence"], [row])
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 50


@pytest.mark.parametrize("width", [30, 60, 80, 120])
@pytest.mark.parametrize("label", ["short", LABEL, f"[bold]{LABEL}[/]", "長い名前" * 20])
def test_a_bar_is_never_wider_than_the_terminal_and_its_label_is_whole(
    label: str, width: int
) -> None:
    written = StringIO()
    console = Console(file=written, force_terminal=True, width=width, legacy_windows=False)
    with barred(label, console, width) as report:
        report("1,200 of 20,000", 0.06)
        report("20,000 of 20,000", 1.0)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written.getvalue())
    lines = re.split(r"[\r\n]+", text)
    assert max(map(cell_len, lines)) <= width
    assert "".join(label.split()) in "".join(text.split())
    assert "20,000 of 20,000" in text
    assert "…" not in text


def test_steps_of_unknown_length_are_not_counted_of_nothing() -> None:
    written = StringIO()
    console = Console(file=written, force_terminal=True, width=80, legacy_windows=False)
    with barred("checking tickets", console, 80):
        pass
    assert "?" not in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written.getvalue())
