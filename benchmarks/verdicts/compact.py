"""What a suite's verdicts follow from, in one file: `stored/<suite>.json.gz`.

The suite's job, its checks and looks, and its runs with what the model wrote, what that scored and
how it failed. Left out are reasons, log-probabilities, each case's own seconds, the training's
curve and preview, and every place on the machine that ran it.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from benchmarks.training_kept import without_curves
from evals.codec import decode, encode
from evals.ledger import Ledger
from evals.records import Case, CaseResult, Output, Run, Score
from evals.suite import Suite
from tuning.gate.dev_looks import DEV_LOOKS
from tuning.gate.soundness import CHECKS
from tuning.records import JobRecord
from tuning.search.outcomes import FOUND
from tuning.stored import JOB, job_key, load_job

STORED = Path(__file__).parent / "stored"
KINDS = (CHECKS, DEV_LOOKS, FOUND)
"""What the gate reads from a ledger beside the job and its runs."""


class Answer(NamedTuple):
    """One case of a run. `scores` has value and kind of failure, by metric."""

    case_id: str
    prompt_hash: str
    text: str | None
    finish_reason: str
    tokens: tuple[int, int]
    scores: Mapping[str, tuple[float, str]]
    documents: tuple[str, ...]
    error: str | None


@dataclass(frozen=True)
class Answered:
    """A run: its header, without results, and an answer for every case."""

    header: Run
    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class Stored:
    """All of one suite on one model. `documents` are the ledger's, by kind and key, encoded."""

    suite_fingerprint: str
    job: JobRecord
    documents: Mapping[str, Mapping[str, str]]
    runs: tuple[Answered, ...]


def path_of(folder: Path, suite: str) -> Path:
    """Where what was measured of a suite stands."""
    return folder / f"{suite}.json.gz"


def read(folder: Path, suite: Suite) -> Stored | None:
    """What was measured of the suite as it is now; None where nothing was."""
    path = path_of(folder, suite.name)
    if not path.is_file():
        return None
    found = decode(gzip.decompress(path.read_bytes()).decode(), Stored)
    return found if found.suite_fingerprint == suite.fingerprint else None


def write(folder: Path, suite: Suite, model: str, ledger: Ledger, project: Path) -> None:
    """Store what a ledger holds of a suite's job, and name no place outside the project."""
    job = load_job(ledger, suite.name, model)
    assert job is not None
    runs = tuple(_answered(run) for run in job.runs.values())
    documents = {kind: dict(ledger.documents(kind)) for kind in KINDS}
    stored = Stored(suite.fingerprint, _without_curves(job), documents, runs)
    text = encode(stored).replace(f"{ledger.folder.resolve()}/", "").replace(f"{project}/", "")
    # A job that went on in another checkout than it began in names both.
    text = re.sub(rf'(?<=")/[^"\\]*/(?=suites/{suite.name}/)', "", text)
    folder.mkdir(parents=True, exist_ok=True)
    path = path_of(folder, suite.name)
    part = path.with_suffix(".part")
    part.write_bytes(gzip.compress(text.encode(), mtime=0))  # the same content has the same bytes
    part.replace(path)


def restore(stored: Stored, suites: Iterable[Suite], ledger: Ledger) -> None:
    """Put everything into an empty ledger, as if it had been measured there."""
    cases = {(s.name, case.id): case for s in suites for case in s.cases}
    for one in stored.runs:
        mine = [cases[one.header.suite, answer.case_id] for answer in one.answers]
        ledger.store_run(run_of(one, mine), mine)
    for kind, documents in stored.documents.items():
        for key, text in documents.items():
            ledger.store(kind, key, json.loads(text))
    ledger.store(JOB, job_key(stored.job.suite, stored.job.model), stored.job)


def run_of(one: Answered, cases: Sequence[Case]) -> Run:
    """The run again; its seconds are shared out among the cases alike."""
    seconds = one.header.seconds / max(1, len(cases))
    results = (
        CaseResult(
            case_id=case.id,
            case_fingerprint=case.fingerprint,
            prompt_hash=answer.prompt_hash,
            output=Output(
                text=answer.text,
                finish_reason=answer.finish_reason,  # type: ignore[arg-type]
                prompt_tokens=answer.tokens[0],
                completion_tokens=answer.tokens[1],
                seconds=seconds,
                error=answer.error,
            ),
            scores={m: Score(value, kind=kind) for m, (value, kind) in answer.scores.items()},
            cluster=case.cluster,
            documents=answer.documents,
        )
        for case, answer in zip(cases, one.answers, strict=True)
    )
    return replace(one.header, results=tuple(results))


def _answered(run: Run) -> Answered:
    answers = tuple(
        Answer(
            case_id=result.case_id,
            prompt_hash=result.prompt_hash,
            text=result.output.text,
            finish_reason=result.output.finish_reason,
            tokens=(result.output.prompt_tokens, result.output.completion_tokens),
            scores={name: (score.value, score.kind) for name, score in result.scores.items()},
            documents=result.documents,
            error=result.failed,
        )
        for result in run.results
    )
    return Answered(replace(run, results=()), answers)


def _without_curves(job: JobRecord) -> JobRecord:
    training = job.training and without_curves(job.training)
    siblings = tuple(without_curves(one) for one in job.siblings)
    return replace(job, training=training, siblings=siblings, runs={}, cases={})
