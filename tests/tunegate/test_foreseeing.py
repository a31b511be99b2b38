"""What training would refuse of a suite's files is told by `check`, and before `run` spends."""

from __future__ import annotations

from pathlib import Path

from tests.tunegate.command_line import CommandLine
from tests.tunegate.scenes import write_model
from tests.tunegate.test_data import write
from tests.tuning.data.test_files import chat_row


def contradicting() -> str:
    return "".join(chat_row("the same words", f"answer {n}") for n in range(3))


def test_check_warns_of_files_that_training_would_refuse(tunegate: CommandLine) -> None:
    write(Path("s"), contradicting())
    told = tunegate("check", "s")
    assert told.code == 0, told.err
    assert "warning: " in told.out
    assert "training would refuse the data: " in told.out
    assert "see `tunegate data`" in told.out
    found = tunegate("check", "s", "--json").document["findings"]
    assert [f["level"] for f in found if f["code"] == "training_data"] == ["warning"]


def test_check_says_nothing_of_files_that_training_takes(tunegate: CommandLine) -> None:
    write(Path("s"), chat_row("brand new words", "login"))
    assert "training would refuse" not in tunegate("check", "s").out


def test_a_file_that_cannot_be_read_ends_a_run_before_anything_is_asked(
    tunegate: CommandLine,
) -> None:
    suite = write(Path("s"), chat_row("brand new words", "login"))
    with (suite / "extra.jsonl").open("ab") as file:
        file.write(b'{"messages": "\xff"}\n')
    for command in (
        ("check", "s"),
        ("run", "s", "--no-tune", "--model", write_model(Path("m.json"))),
    ):
        told = tunegate(*command)
        assert told.code == 2
        assert "extra.jsonl:2" in told.err
    assert "no run" in tunegate("runs").err
