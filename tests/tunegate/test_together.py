"""An adapter tried with several prompts, from the command line: told, and told how to be used."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import tuning.trainer
from tests.sample_suite import ROUNDS
from tests.tunegate.command_line import CommandLine
from tests.tunegate.scenes import TUNE, guarded_suite, pretended_training, write_model
from tests.tuning.together.test_choosing import BASE, HALF, WHOLE

MODEL = ("--model", "scripted:model.json")


@pytest.fixture
def tuned(tunegate: CommandLine, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """A job that is done, in which the adapter does best with the leader's prompt."""
    monkeypatch.setattr(tuning.trainer, "tune_suite", pretended_training("tuned"))
    write_model(Path("model.json"), [*WHOLE, *HALF, *BASE], adapters=["tuned"])
    guarded_suite(Path(), extra=ROUNDS + TUNE)
    assert tunegate("run", "tickets", *MODEL).code == 0
    return tunegate


def test_the_choice_is_told_with_all_scores_and_how_to_use_it(tuned: CommandLine) -> None:
    told = tuned("run", "tickets", *MODEL)
    assert "tuned and prompted together (dev)" in told.out
    assert "Chosen: 'spec' (100.0 % on dev" in told.out
    assert "--adapter FOLDER --prompt spec" in told.out.replace("\n", " ")
    document = tuned("run", "tickets", *MODEL, "--json").document["together"]
    assert [line["label"] for line in document["lines"]] == ["terse", "spec", "terse + 2 static"]
    assert document["options"] == ["--prompt", "spec"]
    shown = tuned("adapters", "show", "tuned")
    assert "judged with the prompt: spec" in shown.out
    assert "tunegate eval tickets --adapter tuned --prompt spec" in shown.out
    listed = tuned("adapters", "--json").document[0]
    assert (listed["prompt"], listed["asked"]) == ("terse", "spec")
    # What is told can be done, and is the very run that was chosen by.
    again = tuned("eval", "tickets", *MODEL, "--adapter", "tuned", "--prompt", "spec", "--json")
    assert again.document["id"] == document["chosen"]


def test_a_run_made_to_choose_a_prompt_is_not_the_baseline_that_nobody_named(
    tuned: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    accepted = tuned("accept", "tickets", "--why", "first", "--json")
    assert accepted.code == 0
    assert not accepted.document["baseline"]["recipe"]["adapter"]


def test_the_report_counts_the_failures_of_every_prompt_the_adapter_was_tried_with(
    tuned: CommandLine,
) -> None:
    chosen = tuned("run", "tickets", *MODEL, "--json").document["together"]
    tried = [line["run_id"] for line in chosen["lines"] if line["run_id"]]
    told = tuned("report", "tickets", *MODEL, "--format", "json", "-o", "report.json")
    assert told.code == 0
    counted = json.loads(Path("report.json").read_text())["failures"]["runs"]
    assert len(tried) == 3
    assert set(tried) <= {run["run"] for run in counted}
