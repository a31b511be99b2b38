"""The ledger: one SQLite file that keeps everything that was run.

A batch of outputs is committed whole as it arrives, and a run when all its cases have
a result; so after a kill at any point the same work finds all that was finished. The
file is readable by its owner only and its folder ignores itself in git.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple, TypeVar

from evals.codec import decode, encode
from evals.errors import RecordError
from evals.fingerprint import canonical
from evals.ledger_file import FILE_NAME, open_to_read, open_to_write
from evals.records import Candidate, Case, CaseResult, Output, Run, Score

__all__ = ["FILE_NAME", "Ledger", "StoredBatch"]

RUN_FORMAT = 1
LATER_FORMAT = "use the tunegate version that wrote it"
EDITED = (
    "it was damaged, edited by hand or written by another version of tunegate: "
    "restore a copy, or name another ledger with --ledger"
)

T = TypeVar("T")


class StoredBatch(NamedTuple):
    """A finished batch as it is kept: its key, its outputs, and its wall seconds."""

    key: str
    outputs: Sequence[Output]
    seconds: float


@dataclass(frozen=True)
class _Kept:
    """How many results a run was stored with, beside its header; None by older versions."""

    results_kept: int | None = None


class Ledger:
    """Stored batches, runs, cases and documents. One writer at a time; readers any time.

    With `read_only` nothing is made or changed, and the folder need not be writable; what
    is not there then cannot be opened. Raises as `evals.ledger_file` does.
    """

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        self.folder = folder
        self.path = folder / FILE_NAME
        self._db = open_to_read(self.path) if read_only else open_to_write(self.path)

    def close(self) -> None:
        """Close the file. Everything stored is already committed."""
        self._db.close()

    # -- generation cache ---------------------------------------------------------

    def batch(self, key: str) -> tuple[list[Output], float] | None:
        """The outputs of a finished batch and its wall seconds, or None."""
        row = self._db.execute("select seconds from batches where key = ?", (key,)).fetchone()
        if row is None:
            return None
        rows = self._db.execute(
            "select body from outputs where batch = ? order by position", (key,)
        ).fetchall()
        return [decode(body, Output) for (body,) in rows], float(row[0])

    def store_batches(self, batches: Sequence[StoredBatch]) -> None:
        """Keep several batches in one transaction, each whole."""
        if not batches:
            return
        with self._transaction():
            self._db.executemany(
                "delete from outputs where batch = ?", [(batch.key,) for batch in batches]
            )
            self._db.executemany(
                "insert into outputs values (?, ?, ?)",
                [
                    (batch.key, position, encode(output))
                    for batch in batches
                    for position, output in enumerate(batch.outputs)
                ],
            )
            self._db.executemany(
                "insert or replace into batches values (?, ?, ?)",
                [(batch.key, batch.seconds, len(batch.outputs)) for batch in batches],
            )

    # -- runs and their cases -----------------------------------------------------

    def store_run(self, run: Run, cases: Sequence[Case]) -> None:
        """Keep a complete run and the cases it was made of, in one transaction."""
        header = canonical(replace(run, results=())) | {"results_kept": len(run.results)}
        with self._transaction():
            self._db.execute(
                "insert or replace into runs values (?, ?, ?, ?, ?, ?)",
                (
                    run.id,
                    run.suite,
                    run.split,
                    run.candidate.fingerprint,
                    run.created,
                    encode(header),
                ),
            )
            self._db.execute("delete from results where run = ?", (run.id,))
            self._db.executemany(
                "insert into results values (?, ?, ?, ?)",
                ((run.id, n, r.case_id, encode(r)) for n, r in enumerate(run.results)),
            )
            self._db.executemany(
                "insert or ignore into cases values (?, ?)",
                ((case.fingerprint, encode(case)) for case in cases),
            )

    def find_run(self, run_id: str) -> Run | None:
        """The run with exactly this id, or None."""
        row = self._db.execute("select body from runs where id = ?", (run_id,)).fetchone()
        return self._run(run_id, row[0]) if row else None

    def run(self, name: str) -> Run:
        """The run whose id is `name` or begins with it. Raises RecordError otherwise."""
        pattern = name.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_") + "%"
        rows = self._db.execute(
            r"select id, body from runs where id like ? escape '\' order by id", (pattern,)
        ).fetchall()
        exact = [row for row in rows if row[0] == name]
        rows = exact or rows
        if not rows:
            raise RecordError(f"no stored run is named {name!r}", hint="see `tunegate runs`")
        if len(rows) > 1:
            ids = ", ".join(row[0] for row in rows[:5])
            raise RecordError(f"{name!r} fits {len(rows)} runs: {ids}", hint="give more of the id")
        return self._run(rows[0][0], rows[0][1])

    def runs(
        self, suite: str | None = None, split: str | None = None, candidate: str | None = None
    ) -> list[Run]:
        """Headers (no results) of the stored runs, oldest first.

        Of one suite, split and candidate, this by its fingerprint, where they are given.
        """
        rows = self._db.execute(
            "select id, body from runs where (?1 is null or suite = ?1)"
            " and (?2 is null or split = ?2) order by created, rowid",
            (suite, split),
        ).fetchall()
        headers: list[Run] = []
        for name, body in rows:
            with self._in_record(f"run {name}"):
                headers.append(_header(name, body))
        return [h for h in headers if candidate in (None, h.candidate.fingerprint)]

    def fullest_run(self, suite: str, split: str, candidate: str) -> Run | None:
        """Of the runs of a candidate, by its fingerprint, that of most cases: the latest of equals.

        None where it was not run on the split.
        """
        found = (self.run(header.id) for header in self.runs(suite, split, candidate))
        return max(found, key=lambda run: (len(run.results), run.created), default=None)

    def cases(self, fingerprints: Sequence[str]) -> dict[str, Case]:
        """Stored cases by fingerprint; those never stored are left out."""
        found: dict[str, Case] = {}
        for fingerprint in fingerprints:
            row = self._db.execute(
                "select body from cases where fingerprint = ?", (fingerprint,)
            ).fetchone()
            if row:
                with self._in_record(f"case {fingerprint}"):
                    found[fingerprint] = case = decode(row[0], Case)
                    _check_identity(case, f"case {case.id}")
        return found

    def _run(self, run_id: str, header: str) -> Run:
        rows = self._db.execute(
            "select position, body from results where run = ? order by position", (run_id,)
        ).fetchall()
        with self._in_record(f"run {run_id}"):
            run, kept = _header(run_id, header), decode(header, _Kept).results_kept
        found: list[CaseResult] = []
        for position, body in rows:
            with self._in_record(f"run {run_id}, result {position + 1}"):
                found.append(decode(body, CaseResult))
        with self._in_record(f"run {run_id}"):
            _check_whole([position for position, _ in rows], kept)
            run = replace(run, results=tuple(found))
            _check_scores(run)
        return run

    # -- documents: decisions, trainings, phases ------------------------------------

    def store(self, kind: str, key: str, record: object, *, created: str = "") -> None:
        """Keep one record under a kind and key, replacing what stood there."""
        with self._transaction():
            self._db.execute(
                "insert or replace into documents values (?, ?, ?, ?)",
                (kind, key, created, encode(record)),
            )

    def load(self, kind: str, key: str, record_type: type[T]) -> T | None:
        """The record stored under a kind and key, or None."""
        row = self._db.execute(
            "select body from documents where kind = ? and key = ?", (kind, key)
        ).fetchone()
        with self._in_record(f"{kind} {key}"):
            return decode(row[0], record_type) if row else None

    def documents(self, kind: str) -> Mapping[str, str]:
        """Encoded records of a kind, by key, oldest first."""
        rows = self._db.execute(
            "select key, body from documents where kind = ? order by created, key", (kind,)
        ).fetchall()
        return dict(rows)

    def forget(self, kind: str, key: str) -> None:
        """Remove one record; nothing happens when there is none."""
        with self._transaction():
            self._db.execute("delete from documents where kind = ? and key = ?", (kind, key))

    @contextmanager
    def _in_record(self, key: str) -> Iterator[None]:
        """Say of a record that cannot be read where it stands and what can be done."""
        try:
            yield
        except RecordError as error:
            hint = error.hint if error.hint == LATER_FORMAT else EDITED
            raise RecordError(error.message, path=self.path, key=key, hint=hint) from error

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._db.execute("begin immediate")
            yield
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("rollback")
            raise
        self._db.execute("commit")


def _header(name: str, body: str) -> Run:
    """The run stored as `name`, without its results. Raises RecordError for a later format."""
    run = decode(body, Run)
    if run.id != name:
        raise RecordError(f"the stored run is damaged: it calls itself {run.id}", hint=EDITED)
    if run.format != RUN_FORMAT:
        raise RecordError(
            f"run {run.id} has format {run.format}, this version reads format {RUN_FORMAT}",
            hint=LATER_FORMAT,
        )
    _check_identity(run.candidate, f"run {run.id}")
    return run


def _check_identity(record: Case | Candidate, what: str) -> None:
    """Raise RecordError where a record holds what no record is made of: NaN, infinity."""
    try:
        _ = record.fingerprint
    except ValueError as error:
        raise RecordError(f"the stored {what} is damaged: {error}", hint=EDITED) from error


def _check_whole(positions: Sequence[int], kept: int | None) -> None:
    """Raise RecordError where results are missing: a verdict would rest on fewer cases, unsaid."""
    stored = kept if kept is not None else max(positions, default=-1) + 1
    if list(positions) != list(range(stored)):
        raise RecordError(
            f"the stored run is damaged: it has {len(positions)} of its {stored} results",
            hint=EDITED,
        )


def _check_scores(run: Run) -> None:
    """Raise RecordError unless every case has one result: an error, or scores from 0 to 1."""
    ids = [result.case_id for result in run.results]
    if len(set(ids)) < len(ids):
        raise RecordError(f"the stored run {run.id} has two results of one case", hint=EDITED)
    for result in run.results:
        wrong = [name for name, score in result.scores.items() if not _in_range(score)]
        if wrong or (not result.failed and run.primary not in result.scores):
            found = f"a score outside 0 to 1: {wrong[0]}" if wrong else f"no score {run.primary}"
            raise RecordError(
                f"the stored run {run.id} is damaged: case {result.case_id} has {found}",
                hint=EDITED,
            )


def _in_range(score: Score) -> bool:
    values = (score.value, *(part.value for part in score.parts))
    return all(0 <= value <= 1 for value in values)
