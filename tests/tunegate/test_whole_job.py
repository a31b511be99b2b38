"""The whole job on a real tiny model: earned, stored, reported, killed and gone on with."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from evals.ledger import FILE_NAME
from evals.looks import read_looks
from tests.tunegate.command_line import Told, call_in, interrupt, start
from tests.tunegate.real_scene import batch_keys, count, outcome, stored, wait_until, write_scene
from tuning.records import JobRecord

VERDICT_CODES = {"ship_adapter": 0, "reject_adapter": 1, "inconclusive": 3}


class Whole(NamedTuple):
    """An uninterrupted job in its folder, and what the command said."""

    folder: Path
    told: Told
    record: JobRecord


def job(folder: Path, model: str, *more: str) -> Told:
    """The whole job in this process, which has torch already."""
    return call_in(folder, "run", "tickets", "--model", model, *more)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, tiny_model: str) -> Whole:
    folder = tmp_path_factory.mktemp("whole")
    write_scene(folder)
    told = job(folder, tiny_model)
    assert told.code in VERDICT_CODES.values(), told
    return Whole(folder, told, stored(folder, tiny_model))


def test_the_gate_opens_and_the_adapter_is_judged_on_sealed_cases_and_guards(whole: Whole) -> None:
    record = whole.record
    assert record.decision is not None
    assert record.shipping is not None
    assert record.training is not None
    assert record.decision.verdict == "fine_tune"
    assert "floor" in record.decision.flags
    assert whole.told.code == VERDICT_CODES[record.shipping.verdict]
    assert [guard.suite for guard in record.shipping.guards] == ["sense"]
    assert all(proof.passed for proof in record.training.proofs)
    assert [phase.name for phase in record.phases] == [
        "check",
        "round 1: wording",
        "round 2: few_shot",
        "round 3: nearest",
        "training",
        "tuned and prompted together",
        "sealed split",
        "guards",
    ]
    prompts, sealed, guards, adapter_on_dev = 7, 2, 2, 2
    assert len(record.runs) == prompts + sealed + guards + adapter_on_dev
    assert all(not run.errors for run in record.runs.values())
    assert len(read_looks(whole.folder / "tickets" / "looks.jsonl")) == 1


def test_the_report_is_written_and_says_the_verdicts(whole: Whole) -> None:
    page = (whole.folder / "tickets-report.html").read_text()
    assert whole.record.shipping is not None
    assert page.lower().startswith("<!doctype html>")
    assert "sense" in page
    assert whole.record.runs.keys() >= {whole.record.leader_test, whole.record.adapter_test}


def test_a_second_run_does_nothing_twice_and_writes_the_same_report(
    whole: Whole, tiny_model: str
) -> None:
    before = batch_keys(whole.folder)
    report = (whole.folder / "tickets-report.html").read_bytes()
    begun = time.monotonic()
    told = job(whole.folder, tiny_model)
    took = time.monotonic() - begun
    assert told.code == whole.told.code
    assert told.out == whole.told.out
    assert batch_keys(whole.folder) == before
    assert (whole.folder / "tickets-report.html").read_bytes() == report
    assert stored(whole.folder, tiny_model) == whole.record
    assert len(read_looks(whole.folder / "tickets" / "looks.jsonl")) == 1
    assert took < 20


def is_training(folder: Path) -> bool:
    return any((folder / ".tunegate" / "adapters").glob("*/scratch"))


def has_runs(number: int) -> Callable[[Path], bool]:
    return lambda folder: count(folder, "runs") >= number


def has_batches(number: int) -> Callable[[Path], bool]:
    return lambda folder: count(folder, "batches") >= number


def has_judged(folder: Path) -> bool:
    return count(folder, "runs where split = 'test'") == 2


def is_looking(folder: Path) -> bool:
    return (folder / "tickets" / "looks.jsonl").exists()


STAGES: list[tuple[str, Callable[[Path], bool]]] = [
    ("in a round", has_batches(2)),
    ("in training", is_training),
    ("as the sealed split is looked at", is_looking),
    ("as prompts are tried with the adapter", has_runs(8)),
    ("in the guards", has_judged),
]


def untimed(said: str) -> str:
    """What a command said, but for times, speed and memory, and how wide that made a table."""
    return re.sub(r"[\s─-]+", " ", re.sub(r"\d[\d,]*(\.\d+)? (s|min|h|a second|MB)\b", "", said))


def kill_when(folder: Path, model: str, condition: Callable[[Path], bool]) -> bool:
    """Start the job and kill it, and all it started, when the condition holds."""
    process = start(folder, "run", "tickets", "--model", model)
    try:
        reached = wait_until(lambda: condition(folder), process)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    return reached


@pytest.mark.parametrize(("stage", "condition"), STAGES, ids=[name for name, _ in STAGES])
def test_a_job_killed_at_any_stage_goes_on_and_ends_as_if_never_interrupted(
    stage: str,
    condition: Callable[[Path], bool],
    whole: Whole,
    tiny_model: str,
    tmp_path: Path,
) -> None:
    write_scene(tmp_path)
    assert kill_when(tmp_path, tiny_model, condition), f"ended before it was killed {stage}"
    ledger = tmp_path / ".tunegate" / FILE_NAME
    finished = batch_keys(tmp_path) if count(tmp_path, "batches") else {}
    told = job(tmp_path, tiny_model)
    assert told.code == whole.told.code, told
    assert outcome(stored(tmp_path, tiny_model)) == outcome(whole.record)
    assert untimed(told.out) == untimed(whole.told.out)
    after = batch_keys(tmp_path)
    assert {key: after[key] for key in finished} == finished
    assert after.keys() == batch_keys(whole.folder).keys()
    assert len(read_looks(tmp_path / "tickets" / "looks.jsonl")) == 1
    with closing(sqlite3.connect(ledger)) as db:
        assert db.execute("pragma integrity_check").fetchone() == ("ok",)


def test_a_second_job_on_the_same_ledger_is_told_that_one_is_at_work(
    tiny_model: str, tmp_path: Path
) -> None:
    write_scene(tmp_path)
    first = start(tmp_path, "run", "tickets", "--model", tiny_model)
    try:
        assert wait_until(lambda: count(tmp_path, "batches") >= 1, first)
        first.send_signal(signal.SIGSTOP)  # at work, for as long as the others take
        second = job(tmp_path, tiny_model)
        reading = call_in(tmp_path, "runs")
        other = job(tmp_path, tiny_model, "--ledger", "elsewhere", "--no-tune")
    finally:
        os.killpg(first.pid, signal.SIGKILL)
        first.communicate()
    assert second.code == 2
    assert second.err.startswith("error: another tunegate command is at work on .tunegate")
    assert reading.code in {0, 5}
    assert other.code == 0


def test_an_interrupted_round_says_how_to_go_on_and_goes_on(
    tiny_model: str, tmp_path: Path
) -> None:
    write_scene(tmp_path)
    process = start(tmp_path, "run", "tickets", "--model", tiny_model, "--no-tune", "--json")
    try:
        assert wait_until(lambda: count(tmp_path, "batches") >= 1, process)
    finally:
        told = interrupt(process)
    assert told.document["error"]["exit_code"] == 130
    finished = batch_keys(tmp_path)
    again = job(tmp_path, tiny_model, "--no-tune")
    assert again.code == 0
    after = batch_keys(tmp_path)
    assert {key: after[key] for key in finished} == finished
