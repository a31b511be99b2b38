"""`tradeoff` and `--remedies` on the command line, and what `run`, `tune` and reports then say."""

from __future__ import annotations

from pathlib import Path

import pytest

import tuning.job
import tuning.trainer
from tests.tunegate.command_line import CommandLine
from tests.tuning.forgetting.scene import Scene, extra, write_scene
from tests.tuning.forgetting.test_choosing import with_settings
from tuning.training.base import check_trainable

MODEL = ("--model", "scripted:model.json")


@pytest.fixture
def ready(monkeypatch: pytest.MonkeyPatch, tunegate: CommandLine) -> CommandLine:
    scene = Scene(Path())
    monkeypatch.setattr(tuning.trainer, "tune_suite", with_settings(scene.training))
    monkeypatch.setattr(tuning.job, "make_with", scene.make_with)
    monkeypatch.setattr("tunegate.cli.tradeoff.check_trainable", lambda _name: None)
    write_scene(Path(), forgets=["tuned", "s0.75"], extra=extra("seed: 0"))
    return tunegate


def test_remedies_asked_for_on_the_command_line_are_tried_and_told(ready: CommandLine) -> None:
    told = ready("run", "tickets", *MODEL, "-o", "r.html")
    assert (told.code, "trade-off" in told.out) == (1, False)
    told = ready("tune", "tickets", *MODEL, "--remedies", "scale")
    assert told.code == 0
    assert "kept fails" in told.out
    assert "scale 0.5 (judged)" in told.out
    assert "verdict: ship_adapter" in told.out
    ready("report", "tickets", *MODEL, "-o", "r.html")
    page = Path("r.html").read_text(encoding="utf-8")
    assert 'id="tradeoff-title"' in page
    assert "tunegate tune tickets --model scripted:model.json --remedies scale" in page
    assert "tunegate run tickets --model scripted:model.json --no-tune" in page
    listed = ready("adapters", "--json").document
    assert {row["adapter"]: (bool(row["set_aside"]), row["verdict"]) for row in listed} == {
        "tuned": (True, "reject_adapter"),
        "s0.75": (True, ""),
        "s0.5": (False, "ship_adapter"),
    }


@pytest.mark.parametrize("wrong", ["speed", "scale,scale", ""])
def test_names_that_are_no_remedies_are_refused_before_anything_runs(
    wrong: str, ready: CommandLine
) -> None:
    told = ready("tune", "tickets", *MODEL, "--remedies", wrong)
    assert told.code == 2
    assert "known: scale, epochs, rate, replay, or all" in told.err
    assert not Path(".tunegate").exists()


def test_the_trade_off_of_scales_takes_no_look_and_stands_in_the_report(
    ready: CommandLine,
) -> None:
    ready("run", "tickets", *MODEL, "-o", "r.html")
    looks = Path("tickets/looks.jsonl").read_text(encoding="utf-8")
    told = ready("tradeoff", "tickets", *MODEL, "--json").document
    assert [line["what"] for line in told["tried"]] == [
        "as trained", "scale 0.75", "scale 0.5", "scale 0.25",
    ]  # fmt: skip
    assert told["chosen"] == ""
    assert "the sealed split was not looked at" in told["sentence"]
    assert Path("tickets/looks.jsonl").read_text(encoding="utf-8") == looks
    ready("report", "tickets", *MODEL, "--format", "markdown", "-o", "r.md")
    short = Path("r.md").read_text(encoding="utf-8")
    assert "The trade-off: " in short
    assert "| 4 | scale 0.25 |" in short


def test_without_a_verdict_or_an_adapter_it_says_what_to_do_and_opens_no_model(
    ready: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as unopened:
        unopened.setattr("tunegate.cli.tradeoff.open_job", None)
        told = ready("tradeoff", "tickets", *MODEL)
    assert told.code == 5
    assert "--no-tune" in told.err
    assert not Path(".tunegate").exists()
    ready("run", "tickets", *MODEL, "--no-tune", "-o", "r.html")
    monkeypatch.setattr("tunegate.cli.tradeoff.open_job", None)
    told = ready("tradeoff", "tickets", *MODEL)
    assert told.code == 5
    assert "no adapter of tickets is stored" in told.err


@pytest.mark.parametrize("wrong", ["0", "3", "x", "0.5,0.5", "nan"])
def test_scales_that_are_none_are_refused(wrong: str, ready: CommandLine) -> None:
    told = ready("tradeoff", "tickets", *MODEL, "--scales", wrong)
    assert told.code == 2
    assert "is no list of scales" in told.err
    assert not Path(".tunegate").exists()


def test_a_model_that_answers_by_rule_is_refused(
    ready: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tunegate.cli.tradeoff.check_trainable", check_trainable)
    assert "cannot be trained" in ready("tradeoff", "tickets", *MODEL).err
