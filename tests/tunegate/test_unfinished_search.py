"""What the suite declares now and nobody tried keeps `gate` and `tune` shut, as `run` would."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import tuning.trainer
from tests.sample_suite import PROMPTS, write_suite
from tests.tunegate.command_line import CommandLine
from tests.tunegate.scenes import KNOWN, TUNE, answers, by_label, pretended_training, write_model

ROUNDS = """\
structure: none
rounds:
  - {family: wording, prompts: [terse, spec, polite]}
  - {family: few_shot, prompts: [terse], k: [2, 4]}
  - {family: nearest, prompts: [terse], k: [2, 4]}
"""
MODEL = ("--model", "scripted:model.json")
SIZES = {"train": 30, "dev": 240, "test": 60}
EARLY = "search: {early_stop: true}\n"


class Desk:
    """A suite where `spec` and `polite` are hopeless, and demonstrations win 23 and lose 11.

    That is below a gain of 10 points at α, and not at α/3: with both hopeless prompts missing
    from m the gate would open.
    """

    def __init__(self, folder: Path, tunegate: CommandLine, training: Any) -> None:
        self.root, self.call, self.training = folder / "tickets", tunegate, training

    def write(self, *, search: str = "", rounds: str = ROUNDS, rules: Any = None) -> None:
        write_suite(self.root, sizes=SIZES, extra=rounds + TUNE + search)
        shown = {"prompt_contains": " train"}  # a demonstration is
        close = [
            {"prompt_contains": "Please route.", "reply": "hm"},
            {"prompt_contains": "Answer with one of", "reply": "hm"},
            *answers("dev", by_label("login", 23), "login", **shown),
            *answers("dev", by_label("billing", 11), "hm", **shown),
        ]
        write_model(Path("model.json"), [*(close if rules is None else rules), *KNOWN])

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.root / name).read_text()
        assert old in text
        (self.root / name).write_text(text.replace(old, new))

    def run(self) -> Any:
        return self.call("run", self.root, *MODEL, "--no-tune", "--json").document["decision"]

    def gate(self) -> Any:
        return self.call("gate", self.root, *MODEL, "--json").document

    def assert_shut(self, missing: str) -> Any:
        """`gate` says what is missing and what tries it; `tune` trains nothing."""
        decision = self.gate()
        assert (decision["verdict"], decision["plateau"]) == ("prompt_more", False)
        assert missing in decision["sentence"]
        assert decision["next_steps"][0].startswith("Run `tunegate run`")
        assert any(missing in step for step in decision["next_steps"])
        told = self.call("tune", self.root, *MODEL)
        assert told.code != 0
        assert "the gate is shut: prompt_more" in told.err
        assert self.training.calls == 0
        return decision


@pytest.fixture
def desk(tmp_path: Path, tunegate: CommandLine, monkeypatch: pytest.MonkeyPatch) -> Desk:
    training = pretended_training("tuned")
    monkeypatch.setattr(tuning.trainer, "tune_suite", training)
    return Desk(tmp_path, tunegate, training)


def test_candidates_that_were_stopped_are_missing_once_early_stop_is_off(desk: Desk) -> None:
    desk.write(search=EARLY)
    searched = desk.run()
    assert searched["verdict"] == "more_cases"
    assert sum(trial["stopped"] for trial in searched["trials"]) == 2
    desk.edit("suite.yaml", "early_stop: true", "early_stop: false")
    decision = desk.assert_shut("2 declared candidates were not tried: 'spec', 'polite'")
    (said,) = decision["left_out"]
    assert said.startswith("2 candidates were stopped early and left out")
    finished = desk.run()
    assert (finished["verdict"], finished["left_out"]) == ("more_cases", [])


def test_hopeless_prompts_that_were_edited_after_the_verdict_are_missing(desk: Desk) -> None:
    desk.write()
    assert desk.run()["verdict"] == "more_cases"
    desk.edit("prompts/spec.j2", "Answer with one of:", "Answer with one of: ")
    desk.edit("prompts/polite.j2", "Please route.", "Please route. ")
    decision = desk.assert_shut("2 declared candidates were not tried: 'spec', 'polite'")
    assert "2 runs of older versions of the suite left out" in decision["left_out"][0]
    assert desk.run()["verdict"] == "more_cases"


def test_a_search_by_hand_is_unfinished_until_its_last_candidate_is_tried(desk: Desk) -> None:
    """All is flat but the candidates that nobody tried yet, which know everything."""
    rounds = ROUNDS.replace("nearest, prompts: [terse]", "nearest, prompts: [terse, spec]")
    good = {"contains": "reset", "reply": "login", "prompt_contains": "GOOD"}
    desk.write(rounds=rounds, rules=[good])
    asked = PROMPTS["spec"].replace("}}.{% endm", "}}.{% if demos %} GOOD{% endif %}{% endm")
    (desk.root / "prompts" / "spec.j2").write_text(asked)
    wording = [("--prompt", prompt) for prompt in ("terse", "spec", "polite")]
    shots = [("--prompt", "terse", way, k) for way in ("--few-shot", "--nearest") for k in "24"]
    for options in [*wording, *shots]:
        assert desk.call("eval", desk.root, *MODEL, *options).code == 0
    desk.assert_shut("2 declared candidates were not tried: 'spec + 2 nearest'")
    finished = desk.run()
    assert finished["verdict"] == "prompt_suffices"
    assert desk.gate()["sentence"] == finished["sentence"]
