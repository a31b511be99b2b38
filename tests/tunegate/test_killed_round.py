"""A search that is killed in the middle of a round, by a real kill -9, and gone on with."""

from __future__ import annotations

import os
import signal
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from evals.ledger import Ledger
from tests.sample_suite import write_suite
from tests.tunegate.command_line import call_in, start
from tests.tunegate.real_scene import count, wait_until
from tests.tunegate.scenes import TUNE, write_model
from tuning.records import Decision
from tuning.stored import load_job

SIZES = {"train": 30, "dev": 60, "test": 30}
ROUNDS = """\
rounds:
  - {family: wording, prompts: [terse, spec, polite], budget: {tokens: 900}}
  - {family: few_shot, prompts: [terse, spec], k: [2]}
  - {family: nearest, prompts: [terse, spec], k: [2]}
  - {family: votes, prompts: [terse, spec], votes: [3, 5], budget: {tokens: 5000}}
"""
BEFORE_VOTES = 6 * 60
"""Batches of one case: those of the rounds before the votes, without what a budget leaves out."""


def search(folder: Path) -> None:
    assert call_in(folder, *COMMAND).code == 0


COMMAND = ("run", "tickets", "--model", "scripted:model.json", "--no-tune")


def write(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    write_suite(folder / "tickets", sizes=SIZES, extra=ROUNDS + TUNE)
    write_model(folder / "model.json", batch_size=1)
    return folder


def outcome(folder: Path) -> tuple[Decision, dict[str, Any], dict[str, Any]]:
    """The verdict, what every run's candidate was, and what it came to case by case."""
    with closing(Ledger(folder / ".tunegate")) as ledger:
        record = load_job(ledger, "tickets", "scripted:model.json")
    assert record is not None
    assert record.decision is not None
    candidates = {name: run.candidate for name, run in record.runs.items()}
    results = {
        name: [(r.case_id, r.prompt_hash, r.output.text, r.output.ballots) for r in run.results]
        for name, run in record.runs.items()
    }
    return record.decision, candidates, results


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write(tmp_path_factory.mktemp("whole"))
    search(folder)
    return folder


@pytest.mark.parametrize("batches", [90, 200, BEFORE_VOTES + 100])
def test_a_search_killed_in_a_round_ends_with_the_same_candidates_and_results(
    batches: int, whole: Path, tmp_path: Path
) -> None:
    folder = write(tmp_path / "killed")
    process = start(folder, *COMMAND)
    try:
        assert wait_until(lambda: count(folder, "batches") >= batches, process)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    done = count(folder, "batches")
    assert done < count(whole, "batches"), "it ended before it was killed"
    search(folder)
    assert outcome(folder) == outcome(whole)
    assert count(folder, "batches") == count(whole, "batches")


def test_the_budgets_of_two_rounds_were_spent_there(whole: Path) -> None:
    """Else the test above would show nothing about them."""
    decision, _, _ = outcome(whole)
    told = {line.index: (line.tried, line.declared) for line in decision.rounds}
    assert told[1] == (2, 3)
    assert told[4] == (3, 4)


def test_the_same_search_in_another_folder_gives_the_same(whole: Path, tmp_path: Path) -> None:
    folder = write(tmp_path / "again")
    search(folder)
    assert outcome(folder) == outcome(whole)
