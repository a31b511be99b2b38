"""A person marks real scores as right or wrong, and what their marks say about a suite.

Valid answers scored wrong are the commonest fault of an eval, and no statistic finds
them. The marks are kept in `audit.jsonl` in the suite's folder, one JSON object a line,
so that they are reviewed and versioned with the suite.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from evals.audit_marks import Mark, append_mark, read_marks
from evals.errors import NothingRunError, UsageError
from evals.fingerprint import fingerprint
from evals.records import Case, CaseResult, Finding, Output, Run, Score
from evals.suite.spec import Suite

if TYPE_CHECKING:
    from evals.stats import ScoreInterval

__all__ = [
    "AUDIT_FILE",
    "DEFAULT_SAMPLE",
    "MAX_WRONG_SHARE",
    "MIN_MARKS",
    "Answer",
    "Ask",
    "AuditItem",
    "AuditSummary",
    "Mark",
    "append_mark",
    "audit",
    "audit_summary",
    "draw_sample",
    "judged_identity",
    "output_hash",
    "read_marks",
]

AUDIT_FILE = "audit.jsonl"
DEFAULT_SAMPLE = 40

# The suite counts as faulty when more than 1 score in 20 is wrong beyond doubt: when the
# 95 % Wilson interval of the share of marked scores that the person rejects lies above it.
# Of 40 marks that takes 5, of 20 it takes 3.
MAX_WRONG_SHARE = 0.05
MIN_MARKS = 10  # fewer only warn: one slip of the hand must not decide


@dataclass(frozen=True)
class AuditItem:
    """One score put before a person: the case, the output and what the scorer said."""

    case: Case
    output: Output
    metric: str
    score: Score
    judged: str


@dataclass(frozen=True)
class Answer:
    """What the person said. `score_is_right` None passes over this item without a mark."""

    score_is_right: bool | None
    note: str = ""


Ask = Callable[[AuditItem, int, int], Answer | None]
"""Asks about one item, given its number (from 1) and how many there are; None stops."""


@dataclass(frozen=True)
class AuditSummary:
    """What the marks that still count say. Shares are of marked scores.

    `wrong` is the share of scores that the person rejects, `too_strict` that share among
    scores below full (valid answers scored wrong) and `too_lenient` among full scores;
    each with a 95 % Wilson interval, or None where nothing of the kind was marked. The
    sample holds as many low as full scores where it can, so `wrong` is a share of the
    sample and not of all cases. `stale` counts marks on what has changed since.
    """

    wrong: ScoreInterval | None
    too_strict: ScoreInterval | None
    too_lenient: ScoreInterval | None
    stale: int
    rejected: tuple[Mark, ...] = ()
    findings: tuple[Finding, ...] = field(default=())


def output_hash(output: Output) -> str:
    """Hash of what the model said, and of nothing else of the output."""
    return fingerprint("output@1", output.said)


def judged_identity(case_fingerprint: str, output: Output, metric: str, score: Score) -> str:
    """Identity of what a mark is about; see `Mark`."""
    return fingerprint("audit@1", case_fingerprint, output.said, metric, score.value)


def draw_sample(
    run: Run, suite: Suite, *, size: int = DEFAULT_SAMPLE, seed: int = 0, metric: str | None = None
) -> list[AuditItem]:
    """Scores of a run to be marked: half full ones, half lower ones, as far as there are.

    Drawn and ordered by a hash of seed and case id: the same for any order of results,
    and a larger sample holds the smaller one's cases of each kind. Cases without a score,
    and cases that are no longer in the suite as they were, are left out. Raises
    UsageError for an unknown metric and NothingRunError when nothing is left.
    """
    name = metric or run.primary
    if name not in suite.metrics:
        known = ", ".join(suite.metrics)
        raise UsageError(f'"{name}" is no metric of {suite.name}; there is: {known}', key="metric")
    if size < 1:
        raise UsageError(f"a sample of {size} is empty; expected 1 or more", key="size")
    cases = {case.id: case for case in suite.cases}
    items = [
        _item(cases[result.case_id], result, name)
        for result in run.results
        if not result.failed and name in result.scores and _unchanged(cases, result)
    ]
    if not items:
        raise NothingRunError(f"run {run.id} has no score of {name} for the suite's present cases")
    items.sort(key=lambda item: fingerprint("audit-order@1", seed, item.case.id))
    full = [item for item in items if item.score.value >= 1.0]
    low = [item for item in items if item.score.value < 1.0]
    of_low = min(len(low), max(size - size // 2, size - len(full)))
    chosen = {id(item) for item in low[:of_low] + full[: size - of_low]}
    return [item for item in items if id(item) in chosen]


def audit(
    run: Run,
    suite: Suite,
    ask: Ask,
    *,
    size: int = DEFAULT_SAMPLE,
    seed: int = 0,
    metric: str | None = None,
    who: str = "",
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    path: Path | None = None,
) -> tuple[Mark, ...]:
    """Ask about each sampled score that is not marked yet; returns the new marks.

    Every mark is on disk before the next question, so an interrupted audit resumes where
    it stopped. Note that a person who sees outputs of the test split has opened it.
    """
    file = path or suite.root / AUDIT_FILE
    sample = draw_sample(run, suite, size=size, seed=seed, metric=metric)
    marked = {mark.judged for mark in read_marks(file)}
    made: list[Mark] = []
    for number, item in enumerate(sample, start=1):
        if item.judged in marked:
            continue
        answer = ask(item, number, len(sample))
        if answer is None:
            break
        if answer.score_is_right is None:
            continue
        mark = _mark(item, answer, who=who, when=now())
        append_mark(file, mark)
        made.append(mark)
    return tuple(made)


def audit_summary(
    marks: Iterable[Mark],
    runs: Sequence[Run],
    *,
    metric: str | None = None,
    where: str = AUDIT_FILE,
) -> AuditSummary:
    """What the marks say of the scores in `runs`: shares, and a finding where too many are wrong.

    Counted are marks on a score of `metric` (default: each run's primary) that one of the
    runs still holds: same case, output and value. Of several marks on one thing the last
    counts. The finding (code `audit_scores_wrong`) is an error when the share's lower
    bound exceeds `MAX_WRONG_SHARE` on `MIN_MARKS` marks or more, a warning when only the
    estimate does.
    """
    live = {
        judged_identity(
            result.case_fingerprint, result.output, metric or run.primary, result.scores[name]
        )
        for run in runs
        for result in run.results
        for name in [metric or run.primary]
        if not result.failed and name in result.scores
    }
    metrics = {metric} if metric is not None else {run.primary for run in runs}
    latest = {mark.judged: mark for mark in marks if mark.metric in metrics}
    counted = [mark for key, mark in latest.items() if key in live]
    wrong = _share(counted)
    rejected = tuple(mark for mark in counted if not mark.marked_right)
    return AuditSummary(
        wrong=wrong,
        too_strict=_share([mark for mark in counted if mark.score < 1.0]),
        too_lenient=_share([mark for mark in counted if mark.score >= 1.0]),
        stale=len(latest) - len(counted),
        rejected=rejected,
        findings=_findings(wrong, rejected, where),
    )


def _item(case: Case, result: CaseResult, metric: str) -> AuditItem:
    score = result.scores[metric]
    judged = judged_identity(result.case_fingerprint, result.output, metric, score)
    return AuditItem(case, result.output, metric, score, judged)


def _unchanged(cases: Mapping[str, Case], result: CaseResult) -> bool:
    case = cases.get(result.case_id)
    return case is not None and case.fingerprint == result.case_fingerprint


def _mark(item: AuditItem, answer: Answer, *, who: str, when: datetime) -> Mark:
    return Mark(
        case_id=item.case.id,
        metric=item.metric,
        output_hash=output_hash(item.output),
        score=item.score.value,
        judged=item.judged,
        marked_right=bool(answer.score_is_right),
        note=answer.note,
        who=who,
        when=when.isoformat(timespec="seconds"),
    )


def _share(marks: Sequence[Mark]) -> ScoreInterval | None:
    if not marks:
        return None
    from evals.stats import score_interval

    return score_interval([0.0 if mark.marked_right else 1.0 for mark in marks])


def _findings(
    wrong: ScoreInterval | None, rejected: Sequence[Mark], where: str
) -> tuple[Finding, ...]:
    if wrong is None or wrong.estimate <= MAX_WRONG_SHARE:
        return ()
    named = ", ".join(dict.fromkeys(mark.case_id for mark in rejected[:5]))
    message = (
        f"a person rejects {len(rejected)} of {wrong.n} marked scores "
        f"({wrong.estimate:.0%}, 95 % interval {wrong.low:.0%} to {wrong.high:.0%}; "
        f"tolerated: {MAX_WRONG_SHARE:.0%}); among them: {named}"
    )
    certain = wrong.n >= MIN_MARKS and wrong.low > MAX_WRONG_SHARE
    level: Literal["error", "warning"] = "error" if certain else "warning"
    return (Finding(level, "audit_scores_wrong", message, where),)
