"""`audit --pairs` at a terminal: blind, cleaned, kept, resumed, refused without sense."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals.preferences import read_choices
from evals.suite import load_suite
from tests.sample_suite import TOPICS, write_suite
from tests.tunegate.command_line import CommandLine
from tests.tunegate.scenes import write_model
from tuning.data.pair_files import read_pairs

HOSTILE = "[bold]\x1b[2Jbilling\u202e"


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(capsys)


@pytest.fixture
def at_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tell: CommandLine) -> Path:
    """A folder with a suite and two runs on train that answer differently."""
    monkeypatch.chdir(tmp_path)
    suite = write_suite(tmp_path / "tickets", sizes={"train": 6, "dev": 4})
    for name, reply in (("one", "login"), ("two", HOSTILE)):
        write_model(
            tmp_path / f"{name}.json", [{"contains": t, "reply": reply} for t in TOPICS.values()]
        )
        told = tell(
            "eval",
            suite,
            "--split",
            "train",
            "--prompt",
            "terse",
            "--model",
            f"scripted:{name}.json",
        )
        assert told.code == 0, told.err
    return suite


def typing(monkeypatch: pytest.MonkeyPatch, *keys: str) -> list[str]:
    """Whoever types `keys`, and then the end of input; the questions that were asked."""
    left, asked = list(keys), []

    def typed(question: str) -> str:
        asked.append(question)
        if not left:
            raise EOFError
        return left.pop(0)

    monkeypatch.setattr("builtins.input", typed)
    return asked


def test_choices_are_blind_cleaned_kept_and_resumed(
    at_work: Path, tell: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    typing(monkeypatch, "x", "a", "B", "t", "q")
    told = tell("audit", at_work, "--pairs", "--by", "Ana Silva")
    assert told.code == 0, told.err
    assert "3 choices added to" in told.out
    assert "to learn from them" in told.out
    assert "scripted" not in told.out
    assert "\x1b[2J" not in told.out
    assert "\u202e" not in told.out
    assert r"[bold]\x1b[2Jbilling" in told.out
    made = read_choices(at_work / "preferences.jsonl")
    assert [(choice.by, choice.tie) for choice in made] == [
        ("Ana Silva", False),
        ("Ana Silva", False),
        ("Ana Silva", True),
    ]
    typing(monkeypatch, "a", "a", "a", "a")
    told = tell("audit", at_work, "--pairs", "--by", "Ben")
    assert "3 choices added to" in told.out
    assert len({choice.judged for choice in read_choices(at_work / "preferences.jsonl")}) == 6


def test_what_was_chosen_can_be_learnt_from(
    at_work: Path, tell: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    typing(monkeypatch, "a", "b", "t", "b", "a", "a")
    tell("audit", at_work, "--pairs", "--by", "Ana Silva")
    with (at_work / "suite.yaml").open("a") as file:
        file.write("tune: {prompt: terse, pairs: [preferences.jsonl]}\n")
    read = read_pairs(load_suite(at_work), "terse")
    assert len(read.pairs) == 5
    assert {pair.by for pair in read.pairs} == {"Ana Silva"}
    assert [(finding.code, len(finding.rows)) for finding in read.findings] == [("tie", 1)]


def test_only_first_answers_chosen_is_remarked_upon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tell: CommandLine
) -> None:
    monkeypatch.chdir(tmp_path)
    suite = write_suite(tmp_path / "tickets", sizes={"train": 12, "dev": 4})
    for reply in ("login", "billing"):
        write_model(
            tmp_path / f"{reply}.json", [{"contains": t, "reply": reply} for t in TOPICS.values()]
        )
        model = f"scripted:{reply}.json"
        tell("eval", suite, "--split", "train", "--prompt", "terse", "--model", model)
    typing(monkeypatch, *["a"] * 12)
    told = tell("audit", suite, "--pairs", "--by", "Ana")
    assert "the output shown first was chosen 100" in told.out


def test_nothing_to_choose_between_is_told_and_so_are_options_that_do_not_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tell: CommandLine
) -> None:
    monkeypatch.chdir(tmp_path)
    suite = write_suite(tmp_path / "tickets", sizes={"train": 6, "dev": 4})
    write_model(tmp_path / "m.json", [{"contains": t, "reply": "login"} for t in TOPICS.values()])
    tell("eval", suite, "--prompt", "terse", "--model", "scripted:m.json")
    told = tell("audit", suite, "--pairs", "--by", "Ana")
    assert (told.code, "--split train" in told.err) == (5, True)
    told = tell("audit", suite, "--pairs", "--run", "r1", "--by", "Ana")
    assert (told.code, "--run names one run" in told.err) == (2, True)
    tell("eval", suite, "--split", "train", "--prompt", "terse", "--model", "scripted:m.json")
    told = tell("audit", suite, "--pairs", "--by", "Ana")
    assert (told.code, "two different outputs" in told.err) == (5, True)
    assert not (suite / "preferences.jsonl").exists()
