"""One test session's evaluations, each made once, also where xdist runs several processes.

The first process that needs an evaluation makes it under a lock and leaves it in a file
under the ledger's folder; the others wait for the lock and read it there.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tunegate.pytesting.child import Child, Progress
from tunegate.pytesting.records import (
    Evaluation,
    Options,
    PlannedSuite,
    SuiteFaultError,
    evaluation_from,
    plan_from,
)

STALE_SECONDS = 24 * 3600


class Session:
    """Plans, checks and evaluations of one test session.

    `uid` names the session where it has several processes, the same in all of them.
    """

    def __init__(self, root: Path, options: Options, uid: str | None, progress: Progress) -> None:
        self.options = options
        self._child = Child(root)
        self._progress = progress
        self._made: dict[str, Any] = {}
        self._shared = Path(options.ledger) / "pytest" / uid if uid else None

    def plan(self, suite: Path) -> PlannedSuite:
        """What a suite will be judged by. Runs no model. Raises SuiteFaultError."""
        return plan_from(self._once("plan", {"suite": str(suite)}, self.options))

    def check(self, suite: Path) -> list[tuple[str, str]]:
        """What `tunegate check` finds, as (level, text). Raises SuiteFaultError."""
        found = self._once("check", {"suite": str(suite)}, self.options)
        return [(level, text) for level, text in found]

    def evaluate(
        self, suite: Path, cases: tuple[str, ...] | None, options: Options | None = None
    ) -> Evaluation:
        """A suite's evaluation, of all its cases (None) or of some. Raises SuiteFaultError."""
        request = {"suite": str(suite), "cases": cases}
        return evaluation_from(self._once("run", request, options or self.options))

    def close(self) -> None:
        """End the working process."""
        self._child.close()

    def _once(self, what: str, request: Mapping[str, Any], options: Options) -> Any:
        text = json.dumps([what, request, asdict(options)], sort_keys=True)
        key = hashlib.sha256(text.encode()).hexdigest()[:24]
        if key not in self._made:
            self._made[key] = self._shared_or_made(
                key, lambda: self._answer(what, request, options)
            )
        made = self._made[key]
        if "error" in made:
            raise SuiteFaultError(made["error"], exit_code=made.get("exit_code", 2))
        return made["reply"]

    def _answer(self, what: str, request: Mapping[str, Any], options: Options) -> Any:
        """A reply, or the error in its place: what failed once is not tried for every item."""
        try:
            told = {**request, "options": asdict(options)}
            return {"reply": self._child.ask(what, told, self._progress)}
        except SuiteFaultError as error:
            return {"error": str(error), "exit_code": error.exit_code}

    def _shared_or_made(self, key: str, make: Callable[[], Any]) -> Any:
        if self._shared is None:
            return make()
        try:
            return _found_or_left(self._shared, key, make)
        except OSError as error:
            told = f"{error.filename or self._shared}: {error.strerror or error}"
            return {"error": f"{told} (name a folder that can be written, with --tunegate-ledger)"}


def _found_or_left(folder: Path, key: str, make: Callable[[], Any]) -> Any:
    """What another process left in `folder`, else what `make` gives, left there for others."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"{key}.json"
    with _locked(folder / "lock"):
        if path.exists():
            return json.loads(path.read_text(encoding="ascii"))
        made = make()
        scratch = path.with_suffix(f".{os.getpid()}.new")
        scratch.write_text(json.dumps(made), encoding="ascii")
        scratch.replace(path)
        return made


def forget(ledger: Path, uid: str) -> None:
    """Remove what a session's processes left for each other, and what dead sessions did.

    What cannot be removed stays: it is in nobody's way, and a test run must not fail by it.
    """
    folder = ledger / "pytest"
    shutil.rmtree(folder / uid, ignore_errors=True)
    with suppress(OSError):
        for old in folder.iterdir():
            if time.time() - old.stat().st_mtime > STALE_SECONDS:
                shutil.rmtree(old, ignore_errors=True)
    with suppress(OSError):
        folder.rmdir()  # where it is empty


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Wait for the lock file and hold it; the system frees it when its holder dies."""
    with path.open("a") as handle:
        try:
            import fcntl
        except ImportError:  # Windows: each process makes its own
            yield
            return
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
