"""What sampling leaves to be said: what came of it, and how far to trust what was kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from evals.judges.uses import judges_of
from evals.records import Case
from evals.suite.spec import Suite
from tuning.data.sampled.records import Sampling

_MUCH = 1.5
_FEW = 5


@dataclass(frozen=True)
class SliceShare:
    """One value of a tag: how many of the cases asked have it, and how many of the kept rows."""

    tag: str
    value: str
    cases: int
    solved: int
    kept: int


def slice_shares(suite: Suite, sampling: Sampling) -> tuple[SliceShare, ...]:
    """The suite's slices among the cases that were asked, and among what was kept."""
    cases = {case.id: case for case in suite.split("train")}
    return tuple(
        SliceShare(
            tag,
            value,
            cases=sum(_value(cases[one.case], tag) == value for one in sampling.cases),
            solved=sum(
                one.usable > 0 and _value(cases[one.case], tag) == value for one in sampling.cases
            ),
            kept=sum(one.kept for one in sampling.cases if _value(cases[one.case], tag) == value),
        )
        for tag in suite.slices
        for value in sorted({_value(cases[one.case], tag) for one in sampling.cases})
    )


def _value(case: Case, tag: str) -> str:
    return case.tags.get(tag, "")


def warnings_of(suite: Suite, sampling: Sampling) -> tuple[str, ...]:
    """What whoever trains on this should know, most general first."""
    return (*_bias(suite, sampling), *_scoring(suite, sampling), *_looseness(sampling))


def _bias(suite: Suite, sampling: Sampling) -> Iterator[str]:
    if not sampling.kept:
        if sampling.own:
            yield (
                f"every right answer to {sampling.own} cases was the case's own, which the suite "
                "trains on anyhow: --with-own keeps them"
            )
        return
    asked, unsolved = len(sampling.cases), len(sampling.unsolved)
    if unsolved:
        yield (
            f"selection bias: {unsolved} of {asked} cases are in nothing that was kept, and those "
            "are the hard ones: what was kept shows what the model can do already, and easy cases "
            "are over-represented. Train on it beside the cases' own answers, not instead"
        )
    else:
        yield (
            "selection bias: what was kept are answers that a scorer accepts, not a fair sample of "
            "what can be asked: train on them beside the cases' own answers, not instead"
        )
    kept = sum(one.kept for one in sampling.cases)
    for share in slice_shares(suite, sampling):
        if kept >= _FEW and share.cases >= _FEW and share.kept * asked * _MUCH < share.cases * kept:
            yield (
                f"{share.tag}={share.value or '(none)'} is {share.cases / asked:.0%} of the cases "
                f"and {share.kept / kept:.0%} of what was kept"
            )


def _scoring(suite: Suite, sampling: Sampling) -> Iterator[str]:
    if any(use.model == sampling.candidate.model for use in judges_of(suite, suite.primary)):
        yield (
            f"{sampling.candidate.model} judged its own answers: models prefer their own "
            "(Panickssery et al. 2024, arXiv 2404.13076)"
        )
    if alike := _commonest(sampling):
        yield alike


def _commonest(sampling: Sampling) -> str:
    """An answer that passes on many cases, and is none of their own, may use a scorer's hole."""
    if len(sampling.kept) < _FEW or sampling.plan.with_own:
        return ""
    counts = Counter(one.example.answer for one in sampling.kept)
    answer, count = counts.most_common(1)[0]
    if count * 2 <= len(sampling.kept):
        return ""
    return (
        f"{count} of the {len(sampling.kept)} kept answers are the same, {_short(answer)}: look "
        "whether the scorer can be cheated"
    )


def _short(answer: str) -> str:
    return repr(answer if len(answer) <= 60 else answer[:59] + "…")


def _looseness(sampling: Sampling) -> Iterator[str]:
    if sampling.plan.least < 1:
        yield (
            f"answers from a score of {sampling.plan.least:g} on were kept: the lint of training "
            "data refuses what does not get full marks"
        )
    if sampling.transient:
        yield (
            f"{sampling.errors} draws ended in errors, some of which may pass: the same command "
            "tries those again, and asks nothing else"
        )


def unsolved_said(unsolved: Sequence[str], most: int) -> str:
    """`6 cases without a right answer: a, b, c and 3 more`; empty where there is none."""
    if not unsolved:
        return ""
    named = ", ".join(unsolved[:most])
    rest = f" and {len(unsolved) - most} more" if len(unsolved) > most else ""
    noun = "case" if len(unsolved) == 1 else "cases"
    return f"{len(unsolved)} {noun} without any right answer: {named}{rest}"
