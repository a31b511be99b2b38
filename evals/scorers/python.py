"""`python@1`: the suite's own scorer, run in a worker process."""

from __future__ import annotations

from evals.scorers.options import Options
from evals.scorers.protocol import Scorer
from evals.scorers.worker import DEFAULT_MEMORY_MB, DEFAULT_SECONDS, Worker


def python(options: Options) -> Scorer:
    """`python@1`: option `function`, as "scorers.py:name", a file inside the suite.

    The function is `def name(case: Case, output: Output) -> Score | float | bool`, with
    the value from 0 to 1. It runs with the suite's folder on its import path, without
    this process's environment, and what it prints is lost. Options `seconds` (per answer,
    default 5) and `memory_mb` (default 2048) bound it.
    """
    reference = options.text("function")
    file, colon, name = reference.rpartition(":")
    if not colon or not name.isidentifier():
        raise options.error(
            f'expected "file.py:name", not {reference!r:.80}',
            key="function",
            hint='such as "scorers.py:my_scorer"',
        )
    path = options.file("function", file, ".py")
    target = {"file": str(path), "function": name, "root": str(options.suite_root.resolve())}
    return Worker(
        target,
        options.error,
        seconds=options.number("seconds", default=DEFAULT_SECONDS, above=0.0),
        memory_mb=options.number("memory_mb", default=DEFAULT_MEMORY_MB, above=0.0),
    )
