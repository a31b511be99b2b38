"""Looks at the sealed split are counted once for what is looked at, and where they belong."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import tuning.trainer
from evals.looks import read_looks
from tests.sample_suite import ROUNDS, TOPICS, write_suite
from tests.tunegate.command_line import CommandLine
from tests.tunegate.scenes import KNOWN, TUNE, guarded_suite, pretended_training, write_model
from tunegate import opening

MODEL = ("--model", "scripted:model.json")
BESIDE = Path("tickets/looks.jsonl")
TUNED = [{"adapter": "tuned", "contains": t, "reply": n} for n, t in TOPICS.items()]


def test_eval_on_dev_is_no_look_and_on_test_it_is_one_however_often(tunegate: CommandLine) -> None:
    write_model(Path("model.json"))
    write_suite(Path("tickets"))
    tunegate("eval", "tickets", *MODEL)
    assert not BESIDE.exists()
    for _ in range(2):
        assert tunegate("eval", "tickets", *MODEL, "--split", "test").code == 0
    assert len(read_looks(BESIDE)) == 1
    tunegate("eval", "tickets", *MODEL, "--split", "test", "--prompt", "spec")
    assert len(read_looks(BESIDE)) == 2


def test_a_refused_eval_is_no_look(tunegate: CommandLine) -> None:
    write_model(Path("model.json"))
    write_suite(Path("tickets"))
    assert tunegate("eval", "tickets", *MODEL, "--split", "test", "--prompt", "nope").code == 2
    assert not BESIDE.exists()
    write_suite(Path("untested"), sizes={"train": 30, "dev": 60}, extra="")
    assert tunegate("eval", "untested", *MODEL, "--split", "test").code == 5
    assert not Path("untested/looks.jsonl").exists()


def test_the_job_looks_once_and_an_earlier_look_costs_it_confidence(
    tunegate: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuning.trainer, "tune_suite", pretended_training("tuned"))
    write_model(Path("model.json"), [*TUNED, *KNOWN], adapters=["tuned"])
    guarded_suite(Path())
    for _ in range(2):
        shipping = tunegate("run", "tickets", *MODEL, "--json").document["shipping"]
        assert (shipping["look"], shipping["alpha"]) == (1, 0.025)
    assert len(read_looks(BESIDE)) == 1

    other = Path("other")
    other.mkdir()
    shutil.copytree("tickets", other / "tickets", ignore=shutil.ignore_patterns("looks.jsonl"))
    shutil.copytree("kept", other / "kept")
    tunegate("eval", other / "tickets", *MODEL, "--split", "test", "--ledger", "l2")
    after = tunegate("run", other / "tickets", *MODEL, "--ledger", "l2", "--json").document
    assert (after["shipping"]["look"], after["shipping"]["alpha"]) == (2, 0.0125)


def test_a_job_that_does_not_train_does_not_look(tunegate: CommandLine) -> None:
    write_model(Path("model.json"))
    write_suite(Path("tickets"), extra=ROUNDS + TUNE)
    told = tunegate("run", "tickets", *MODEL, "--no-tune", "--json")
    assert told.document["decision"]["verdict"] == "fine_tune"
    assert not BESIDE.exists()


def test_looks_at_a_shipped_suite_are_counted_in_the_ledger_folder(
    tunegate: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_model(Path("model.json"))
    write_suite(Path("shipped/tickets"))
    monkeypatch.setattr(opening, "shipped_root", lambda: Path("shipped"))
    assert tunegate("eval", "tickets", *MODEL, "--split", "test").code == 0
    assert len(read_looks(Path(".tunegate/tickets-looks.jsonl"))) == 1
    assert not Path("shipped/tickets/looks.jsonl").exists()
