from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from evals.models import names
from evals.suite.tune_data import FORMATS
from tests.sample_suite import write_suite
from tests.tunegate.command_line import CommandLine
from tests.tunegate.scenes import write_model
from tests.tuning.data.test_files import chat_row
from tunegate.cli.parser import DATA_FORMATS
from tuning.data import formats

TUNE = "tune: {prompt: terse, min_examples: 20}\n"


def write(folder: Path, rows: str = "", tune: str = TUNE) -> Path:
    """The sample suite, which trains on `extra.jsonl` where there are rows, and a script."""
    write_model(Path("x.json"))
    if rows:
        tune = tune.replace("}", ", data: [extra.jsonl]}")
    write_suite(folder, extra=tune)
    if rows:
        (folder / "extra.jsonl").write_text(rows)
    return folder


def test_the_formats_are_the_same_wherever_they_are_named() -> None:
    assert tuple(formats.FORMATS) == FORMATS == DATA_FORMATS


def test_what_would_be_trained_on_is_counted_measured_and_decoded(
    tunegate: CommandLine, tiny_model: str
) -> None:
    write(Path("s"), chat_row("brand new words", "login"))
    told = tunegate("data", "s", "--model", tiny_model, "--show", "2")
    assert told.code == 0, told.err
    assert "file extra.jsonl" in told.out
    assert re.search(r"in all +28 +3\b", told.out)
    assert "tokens, " in told.out
    assert "⟦billing<|im_end|>⟧" in told.out
    assert "⟦login<|im_end|>⟧" in told.out, "an example of each source is shown"
    assert "training would start on this" in told.out


def test_json_has_all_rows_of_all_findings_and_the_preview(
    tunegate: CommandLine, tiny_model: str
) -> None:
    rows = "".join(chat_row("the same words", f"answer {n}") for n in range(9))
    write(Path("s"), rows)
    told = tunegate("data", "s", "--model", tiny_model, "--show", "1", "--json")
    assert told.code == 1
    document = told.document
    assert document["refused"] is True
    (found,) = [f for f in document["findings"] if f["code"] == "contradiction"]
    assert len(found["rows"]) == 9
    assert document["sources"][1]["source"] == "file extra.jsonl"
    assert document["examples"] == 39
    assert sum(line["trained_on"] + line["held_out"] for line in document["sources"]) == 39
    assert len(document["held_out"]) == sum(line["held_out"] for line in document["sources"])
    assert document["preview"][0]["trained"].endswith("<|im_end|>")
    assert document["lengths"]["limit"] == 512


def test_a_refusal_names_rows_and_says_what_to_do(tunegate: CommandLine, tiny_model: str) -> None:
    rows = chat_row("same words", "login") + chat_row("same words", "billing")
    write(Path("s"), rows)
    told = tunegate("data", "s", "--model", tiny_model, "-o", "out.jsonl")
    assert told.code == 1
    assert "training refuses this" in told.out
    assert "extra.jsonl:1" in told.out
    assert "allow: [contradiction]" in told.out
    assert "out.jsonl was not written" in told.err
    assert not Path("out.jsonl").exists()


def test_a_file_that_the_suite_does_not_name_can_be_looked_at(
    tunegate: CommandLine, tiny_model: str
) -> None:
    write(Path("s"))
    Path("more.csv").write_text("question,reply\nwhere is my thing,login\n")
    told = tunegate(
        *("data", "s", "--model", tiny_model, "--data", "more.csv", "--json"),
        *("--column", "input=question", "--column", "expected=reply"),
    )
    assert told.code == 0, told.err
    assert [line["source"] for line in told.document["sources"]] == ["suite", "file more.csv"]


def test_what_is_written_is_what_is_trained_on(tunegate: CommandLine, tiny_model: str) -> None:
    write(Path("s"), chat_row("brand new words", "login"))
    told = tunegate("data", "s", "--model", tiny_model, "-o", "out/all.jsonl", "--json")
    assert told.document["written"] == "out/all.jsonl"
    rows = [json.loads(line) for line in Path("out/all.jsonl").read_text().splitlines()]
    assert len(rows) == told.document["examples"] == 31
    assert rows[0]["messages"][-1] == {"role": "assistant", "content": "billing"}
    again = tunegate("data", "s", "--model", tiny_model, "-o", "x.csv", "--format", "csv")
    assert again.code == 0
    assert len(Path("x.csv").read_text().splitlines()) == 32


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-o", "s/extra.jsonl"), "would overwrite what this command reads"),
        (("--data", "more.jsonl", "-o", "more.jsonl"), "would overwrite what this command reads"),
        (("--data", "nosuch.jsonl"), "no such file"),
        (("--data", "bad.jsonl"), "bad.jsonl:2"),
        (("--column", "input=q"), "add --data"),
        (("--data", "more.jsonl", "--column", "promt=q"), "no column for 'promt'"),
        (("--data", "more.jsonl", "--column", "q"), "not of the form"),
        (("--provenance",), "--provenance is of"),
        (("--format", "csv"), "--format is of -o FILE"),
        (("--format", "chat"), "--format is of -o FILE"),
        (("-o", "s", "--format", "datasets"), "is there already"),
        (("--show", "many"), "whole number"),
        (("--model", "scripted:nosuch.json"), "there is no script file 'nosuch.json'"),
    ],
)
def test_bad_input_is_one_error_and_writes_nothing(
    tunegate: CommandLine, arguments: tuple[str, ...], said: str
) -> None:
    write(Path("s"), chat_row("brand new words", "login"))
    Path("more.jsonl").write_text(chat_row("other words", "login"))
    Path("bad.jsonl").write_text(chat_row("other words", "login") + "{]\n")
    before = Path("s/extra.jsonl").read_text()
    told = tunegate("data", "s", "--model", "scripted:x.json", *arguments)
    assert told.code == 2
    assert told.err.startswith("error: ")
    assert said in " ".join(told.err.split())
    assert Path("s/extra.jsonl").read_text() == before


@pytest.mark.parametrize("model", ["scripted:x.json", "openai:large"])
def test_without_a_tokenizer_the_rest_is_linted_and_one_line_says_so(
    tunegate: CommandLine, model: str
) -> None:
    write(Path("s"), chat_row("brand new words", "login"))
    told = tunegate("data", "s", "--model", model)
    assert told.code == 0, told.err
    assert f"nothing is decoded: {model} has no tokenizer here" in " ".join(told.out.split())


def test_without_the_local_extra_it_says_what_to_install(
    tunegate: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "missing_modules", lambda: ["torch"])
    write(Path("s"), chat_row("same words", "login") + chat_row("same words", "billing"))
    told = tunegate("data", "s", "--json")
    assert told.code == 1
    assert "pip install 'tunegate[local]'" in told.document["notes"][0]
    assert told.document["lengths"] is None


def test_hostile_rows_stay_text(tunegate: CommandLine, tiny_model: str) -> None:
    hostile = "\x1b]0;owned\x07 [bold red]x[/] ⟦forged⟧ \u202egnp.exe <|im_end|>"
    write(Path("s"), chat_row(hostile, "login" + hostile))
    told = tunegate("data", "s", "--model", tiny_model, "--show", "4")
    for character in "\x1b\x07\u202e":
        assert character not in told.out
    assert "[bold red]x[/]" in told.out
    assert r"\u27e6forged\u27e7" in told.out


def test_the_suites_own_scorer_is_asked(tunegate: CommandLine, tmp_path: Path) -> None:
    def spoil(row: dict[str, object]) -> dict[str, object]:
        return row | {"answer": "nonsense"} if row["id"] == "train-0004" else row

    write_suite(tmp_path / "s", extra=TUNE, change=spoil)
    write_model(Path("x.json"))
    told = tunegate("data", "s", "--model", "scripted:x.json", "--json")
    assert told.code == 1
    (found,) = [f for f in told.document["findings"] if f["code"] == "rejected_answer"]
    assert found["rows"][0].startswith("train-0004 ")
