"""`--seeds`: what a person and a program are told of several trainings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import tuning.trainer
from tests.tunegate.command_line import call_in
from tests.tuning.repeating.scene import FORGETFUL, GOOD, Bench

MODEL = "scripted:model.json"


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    made = Bench(tmp_path, seeds=1)
    made.write({0: GOOD, 1: GOOD, 2: FORGETFUL}, {0: 0.5, 1: 0.4, 2: 0.6})
    monkeypatch.setattr(tuning.trainer, "tune_suite", made.train)
    return made


def test_run_shows_the_seeds_side_by_side_and_adapters_lists_them(bench: Bench) -> None:
    told = call_in(bench.folder, "run", "tickets", "--model", MODEL, "--seeds", "3")
    assert told.code == 3
    assert "trainings that differ by seed alone" in told.out
    assert "1, chosen" in told.out
    assert "a training at random" in told.out
    assert "seed 2 on kept" in " ".join(told.out.split())
    page = (bench.folder / "tickets-report.html").read_text()
    assert "--seeds 3" in page
    listed = json.loads(call_in(bench.folder, "adapters", "--json").out)
    assert {row["adapter"]: row["chosen"] for row in listed} == {
        f"tuned-{seed}": "tuned-1" for seed in range(3)
    }
    assert [row["seed"] for row in listed if row["verdict"]] == [1]
    shown = call_in(bench.folder, "adapters", "show", "tuned-2").out
    assert "no verdict is about it" in shown
    assert "the verdict is about tuned-1" in " ".join(shown.split())
    report = call_in(bench.folder, "report", "tickets", "--model", MODEL, "--format", "markdown")
    assert report.code == 0
    assert "## Several trainings" in (bench.folder / "tickets-report.md").read_text()


def test_tune_trains_as_many_as_are_asked_for_and_the_suites_own_number_else(bench: Bench) -> None:
    call_in(bench.folder, "run", "tickets", "--model", MODEL, "--no-tune")
    call_in(bench.folder, "tune", "tickets", "--model", MODEL, "--seeds", "2")
    assert [part.seed for part in bench.asked] == [0, 1]
    call_in(bench.folder, "tune", "tickets", "--model", MODEL)
    assert len(bench.asked) == 3


@pytest.mark.parametrize("given", ["0", "21", "two", "-1"])
def test_a_number_of_seeds_that_makes_no_sense_is_refused(bench: Bench, given: str) -> None:
    told = call_in(bench.folder, "tune", "tickets", "--model", MODEL, "--seeds", given)
    assert told.code == 2
    assert "--seeds" in told.err
