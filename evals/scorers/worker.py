"""A worker process for code that must be bounded: suite scorers and schema validation.

A fresh interpreter (never a fork) with an environment of a few harmless variables, a
memory limit, and a time limit per answer. It is started on first use, and again after a
time-out or a crash. This keeps accidents and runaway code away; it is no sandbox for code
that means harm: a suite's scorers can do what its user can do.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import evals
from evals.errors import ScorerError
from evals.records import Case, Json, Output, Score
from evals.scorers.batch import only_score
from evals.scorers.wire import (
    LENGTH,
    MAX_REASON,
    MAX_REPLY,
    frame,
    pair_to_wire,
    parts_from_wire,
)

DEFAULT_SECONDS = 5.0
DEFAULT_MEMORY_MB = 2048.0
START_SECONDS = 60.0  # to start an interpreter and import the suite's code, on a busy machine

_BATCH = 64  # items per frame: amortises the round trip, and bounds what is sent in vain
# Nothing else of the environment reaches suite code: it holds keys and tokens.
_ALLOWED = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "LD_LIBRARY_PATH")
# Fixed hashing makes the order of sets, and so every score, the same on each start.
_FIXED = {"PYTHONHASHSEED": "0", "PYTHONUTF8": "1", "OMP_NUM_THREADS": "1"}

_Fail = Callable[..., ScorerError]


class _DiedError(Exception):
    """The worker is gone, late or talks nonsense; the message says which."""


class Worker:
    """Scores by a function in a process of its own. Not thread-safe.

    `target` is {"file", "function", "root"} for a suite's function or {"module",
    "factory", "options"} for one of ours; `fail` makes the error that names the metric, and
    `unloaded` (default `fail`) the one for what could not be loaded.
    """

    def __init__(
        self,
        target: Mapping[str, Json],
        fail: _Fail,
        *,
        seconds: float = DEFAULT_SECONDS,
        memory_mb: float = DEFAULT_MEMORY_MB,
        unloaded: _Fail | None = None,
    ) -> None:
        self._target = dict(target)
        self._fail = fail
        self._unloaded = unloaded or fail
        self._seconds = seconds
        self._memory_mb = memory_mb
        self._link: _Link | None = None
        self._broken: ScorerError | None = None

    def __call__(self, case: Case, output: Output) -> Score:
        """One score; raises ScorerError when the function gave none."""
        return only_score(self, case, output)

    def stream(self, pairs: Iterable[tuple[Case, Output]]) -> Iterator[Score | ScorerError]:
        """A score, or the reason why there is none, for each pair in order, as they come.

        Closing the iterator early stops the worker; the next use starts another.
        """
        source = iter(pairs)
        try:
            while batch := list(islice(source, _BATCH)):
                yield from self._batch(batch)
        except GeneratorExit:
            self.close()
            raise

    def close(self) -> None:
        """Stop the process, if there is one."""
        if self._link is not None:
            self._link.close()
            self._link = None

    def _batch(self, pairs: list[tuple[Case, Output]]) -> Iterator[Score | ScorerError]:
        done = 0
        while done < len(pairs):
            rest = pairs[done:]
            try:
                for result in self._attempt(rest):
                    done += 1
                    yield result
            except _DiedError as death:
                self.close()
                yield self._case_error(pairs[done][0], str(death))
                done += 1

    def _attempt(self, pairs: list[tuple[Case, Output]]) -> Iterator[Score | ScorerError]:
        """Results until all are there; raises _DiedError at the pair that ended the worker."""
        if self._broken is None and self._link is None:
            self._start()
        if self._broken is not None or self._link is None:
            yield from (self._broken or self._fail("no worker") for _ in pairs)
            return
        try:
            numbered = [[n, pair_to_wire(*pair)] for n, pair in enumerate(pairs)]
            message = frame(numbered)
        except (TypeError, ValueError, RecursionError) as error:
            if len(pairs) > 1:  # find the one that does not fit, one by one
                for pair in pairs:
                    yield from self._attempt([pair])
                return
            yield self._case_error(pairs[0][0], f"cannot be sent to the scorer: {error}")
            return
        self._link.write(message, self._seconds + START_SECONDS)
        for number, (case, _) in enumerate(pairs):
            yield self._result(case, number, self._link.read(self._seconds))

    def _start(self) -> None:
        self._link = _Link()
        config = {
            "target": self._target,
            "seconds": self._seconds,
            "memory_bytes": int(self._memory_mb * (1 << 20)),
        }
        try:
            self._link.write(frame(config), START_SECONDS)
            reply = self._link.read(START_SECONDS)
        except _DiedError as death:
            reply = ["failed", f"while it was loaded, {death}", self._target.get("file"), None]
        if reply != ["ready"]:
            self.close()
            self._broken = self._told(reply[1:], "", self._unloaded)

    def _result(self, case: Case, number: int, reply: Any) -> Score | ScorerError:
        match reply:
            case [int(said), "ok", float(value), str(reason), str(kind), list(lists)] if (
                said == number
            ):
                parts = parts_from_wire(lists)
                if 0.0 <= value <= 1.0 and parts is not None:  # false for NaN too
                    return Score(value, reason, kind, parts)
            case [int(said), "bad", *told] if said == number:
                return self._told(told, f'case "{case.id}": ', self._fail)
            case [int(said), "memory", *_] if said == number:
                raise _DiedError(f"MemoryError: the scorer needed over {self._memory_mb:g} MB")
        raise _DiedError("the scorer's process sent a reply that makes no sense")

    def _told(self, told: list[Any], prefix: str, fail: _Fail) -> ScorerError:
        match told:
            case [str(message), str(path), int() | None as line]:
                error = fail(prefix + message[:MAX_REASON])
                error.path, error.line = path, line
                return error
            case [str(message), *_]:
                return fail(prefix + message[:MAX_REASON])
        return fail(f"{prefix}the scorer's process sent a reply that makes no sense")

    def _case_error(self, case: Case, message: str) -> ScorerError:
        return self._fail(f'case "{case.id}": {message}')


class _Link:
    """A running process and the two pipes to it."""

    def __init__(self) -> None:
        child_read, self._to = os.pipe()
        self._from, child_write = os.pipe()
        try:
            self._process = _spawn(child_read, child_write)
        except OSError:
            os.close(self._to)
            os.close(self._from)
            raise
        finally:
            os.close(child_read)
            os.close(child_write)
        os.set_blocking(self._to, False)
        self._buffer = bytearray()
        # Also at exit, and when a worker is dropped without being closed.
        self._finalize = weakref.finalize(self, _stop, self._process, self._to, self._from)

    def close(self) -> None:
        self._finalize()

    def write(self, data: bytes, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        view = memoryview(data)
        while view:
            self._wait(self._to, select.POLLOUT, deadline, seconds)
            try:
                view = view[os.write(self._to, view) :]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                raise _DiedError(self._ending()) from None

    def read(self, seconds: float) -> Any:
        """The next reply, waited for at most `seconds`."""
        deadline = time.monotonic() + seconds
        while (body := self._whole_frame()) is None:
            self._wait(self._from, select.POLLIN, deadline, seconds)
            block = os.read(self._from, 1 << 16)
            if not block:
                raise _DiedError(self._ending())
            self._buffer += block
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            raise _DiedError("the scorer's process sent a reply that is not JSON") from None

    def _whole_frame(self) -> bytes | None:
        if len(self._buffer) < LENGTH.size:
            return None
        (length,) = LENGTH.unpack_from(self._buffer)
        if length > MAX_REPLY:
            raise _DiedError("the scorer's process sent a reply that is too long")
        end = LENGTH.size + length
        if len(self._buffer) < end:
            return None
        body = bytes(self._buffer[LENGTH.size : end])
        del self._buffer[:end]
        return body

    def _wait(self, descriptor: int, event: int, deadline: float, seconds: float) -> None:
        poll = select.poll()
        poll.register(descriptor, event)
        if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            raise _DiedError(f"TimeoutError: no answer within {seconds:g} s; it was stopped")

    def _ending(self) -> str:
        """How the process ended; it closed its pipe, so it is about to."""
        try:
            code = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return "the scorer's process closed its pipe"
        if code < 0:
            name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
            return f"the scorer's process was ended by {name}"
        return f"the scorer's process exited with code {code}"


def _spawn(child_read: int, child_write: int) -> subprocess.Popen[bytes]:
    home = Path(evals.__file__).resolve().parents[1]
    start = (
        f"import sys; sys.path.insert(0, {str(home)!r}); import evals.scorers.child as c; "
        f"sys.path.remove({str(home)!r}); sys.path.append({str(home)!r}); "
        f"c.main({child_read}, {child_write})"
    )
    environment = {name: os.environ[name] for name in _ALLOWED if name in os.environ}
    # -s -P: no user site, no working directory on the path; -B: a suite's folder stays clean.
    return subprocess.Popen(  # noqa: S603 - our own interpreter with our own words
        [sys.executable, "-s", "-P", "-B", "-c", start],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment | _FIXED,
        pass_fds=(child_read, child_write),
        start_new_session=True,  # Ctrl-C is for us; and its children can be ended with it
    )


def _stop(process: subprocess.Popen[bytes], *descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
