"""Every failing case of a run sorted into one kind, in the order of `KINDS`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from evals.failures.form import FormRules
from evals.failures.lengths import LengthBounds, length_of
from evals.failures.loops import find_loop
from evals.failures.records import Failure, FailureKind
from evals.failures.refusals import refuses
from evals.failures.scripts import other_script
from evals.prompting.answers import NO_ANSWER
from evals.records import Case, CaseResult, Run
from evals.suite.folding import comparable
from evals.text import visible

MOST_DETAIL = 120


class Sorting(NamedTuple):
    """What failures of a run are held against. `bounds` None: no case is at hand."""

    primary: str
    pass_score: float
    form: FormRules
    bounds: LengthBounds | None
    cases: Mapping[str, Case]


class _Found(NamedTuple):
    kind: FailureKind
    detail: str = ""


def sort_failures(run: Run, sorting: Sorting) -> tuple[Failure, ...]:
    """The failing cases of a run by id: whatever the order of its results, the same."""
    found = [failure for result in run.results if (failure := sort_failure(result, sorting))]
    return tuple(sorted(found, key=lambda failure: failure.case_id))


def sort_failure(result: CaseResult, sorting: Sorting) -> Failure | None:
    """The one kind of a failing case; None where the case does not fail."""
    if (said := result.failed) is not None:
        return Failure(result.case_id, "error", detail=visible(said, MOST_DETAIL))
    value = result.scores[sorting.primary].value
    if value >= sorting.pass_score:
        return None
    case = sorting.cases.get(result.case_fingerprint)
    form = sorting.form.form_of(result, sorting.primary, case)
    found = _kind_of(result, case, form, sorting)
    if found.kind == "invalid_format":
        form = False
    return Failure(result.case_id, found.kind, form, value, visible(found.detail, MOST_DETAIL))


def _kind_of(result: CaseResult, case: Case | None, form: bool | None, sorting: Sorting) -> _Found:
    output = result.output
    text = output.said or ""
    if output.finish_reason == "choice":
        return _Found("wrong_content")
    if phrase := refuses(text, case.wanted if case else "", comparable(case) if case else ""):
        return _Found("refusal", phrase)
    if found := _runaway(result, case, form, sorting.primary) or _formless(
        result, form, sorting.primary
    ):
        return found
    return _against(text, case, form, sorting.bounds) or _Found("wrong_content")


def _formless(result: CaseResult, form: bool | None, primary: str) -> _Found | None:
    """Not in the form that is asked for, of which an answer after the reasoning is a part."""
    score, output = result.scores[primary], result.output
    if score.kind == NO_ANSWER or (output.full and not (output.text or "").strip()):
        return _Found("invalid_format", "no answer after the reasoning")
    return _Found("invalid_format", score.kind or score.reason) if form is False else None


def _against(
    text: str, case: Case | None, form: bool | None, bounds: LengthBounds | None
) -> _Found | None:
    """What the expected answer tells: another script, or far more or less text.

    Where the form is known to be right, any length is: a number may stand in a sentence.
    """
    if case is None or bounds is None:
        return None
    if script := other_script(text, case.wanted, comparable(case)):
        return _Found("language", f"written in {script}")
    if form is not True and (length := bounds.judge(text, case.wanted)):
        counted = "nothing at all" if length == "empty" else f"{length_of(text):,} characters"
        return _Found("length", f"{length}: {counted}, expected {length_of(case.wanted):,}")
    return None


def _runaway(
    result: CaseResult, case: Case | None, form: bool | None, primary: str
) -> _Found | None:
    """Cut off before it had the right form, or repeating itself where no such answer is wanted.

    An answer that was cut and yet has its form was not kept from ending: its content is wrong.
    """
    output = result.output
    written = output.full or output.said or ""
    cut = output.finish_reason == "length"
    thought = output.full or result.scores[primary].kind == NO_ANSWER
    if cut and thought and not (output.text or "").strip():
        return _Found("runaway", "cut off before the answer")
    loop = find_loop(written)
    if loop and not (case and find_loop(case.wanted)):
        how = "cut off while" if cut else "ends by"
        return _Found("runaway", f"{how} repeating {loop.piece[:40]!a}")
    if cut and form is not True:
        return _Found("runaway", "cut off at the token limit")
    return None
