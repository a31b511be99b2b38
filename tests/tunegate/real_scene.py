"""A small suite with a guard of choices, for the whole job on a real tiny model."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from evals.ledger import FILE_NAME, Ledger
from evals.records import CaseResult
from tests.sample_suite import write_suite
from tuning.records import Decision, JobRecord
from tuning.stored import load_job

SIZES = {"train": 30, "dev": 45, "test": 24}
EXTRA = """\
structure: none
decoding: {max_tokens: 4}
rounds:
  - {family: wording, prompts: [terse, spec, polite]}
  - {family: few_shot, prompts: [terse, spec], k: [1]}
  - {family: nearest, prompts: [terse, spec], k: [1]}
guards: {sense: {max_loss: 0.1}}
tune: {min_examples: 20, epochs: 3, rank: 8, learning_rate: 0.02, prompt: terse}
"""
GUARD = """\
format: 1
name: sense
task: Pick the sensible option.
cases: {dev: dev.jsonl}
prompts: {plain: prompts/plain.j2}
metrics:
  accuracy: {scorer: choice@1}
primary: accuracy
"""


def write_scene(folder: Path) -> None:
    """`tickets` guarded by `sense`, in `folder`."""
    write_suite(folder / "tickets", sizes=SIZES, extra=EXTRA)
    guard = folder / "sense"
    (guard / "prompts").mkdir(parents=True)
    (guard / "suite.yaml").write_text(GUARD)
    plain = '{% message "user" %}{{ input.text }}{% endmessage %}'
    (guard / "prompts" / "plain.j2").write_text(plain)
    things = ("ice", "fire", "rain", "snow", "wood", "gold", "wind", "sand")
    rows = [
        {
            "id": f"s{n}",
            "input": {"text": f"which is {things[n % 8]} number {n}"},
            "choices": [things[n % 8], things[(n + 3) % 8], "none"],
            "expected": things[n % 8],
        }
        for n in range(24)
    ]
    (guard / "dev.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def stored(folder: Path, model: str) -> JobRecord:
    """The stored job with its runs."""
    with closing(Ledger(folder / ".tunegate")) as ledger:
        record = load_job(ledger, "tickets", model)
    assert record is not None
    return record


def outcome(record: JobRecord) -> dict[str, Any]:
    """All that must be the same whatever was interrupted: everything but wall times and places."""
    assert record.training is not None
    assert record.decision is not None
    assert record.shipping is not None
    return {
        "decision": _untimed(record.decision),
        "shipping": replace(record.shipping, before_cost=None, after_cost=None),
        "together": record.together,
        "adapter": record.training.adapter,
        "curve": record.training.curve,
        "runs": {name: [_case(result) for result in run.results] for name, run in
                 record.runs.items()},
    }  # fmt: skip


def _untimed(decision: Decision) -> Decision:
    """The verdict with all its evidence but how long calls took."""
    trials = tuple(replace(trial, cost=None) for trial in decision.trials)
    return replace(decision, trials=trials)


def _case(result: CaseResult) -> tuple[Any, ...]:
    output = result.output
    scores = {name: score.value for name, score in result.scores.items()}
    return (result.case_id, output.text, output.finish_reason, output.logprobs, scores)


def count(folder: Path, table: str) -> int:
    """Rows of a table of the ledger, read beside its writer; 0 while there is none."""
    path = folder / ".tunegate" / FILE_NAME
    if not path.exists():
        return 0
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=1)) as db:
            return int(db.execute(f"select count(*) from {table}").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def batch_keys(folder: Path) -> dict[str, float]:
    """Each finished batch with the seconds it took: made again, it would take others."""
    path = folder / ".tunegate" / FILE_NAME
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        return dict(db.execute("select key, seconds from batches"))


def wait_until(condition: Any, process: Any, seconds: float = 120) -> bool:
    """Whether the condition held before the process ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        if process.poll() is not None:
            return False
        time.sleep(0.002)
    raise TimeoutError("the command neither got there nor ended")
