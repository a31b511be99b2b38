"""In continuous integration nothing that is printed is a command, but what is meant as one."""

from __future__ import annotations

import json
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evals.errors import SuiteError
from evals.text import inert, visible
from tests.reports.ci.hostile_texts import hostile_texts
from tests.reports.ci.runner_log import Command, commands
from tests.sample_suite import write_suite
from tests.tunegate.command_line import CommandLine
from tests.tunegate.scenes import write_model
from tunegate.cli.ci_log import InertStream, inert_json
from tunegate.cli.console import Terminal
from tunegate.environment import in_ci

VARIABLES = ("CI", "GITHUB_ACTIONS", "TF_BUILD", "TEAMCITY_VERSION")


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.fixture
def inside(outside: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    outside.setenv("CI", "true")
    return outside


@pytest.mark.parametrize("name", VARIABLES)
def test_each_service_is_known_by_its_variable(name: str) -> None:
    assert in_ci({name: "true"})
    assert in_ci({name: "2024.1"})
    for off in ("", "0", "false", "False", " FALSE "):
        assert not in_ci({name: off})
    assert not in_ci({"HOME": "/"})


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("::error::x", r"\x3a:error::x"),
        ("  \t::error::x", "  \t" + r"\x3a:error::x"),
        ("\u3000\u00a0::error::x", "\u3000\u00a0" + r"\x3a:error::x"),
        ("\x1b[1m::error::x", "\x1b[1m" + r"\x3a:error::x"),
        (":::error::x", r"\x3a::error::x"),
        ("a\r::error::x\n::b", "a\r" + r"\x3a:error::x" + "\n" + r"\x3a:b"),
        ("see a::b and ::c::d", "see a::b and ::c::d"),
        ("a ##[error]x", r"a \x23#[error]x"),
        ("####[x]", r"\x23\x23\x23#[x]"),
        ("##vso[task.complete]", r"\x23#vso[task.complete]"),
        ("##teamcity[buildStop]", r"\x23#teamcity[buildStop]"),
        ("# one, #2", "# one, #2"),
        ("", ""),
        ("\n\n", "\n\n"),
    ],
)
def test_the_first_sign_of_a_command_becomes_an_escape(text: str, shown: str) -> None:
    assert inert(text) == shown


@given(hostile_texts)
def test_inert_text_holds_no_command_and_stays_inert(text: str) -> None:
    for made in (inert(text), inert(visible(text))):
        assert commands(made) == []
        assert "##" not in made
        assert inert(made) == made


def test_many_blank_lines_take_no_long_time() -> None:
    assert inert("\n \n" * 200_000 + "::x").endswith(r"\x3a:x")
    assert inert(" " * 400_000) == " " * 400_000


@given(st.lists(st.sampled_from([":", "#", " ", "\n", "::", "##[", "]", "x"]) | hostile_texts))
def test_a_stream_is_inert_however_its_lines_are_cut(pieces: list[str]) -> None:
    file = StringIO(newline="")
    stream = InertStream(file)  # type: ignore[arg-type]
    for piece in pieces:
        assert stream.write(piece) == len(piece)
    assert commands(file.getvalue()) == []
    assert "##" not in file.getvalue()


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(st.recursive(hostile_texts, lambda deeper: st.dictionaries(hostile_texts, deeper)))
def test_json_keeps_its_content_and_holds_no_command(content: Any) -> None:
    made = inert_json(json.dumps(content, indent=2))
    assert json.loads(made) == content
    assert commands(made) == []
    assert "##" not in made


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(text=hostile_texts, width=st.sampled_from(["20", "40", "100"]))
def test_whatever_a_terminal_is_given_only_commands_that_are_meant_come_out(
    text: str, width: str, inside: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    inside.setenv("COLUMNS", width)
    terminal = Terminal(as_json=False)
    terminal.line(text)
    terminal.line(f"some words before {text}", "bold")
    terminal.note(text)
    terminal.table(text, [f">{text}", text], [[text, f"some words before {text}"], ["", text]])
    terminal.table("", ["", text], [["", text]])
    terminal.pieces([(text, "bold")])
    terminal.error(SuiteError(text, path=text, key=text, hint=text))
    terminal.command("::error title=a::b")
    with terminal.progress(text) as progress:
        progress(1, 2)
    told = capsys.readouterr()
    assert commands(told.out) == []
    assert commands(told.err) == [Command("error", {"title": "a"}, "b")]
    assert "##" not in told.out + told.err


def test_a_wrapped_line_cannot_begin_with_a_command(
    inside: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    inside.setenv("COLUMNS", "30")
    Terminal(as_json=False).table("", ["why"], [["word " * 5 + "::error::gotcha"]])
    assert r"\x3a:error::gotcha" in capsys.readouterr().out


def test_a_command_begins_a_line_of_its_own_and_is_one_line(
    inside: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = Terminal(as_json=True)
    terminal.command("::notice::x")
    stream = InertStream(sys.stderr)
    stream.write("half a line")
    stream.command("::notice::y")
    assert capsys.readouterr().err == "::notice::x\nhalf a line\n::notice::y\n"
    for line in ("::a::b\n", "::a::b\r::c::d", ""):
        with pytest.raises(ValueError, match="one line"):
            terminal.command(line)


def test_outside_of_ci_nothing_is_changed(
    outside: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = Terminal(as_json=False)
    terminal.line("::error::x ##[y]")
    terminal.note("::error::x")
    assert capsys.readouterr() == ("::error::x ##[y]\n", "::error::x\n")
    Terminal(as_json=True).result({"a": "##"})
    assert capsys.readouterr().out == '{\n  "a": "##"\n}\n'


@pytest.mark.parametrize("more", [(), ("--json",)], ids=["person", "program"])
def test_a_whole_command_on_hostile_cases_gives_no_command(
    more: tuple[str, ...], inside: pytest.MonkeyPatch, tunegate: CommandLine
) -> None:
    hostile = "\n::error::x\n##[error]y ##vso[task.complete] ::stop-commands::z"
    write_model(Path("model.json"), [{"contains": "", "reply": hostile}])
    write_suite(Path("tickets"))
    inside.setenv("COLUMNS", "40")
    model = ("--model", "scripted:model.json", "--prompt", "terse")
    made = tunegate("eval", "tickets", *model, "--json").document
    for arguments in (["show", made["id"]], ["show", made["id"], "dev-0000"], ["::error::x"]):
        told = tunegate(*arguments, *more)
        assert commands(told.out) == commands(told.err) == []
    if more:
        told = tunegate("show", made["id"], *more)
        assert told.document["results"][0]["output"]["text"] == hostile


def test_the_stream_behind_is_asked_what_it_is() -> None:
    stream = InertStream(sys.__stdout__)
    assert stream.isatty() == sys.__stdout__.isatty()
    assert stream.encoding == sys.__stdout__.encoding
