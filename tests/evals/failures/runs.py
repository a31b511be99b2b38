"""Suites and runs made in memory, case by case, for tests of the error analysis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from evals.records import Candidate, Case, CaseResult, Output, Run, Score
from evals.suite.spec import MetricSpec, Suite


def case(name: str, wanted: Any = "billing", text: str = "charged twice", **more: Any) -> Case:
    """A case whose expected value is its answer where that is text."""
    answer = more.pop("answer", wanted if isinstance(wanted, str) else str(wanted))
    return Case(name, {"text": text}, wanted, answer, "dev", **more)


def result(
    one: Case,
    text: str | None,
    kind: str = "mismatch",
    *,
    value: float = 0.0,
    finish: Any = "stop",
    scores: Mapping[str, Score] | None = None,
    **output: Any,
) -> CaseResult:
    """What a run gave for a case; without text an error."""
    if text is None:
        return CaseResult(one.id, one.fingerprint, "p", Output(None, "error", error="timed out"))
    said = {"score": Score(value, "because", kind), **(scores or {})}
    return CaseResult(
        one.id, one.fingerprint, "p", Output(text, finish, **output), said, one.cluster
    )


def run(results: Iterable[CaseResult]) -> Run:
    """A complete run of these results."""
    return Run(
        id="run1",
        suite="s",
        suite_fingerprint="f",
        scoring_fingerprint="sf",
        split="dev",
        primary="score",
        candidate=Candidate("scripted:x", "m", "terse", "pf"),
        results=tuple(results),
        seconds=1.0,
        created="2026-01-01T00:00:00Z",
    )


def suite(
    cases: Iterable[Case], scorer: str = "exact@1", *, metrics: Any = None, **more: Any
) -> Suite:
    """A suite of these cases whose primary metric is `score`; options of it by `options`."""
    spec = MetricSpec("score", scorer, more.pop("options", {}))
    return Suite(
        name="s",
        task="t",
        root=Path("s"),
        cases=tuple(cases),
        prompts={},
        metrics={"score": spec, **(metrics or {})},
        primary="score",
        **more,
    )
