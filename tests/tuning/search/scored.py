"""Stored runs with scores that a test decides."""

from __future__ import annotations

from dataclasses import replace

from evals.records import Run, Score


def rescored(run: Run, *, right: int, other: int) -> Run:
    """The run with its first `right` cases right, its last `other` too, and the rest wrong."""
    count = len(run.results)
    results = tuple(
        replace(result, scores={run.primary: Score(float(n < right or n >= count - other))})
        for n, result in enumerate(run.results)
    )
    return replace(run, results=results)
