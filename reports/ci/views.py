"""What is said of regression verdicts, whatever it is written as: order, figures, sentences.

Texts here are plain and untrusted: each writer makes them safe in its own way.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from evals.errors import NothingRunError
from evals.records import Json
from evals.regression.records import (
    WORST_FIRST,
    CaseChange,
    Check,
    CheckResult,
    DetectableLoss,
    SuiteVerdict,
)
from evals.regression.wording import percent, power_said
from evals.rounding import points_span
from reports import numbers
from reports.excerpts import compact_text

RESULT_WORDS: dict[CheckResult, str] = {result: result.upper() for result in WORST_FIRST}
MOST_NAMES = 3


@dataclass(frozen=True)
class SuiteRow:
    """One suite's figures: from the comparison with the baseline where there is one."""

    suite: str
    result: CheckResult
    metric: str
    score: str
    difference: str
    margin: str
    cases: str


def overall(verdicts: Sequence[SuiteVerdict]) -> CheckResult:
    """The worst result; raises NothingRunError where there is none: nothing is no pass."""
    if not verdicts:
        raise NothingRunError("no suite was judged, so there is nothing to report")
    return min((verdict.result for verdict in verdicts), key=WORST_FIRST.index)


def worst_first(verdicts: Sequence[SuiteVerdict]) -> list[SuiteVerdict]:
    """The verdicts by result; equal ones stay in their order."""
    return sorted(verdicts, key=lambda verdict: WORST_FIRST.index(verdict.result))


def checks_worst_first(verdict: SuiteVerdict) -> list[Check]:
    """A suite's checks by result; equal ones stay in their order."""
    return sorted(verdict.checks, key=lambda check: WORST_FIRST.index(check.result))


def main_check(verdict: SuiteVerdict) -> Check | None:
    """The comparison of the primary metric with the baseline, else any with the baseline."""
    found = [check for check in verdict.checks if check.kind == "baseline"]
    primary = [check for check in found if check.name == verdict.primary]
    return next(iter(primary or found), None)


def reason(verdicts: Sequence[SuiteVerdict]) -> str:
    """Why the overall result is what it is, in a sentence or two."""
    result = overall(verdicts)
    worst = [verdict for verdict in verdicts if verdict.result == result]
    others = _counts([verdict for verdict in verdicts if verdict.result != result])
    also = f" Other suites: {others}." if others else ""
    names = _names([verdict.suite for verdict in worst])
    if result == "pass":
        return f"{names} passed every check.{also}"
    if result == "skipped":
        return f"{names}: nothing was judged."
    if len(worst) == 1:
        return f"{names}: {stop(_first_sentence(worst[0]))}{also}"
    said = {
        "fail": f"{names} could not be judged."
        if all(verdict.error_code for verdict in worst)
        else f"{names} failed.",
        "review": f"The gate's definition changed in {names}: someone has to look at it.",
        "inconclusive": f"{names} have too few cases to tell.",
    }[result]
    return said + also


def weight(verdicts: Sequence[SuiteVerdict]) -> str:
    """What an overall result that is no pass means for the job."""
    if any(verdict.exit_code for verdict in verdicts):
        return "This fails the job."
    return "This is a warning: it does not fail the job."


def suite_row(verdict: SuiteVerdict) -> SuiteRow:
    """The figures of one suite."""
    check = main_check(verdict)
    score, difference = bounded_score(verdict), numbers.NOTHING
    if check and check.comparison:
        pair = check.comparison
        score = f"{percent(pair.mean_a)} → {percent(pair.mean_b)}"
        difference = _difference(pair.estimate, check.low, check.high)
    elif check and check.value is not None:
        difference = _difference(check.value, check.low, check.high)
    return SuiteRow(
        suite=verdict.suite,
        result=verdict.result,
        metric=verdict.primary,
        score=score,
        difference=difference,
        margin=numbers.points(check.limit) if check and check.limit else numbers.NOTHING,
        cases=numbers.count(verdict.cases)
        + (f", {numbers.plural(verdict.errors, 'error')}" if verdict.errors else ""),
    )


def bounded_score(verdict: SuiteVerdict) -> str:
    """The primary score with its interval."""
    if not verdict.cases or not math.isfinite(verdict.score):
        return numbers.NOTHING
    low, high = (f"{100 * bound:.1f}" for bound in (verdict.low, verdict.high))
    return f"{percent(verdict.score)} ({low} to {high})"


def can_detect(found: DetectableLoss) -> str:
    """The power statement in words."""
    return " ".join(stop(said[0].upper() + said[1:]) for said in power_said(found))


def lost_first(verdict: SuiteVerdict) -> list[CaseChange]:
    """The lost cases: first those that must pass, then by how much."""
    musts = must_pass_ids(verdict)
    return sorted(verdict.lost, key=lambda change: change.id not in musts)


def cases_needed(verdict: SuiteVerdict) -> list[Check]:
    """The checks that more cases would settle."""
    return [check for check in verdict.checks if check.cases_needed]


def must_pass_ids(verdict: SuiteVerdict) -> set[str]:
    """Ids of cases that fail by themselves, as far as the verdict tells."""
    named = {check.name for check in verdict.checks if check.kind == "must_pass"}
    return named | set(verdict.baseline.definition.must_pass if verdict.baseline else ())


def input_text(change: CaseChange) -> str:
    """A case's input on one line: its only field bare, several with their names."""
    if len(change.input) == 1:
        return compact_text(next(iter(change.input.values())))
    return "; ".join(f"{key}: {compact_text(value)}" for key, value in change.input.items())


def expected_text(value: Json) -> str:
    """What was expected, as text; nothing where the suite says nothing."""
    return numbers.NOTHING if value is None else compact_text(value)


def case_score(value: float | None) -> str:
    """One case's score as short as it is: `1`, `0.333`."""
    return "no score" if value is None else numbers.decimal(round(value, 3))


def place(change: CaseChange) -> str:
    """`file:line` of a case, as much of it as is known."""
    return f"{change.path}:{change.line}" if change.path and change.line else change.path


@dataclass(frozen=True)
class Commands:
    """What can be pasted into a shell; `show` and `accept` are empty where no run is known."""

    reproduce: str
    show: str
    accept: str


def commands(verdict: SuiteVerdict) -> Commands:
    """How to judge one suite again, see its run (and its worst case), and accept that."""
    suite = str(PurePath(verdict.path).parent) if verdict.path else verdict.suite
    base = ["--base", verdict.base] if verdict.base else []
    reproduce = shlex.join(["tunegate", "ci", suite, *base])
    if not verdict.runs:
        return Commands(reproduce, "", "")
    run, worst = verdict.runs[-1], [change.id for change in lost_first(verdict)[:1]]
    show = shlex.join(["tunegate", "show", run, *worst])
    return Commands(reproduce, show, shlex.join(["tunegate", "accept", suite, run, "--why"]))


def stop(sentence: str) -> str:
    """A sentence with a full stop at its end, whether or not it came with one."""
    text = sentence.strip()
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def _first_sentence(verdict: SuiteVerdict) -> str:
    if verdict.result == "review" and verdict.changes:
        more = len(verdict.changes) - 1
        rest = f", and {numbers.plural(more, 'more change')}" if more else ""
        return f"the gate's definition changed: {verdict.changes[0].what.rstrip('. ')}{rest}"
    deciding = [check for check in verdict.checks if check.result == verdict.result]
    if not deciding:
        return f"the suite's result is {verdict.result}"
    main = main_check(verdict)
    first = main if main in deciding else deciding[0]  # what was lost says more than one case
    others = len(deciding) - 1
    word = RESULT_WORDS[verdict.result]
    also = f" ({numbers.plural(others, 'more check')} {word})" if others else ""
    return f"{first.sentence.rstrip('. ')}{also}"


def _names(names: Sequence[str]) -> str:
    if len(names) == 1:
        return names[0]
    if len(names) <= MOST_NAMES:
        return f"{', '.join(names[:-1])} and {names[-1]}"
    rest = numbers.plural(len(names) - MOST_NAMES + 1, "more suite")
    return f"{', '.join(names[: MOST_NAMES - 1])} and {rest}"


_COUNTED: dict[CheckResult, str] = {
    "fail": "failed",
    "review": "to be reviewed",
    "inconclusive": "inconclusive",
    "pass": "passed",
    "skipped": "skipped",
}


def _counts(verdicts: Sequence[SuiteVerdict]) -> str:
    """`1 inconclusive, 3 passed`; empty for no suites."""
    results = [verdict.result for verdict in verdicts]
    return ", ".join(
        f"{results.count(result)} {word}" for result, word in _COUNTED.items() if result in results
    )


def _difference(value: float, low: float | None, high: float | None) -> str:
    """A difference in percentage points, with its bounds: `−12.0 (−17.1 to −7.0)`."""
    if low is None or high is None:
        return _points(value)
    span = numbers.signs(points_span(low, high))
    return f"{_points(value)} ({span})"


def _points(difference: float) -> str:
    return numbers.signs(f"{100 * difference + 0.0:+.1f}")
