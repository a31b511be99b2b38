"""One JSON document on standard output, talk on standard error, colours for terminals only."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sample_suite import write_suite
from tests.tunegate.command_line import CommandLine, environment, finish, is_step, start
from tests.tunegate.scenes import write_model

MODEL = ("--model", "scripted:model.json")


@pytest.fixture
def scene(tunegate: CommandLine) -> Path:
    write_model(Path("model.json"))
    write_suite(Path("tickets"))
    Path("a.jsonl").write_text('{"id": "1", "score": 1}\n{"id": "2", "score": 0}\n')
    Path("data.csv").write_text("input,expected\na b,yes\nc d,no\ne f,yes\ng h,no\n")
    return Path("tickets")


COMMANDS = [
    ["init", "fresh"],
    ["init", "from_csv", "--from", "data.csv"],
    ["check", "tickets"],
    ["check", "tickets", "tickets"],
    ["audit", "tickets"],
    ["eval", "tickets", *MODEL],
    ["run", "tickets", *MODEL],
    ["gate", "tickets", *MODEL],
    ["tune", "tickets", *MODEL],
    ["compare", "a.jsonl", "a.jsonl"],
    ["report", "tickets", *MODEL],
    ["runs"],
    ["show", "tickets-dev-"],
    ["models"],
]


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda a: " ".join(a)[:30])
def test_json_is_one_document_and_nothing_else_on_standard_output(
    arguments: list[str], scene: Path, tunegate: CommandLine
) -> None:
    tunegate("eval", "tickets", *MODEL)
    tunegate("gate", "tickets", *MODEL)
    told = tunegate(*arguments, "--json")
    assert isinstance(told.document, dict | list)
    assert "\x1b" not in told.out + told.err
    for line in told.err.splitlines():
        assert line.startswith("error: ") or is_step(line)


def test_progress_and_notes_go_to_standard_error(scene: Path, tunegate: CommandLine) -> None:
    told = tunegate("run", "tickets", *MODEL)
    assert "round 1: wording: terse ..." in told.err
    assert "terse ..." not in told.out
    assert "gate: " in told.out
    assert "report: tickets-report.html" in told.out


def test_a_line_in_a_pipe_is_one_line_however_long(scene: Path, tunegate: CommandLine) -> None:
    folder = Path("a" * 90)
    told = tunegate("run", folder)
    assert len(told.err.splitlines()) == 1
    assert str(folder) in told.err


def on_terminal(folder: Path, *arguments: str, **changes: str) -> str:
    """What the command writes to a terminal, both streams."""
    child, terminal = pty.fork()
    if child == 0:  # pragma: no cover - another process
        os.chdir(folder)
        kept = environment(TERM="xterm-256color", COLUMNS="100", **changes)
        os.execve(sys.executable, [sys.executable, "-m", "tunegate", *arguments], kept)
    seen = b""
    try:
        while block := os.read(terminal, 1 << 16):
            seen += block
    except OSError:  # how a terminal says that its other side has closed
        pass
    os.waitpid(child, 0)
    os.close(terminal)
    return seen.decode("utf-8")


def test_colours_are_for_terminals_and_no_color_is_honoured(scene: Path, tmp_path: Path) -> None:
    plain = finish(start(tmp_path, "eval", "tickets", *MODEL))
    assert plain.code == 0
    assert "\x1b" not in plain.out + plain.err
    assert "\x1b[1m" in on_terminal(tmp_path, "check", "tickets")
    colourless = on_terminal(tmp_path, "run", "nowhere", NO_COLOR="1")
    assert "error: " in colourless
    assert "\x1b[31m" not in colourless
    assert "\x1b[1;31m" not in colourless
    assert "\x1b[1;31m" in on_terminal(tmp_path, "run", "nowhere")


def test_a_reader_that_leaves_early_leaves_no_traceback(scene: Path, tmp_path: Path) -> None:
    process = start(tmp_path, "check", *["tickets"] * 3, "--json")
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    told_err = process.communicate(timeout=120)[1].decode()
    assert process.returncode == 141
    assert "Traceback" not in told_err
    assert "BrokenPipe" not in told_err


def write_opposites() -> None:
    for name, score in (("right", 1), ("wrong", 0)):
        lines = (f'{{"id": "case-{n}", "score": {score}}}' for n in range(500))
        Path(f"{name}.jsonl").write_text("\n".join(lines))


@pytest.mark.parametrize("more", [(), ("--json",)], ids=["table", "json"])
def test_a_failed_quality_is_no_success_where_nobody_reads(
    more: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_opposites()
    process = start(tmp_path, "compare", "right.jsonl", "wrong.jsonl", "--margin", "0.05", *more)
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    told_err = process.communicate(timeout=120)[1].decode()
    assert process.returncode in (1, 141)
    assert "Traceback" not in told_err


def test_a_stream_that_was_closed_from_the_start_changes_no_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_opposites()
    command = f"{sys.executable} -m tunegate compare right.jsonl wrong.jsonl --margin 0.05 >&-"
    told = subprocess.run(
        ["/bin/sh", "-c", command], env=environment(), capture_output=True, check=False, timeout=120
    )
    assert told.returncode == 1
    assert b"Traceback" not in told.stderr


@pytest.mark.parametrize("width", ["0", "20", "60", "80", "200"])
def test_a_number_is_never_cut_to_another_one(
    width: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tunegate: CommandLine
) -> None:
    monkeypatch.chdir(tmp_path)
    write_opposites()
    monkeypatch.setenv("COLUMNS", width)
    told = tunegate("compare", "right.jsonl", "wrong.jsonl")
    words = told.out.split()
    assert {"500", "100.0%", "0.0%", "-100.0", "0/500/0"} <= set(words)
    said = re.search(r"mid-p[^0-9]*([0-9.]+e-[0-9]+)", " ".join(words))
    rows = [line.split() for line in told.out.splitlines() if "0/500/0" in line]
    p_value = said[1] if said else rows[0][-1]
    assert float(p_value) < 1e-100  # cut short it would read as a millionth
