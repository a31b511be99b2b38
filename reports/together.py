"""Tuned and prompted together: the adapter with each prompt on dev, beside the base with it."""

from __future__ import annotations

from dataclasses import dataclass

from reports import numbers
from tuning.intervals import Interval
from tuning.records import JobRecord
from tuning.together.records import Together, TogetherLine


@dataclass(frozen=True)
class TogetherRow:
    """One prompt; texts are ready to show. `standing` says whether it was chosen, or not run."""

    label: str
    why: str
    standing: str
    score: str
    bounds: str
    base: str
    base_bounds: str
    tuning: str
    tuning_bounds: str
    prompting: str
    prompting_bounds: str
    prompt_tokens: str
    seconds: str
    errors: str


@dataclass(frozen=True)
class TogetherView:
    """What was chosen and why, and every prompt that was tried with the adapter.

    `erred`: a case of some prompt has no output or no score.
    """

    sentence: str
    rows: tuple[TogetherRow, ...]
    erred: bool = True


def together_view(job: JobRecord) -> TogetherView | None:
    """None where the adapter was asked with its training prompt alone."""
    if job.together is None:
        return None
    rows = tuple(_row(line, job.together) for line in job.together.lines)
    erred = any(line.errors for line in job.together.lines)
    return TogetherView(job.together.sentence, rows, erred)


def _row(line: TogetherLine, record: Together) -> TogetherRow:
    return TogetherRow(
        label=line.label,
        why=line.why,
        standing=_standing(line, record),
        score=numbers.score(line.score.estimate if line.score else None),
        bounds=numbers.bounds(line.score) if line.score else "",
        base=numbers.score(line.base.estimate if line.base else None),
        base_bounds=numbers.bounds(line.base) if line.base else "",
        tuning=numbers.signed(line.tuning.estimate if line.tuning else None),
        tuning_bounds=_bounds(line.tuning),
        prompting=numbers.signed(line.prompting.estimate if line.prompting else None),
        prompting_bounds=_bounds(line.prompting),
        prompt_tokens=numbers.count(line.prompt_tokens),
        seconds=numbers.decimal(None if line.seconds is None else round(line.seconds, 2)),
        errors=numbers.count(line.errors) if line.run_id else numbers.NOTHING,
    )


def _standing(line: TogetherLine, record: Together) -> str:
    if line.left_out:
        return f"not run: {line.left_out}"
    return "chosen" if line.run_id == record.chosen else "tried"


def _bounds(interval: Interval | None) -> str:
    return numbers.signed_bounds(interval) if interval else ""
