"""Rounds of an optimiser in the whole job: without the extra, and with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals.models.scripted import ScriptedModel
from evals.prompting import optimisers
from tests.sample_suite import ROUNDS, TOPICS, write_suite
from tests.tunegate.command_line import CommandLine
from tests.tunegate.scenes import write_model

OPTIMISED = "  - {{family: optimised, prompts: [terse, polite], optimiser: [{0}], tries: 3{1}}}\n"
SIZES = {"train": 40, "dev": 60, "test": 12}
INSTRUCTION = "Name the TEAM that a ticket belongs to."


def scene(optimiser: str = "miprov2", more: str = "") -> None:
    """A model that knows one team, and all of them where the instruction says TEAM."""
    extra = ROUNDS + OPTIMISED.format(optimiser, more)
    write_suite(Path("tickets"), sizes=SIZES, extra=extra)
    rules = [
        *(
            {"contains": words, "prompt_contains": "TEAM", "reply": name}
            for name, words in TOPICS.items()
        ),
        {"contains": TOPICS["billing"], "reply": "billing"},
    ]
    write_model(Path("clerk.json"), rules)
    write_model(Path("writer.json"), [], default=INSTRUCTION)


def run(tunegate: CommandLine, *more: object):
    return tunegate("run", "tickets", "--model", "scripted:clerk.json", "--no-tune", *more)


@pytest.mark.parametrize("optimiser", ["miprov2", "gepa"])
def test_without_the_extra_run_stops_before_anything_and_says_what_to_install(
    tunegate: CommandLine, monkeypatch: pytest.MonkeyPatch, optimiser: str
) -> None:
    scene(optimiser)
    monkeypatch.setattr(optimisers, "is_installed", lambda _name: False)
    monkeypatch.setattr(ScriptedModel, "run", None)  # whoever asks, fails
    told = run(tunegate)
    assert told.code == 2
    (line,) = [each for each in told.err.splitlines() if each.startswith("error: ")]
    assert f"{optimiser} needs dspy" in line
    assert "pip install 'tunegate[optimise]'" in line
    assert tunegate("runs", "tickets").out.count("tickets-dev") == 0


def test_too_few_train_cases_stop_it_before_anything(
    tunegate: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene("gepa")
    train = Path("tickets/train.jsonl")
    train.write_text("".join(train.read_text().splitlines(keepends=True)[:9]))
    monkeypatch.setattr(optimisers, "is_installed", lambda _name: True)
    monkeypatch.setattr(ScriptedModel, "run", None)
    told = run(tunegate)
    assert told.code == 2
    assert "9 train cases in 9 groups" in told.err


def test_check_notes_it_and_passes(tunegate: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    scene()
    monkeypatch.setattr(optimisers, "is_installed", lambda _name: False)
    told = tunegate("check", "tickets")
    assert told.code == 0, told.err
    assert "pip install 'tunegate[optimise]'" in told.out


def test_a_proposer_without_a_round_or_a_file_is_refused_before_anything(
    tunegate: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ScriptedModel, "run", None)
    scene()
    told = run(tunegate, "--proposer", "scripted:gone.json")
    assert told.code == 2
    assert "there is no script file 'gone.json'" in told.err
    write_suite(Path("plain"), sizes=SIZES)
    told = tunegate("run", "plain", "--model", "scripted:clerk.json", "--proposer", "openai:big")
    assert told.code == 2
    assert "no round of the suite has an optimiser" in told.err


@pytest.mark.optimise
@pytest.mark.skipif(bool(optimisers.missing_for("miprov2")), reason="needs the extra `optimise`")
@pytest.mark.parametrize("optimiser", ["miprov2", "gepa"])
def test_the_whole_job_finds_the_instruction_judges_it_on_dev_and_finds_it_again(
    tunegate: CommandLine, monkeypatch: pytest.MonkeyPatch, optimiser: str
) -> None:
    scene(optimiser)
    told = run(tunegate, "--proposer", "scripted:writer.json", "--json")
    assert told.code == 0, told.err
    scores = {
        line["label"]: line["score"]["estimate"] for line in told.document["decision"]["trials"]
    }
    assert scores["terse"] == pytest.approx(1 / 3)
    assert scores[f"terse + {optimiser}"] == 1.0
    assert f"terse + {optimiser}: 1 instructions written" in told.err
    assert any("--proposer scripted:writer.json" in line for line in told.document["commands"])

    runs = tunegate("runs", "tickets", "--json").document
    (best,) = [each["id"] for each in runs if each["candidate"] == f"terse + {optimiser}"]
    shown = tunegate("show", best)
    assert f'{{{{ "{INSTRUCTION}" }}}}' in shown.out
    assert INSTRUCTION in tunegate("show", best, "--json").document["found"]["template"]

    monkeypatch.setattr(ScriptedModel, "run", None)  # whoever asks now, fails
    again = run(tunegate, "--proposer", "scripted:writer.json", "--json")
    assert again.document["decision"] == told.document["decision"]
    gate = tunegate(
        *("gate", "tickets", "--model", "scripted:clerk.json"),
        *("--proposer", "scripted:writer.json", "--json"),
    )
    assert gate.document == told.document["decision"]
