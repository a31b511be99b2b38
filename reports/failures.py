"""What goes wrong: kinds of failure for each run, as the scorers name them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from evals.records import Run
from reports import numbers
from reports.stored import NotRun, adapter_dev_runs, dev_runs, sealed_runs
from tuning.records import JobRecord

MOST_KINDS = 6
MOST_RUNS = 40
MOST_REASONS = 5
OTHER = "other"
ERROR = "error"


@dataclass(frozen=True)
class FailureRow:
    """One run: its cases by what became of them, in the order of the view's `kinds`."""

    label: str
    split: str
    cases: str
    right: str
    counts: tuple[str, ...]
    errors: str


@dataclass(frozen=True)
class FailuresView:
    """Failures by kind; `reasons` are the commonest error messages."""

    kinds: tuple[str, ...]
    rows: tuple[FailureRow, ...]
    reasons: tuple[tuple[str, str], ...]


def failures_view(job: JobRecord) -> FailuresView | NotRun:
    """Sealed runs first, then adapters on dev, then every prompt candidate there."""
    runs = deciding_runs(job)[:MOST_RUNS]
    if not runs:
        return NotRun("There are no outputs to look at", f"tunegate run {job.suite}")
    return failures_of(runs)


def deciding_runs(job: JobRecord) -> list[Run]:
    """The sealed runs, then those of adapters and of prompt candidates on dev."""
    return [*(run for run in sealed_runs(job) if run), *adapter_dev_runs(job), *dev_runs(job)]


def failures_of(runs: list[Run]) -> FailuresView:
    """Failures of runs, by what their scorers call them."""
    counts = [count_kinds(run) for run in runs]
    totals = sum(counts, Counter())
    kinds = sorted(totals, key=lambda kind: (-totals[kind], kind))
    named = [kind for kind in kinds if kind not in (OTHER, ERROR, "")][:MOST_KINDS]
    rest = any(kind not in (*named, ERROR, "") for kind in kinds)
    rows = [_row(run, count, named, rest=rest) for run, count in zip(runs, counts, strict=True)]
    return FailuresView(tuple(named + [OTHER] * rest), tuple(rows), _reasons(runs))


def count_kinds(run: Run) -> Counter[str]:
    """Cases by kind of failure; the empty kind counts full scores."""
    found: Counter[str] = Counter()
    for result in run.results:
        score = None if result.failed else result.scores.get(run.primary)
        if score is None:
            found[ERROR] += 1
        elif score.value >= 1:
            found[""] += 1
        else:
            found[score.kind or OTHER] += 1
    return found


def _row(run: Run, found: Counter[str], named: list[str], *, rest: bool) -> FailureRow:
    counts = [found[kind] for kind in named]
    if rest:
        counts.append(len(run.results) - found[""] - found[ERROR] - sum(counts))
    return FailureRow(
        label=run.candidate.label,
        split="sealed" if run.split == "test" else run.split,
        cases=numbers.count(len(run.results)),
        right=numbers.count(found[""]),
        counts=tuple(numbers.count(number) for number in counts),
        errors=numbers.count(found[ERROR]),
    )


def _reasons(runs: list[Run]) -> tuple[tuple[str, str], ...]:
    """The commonest errors, with how often."""
    return tuple((reason, numbers.count(number)) for reason, number in commonest_errors(runs))


def commonest_errors(runs: Sequence[Run]) -> list[tuple[str, int]]:
    """Why there was no output or no score, the commonest first, with how often."""
    found = Counter(r.failed for run in runs for r in run.errors if r.failed)
    ranked = sorted(found.items(), key=lambda item: (-item[1], item[0]))[:MOST_REASONS]
    return [(reason[:300], number) for reason, number in ranked]
