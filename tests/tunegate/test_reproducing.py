"""The commands that a report names lead to what it reports."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest

from tests.reports.sample_job import sample_job
from tunegate.cli.parser import build_parser
from tunegate.cli.reproducing import commands_of, trained_as

STATED = [
    [],
    ["--method", "dpo", "--seeds", "3"],
    ["--weights", "lora", "--variant", "pissa", "--rank", "8", "--learning-rate", "0.00012345678"],
    ["--epochs", "2.5", "--until", "0.9", "--keep", "score", "--remedies", "scale,rate"],
    ["--remedies"],
    ["--sweep", "--sweep-budget", "9000"],
    ["--no-sweep"],
    ["--from", "a folder/with space"],
]


@pytest.mark.parametrize("words", STATED, ids=" ".join)
def test_a_training_is_told_as_it_was_asked_for(words: list[str]) -> None:
    asked = build_parser().parse_args(["tune", "my suite", "--model", "m", *words])
    record = replace(sample_job(), model="m", override=None, trained_as=trained_as(asked))
    check, run, gate, tune, report = commands_of(asked, record)
    assert (check, gate) == ("tunegate check 'my suite'", "tunegate gate 'my suite' --model m")
    assert run == "tunegate run 'my suite' --model m --no-tune"
    assert report == "tunegate report 'my suite' --model m"
    again = build_parser().parse_args(shlex.split(tune)[1:])
    assert vars(again) == vars(asked)


def test_what_overruled_the_gate_is_told() -> None:
    asked = build_parser().parse_args(["run", "s", "--override", "to see, and learn"])
    by_run = replace(sample_job(), override=asked.override, trained_as=None)
    stated = ["--override", "to see, and learn"]
    assert shlex.split(commands_of(asked, by_run)[1])[-2:] == stated
    by_tune = replace(by_run, trained_as=("--rank", "8"))
    _, run, _, tune, _ = commands_of(asked, by_tune)
    assert "--override" not in run
    assert shlex.split(tune)[-4:] == ["--rank", "8", *stated]
