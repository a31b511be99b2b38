"""`label@1`: which one of a fixed set of labels the answer names."""

from __future__ import annotations

import re

from evals.records import Case, Part, Score
from evals.scorers.normal import normalise
from evals.scorers.options import Options, suggestion
from evals.scorers.plain import PlainScorer, case_error, shown
from evals.scorers.protocol import Scorer


def label(options: Options) -> Scorer:
    """`label@1`: the answer names the expected label.

    Options: `labels` (all that exist), `lenient` (default false). Strictly, the answer is
    a label in normal form; leniently, it may be a sentence that mentions exactly one
    label as a whole word (a label inside a longer label does not count; negation is not
    understood). Kinds: "unknown_label", "wrong_label", "several_labels". The score's one part
    holds the expected label and the one that was named, so that a run has its confusions.
    """
    names = options.texts("labels")
    lenient = options.flag("lenient", default=False)
    by_form = {normalise(name): name for name in names}
    if len(by_form) < len(names):
        raise options.error("two labels are the same in normal form", key="labels")
    mention = _mention_pattern(tuple(by_form))

    def expected(case: Case) -> str:
        if case.expected in names and isinstance(case.expected, str):
            return case.expected
        raise case_error(
            case,
            f"expected {case.expected!r:.80} is not one of the metric's labels",
            hint=suggestion(str(case.expected), names),
        )

    def judge(case: Case, text: str) -> Score:
        wanted = expected(case)
        form = normalise(text)
        found = {by_form[form]} if form in by_form else set()
        if lenient and not found:
            found = {by_form[match[0]] for match in mention.finditer(form)}
        if len(found) > 1:
            several = ", ".join(sorted(found))
            return _score(wanted, None, f"names several labels: {several}", "several_labels")
        if not found:
            reason = f"{shown(text)} is not one of the labels"
            return _score(wanted, None, reason, "unknown_label")
        (got,) = found
        if got != wanted:
            return _score(wanted, got, f"expected {wanted}, got {got}", "wrong_label")
        return _score(wanted, got)

    return PlainScorer(judge, expected)


def _score(wanted: str, got: str | None, reason: str = "", kind: str = "") -> Score:
    value = 1.0 if got == wanted else 0.0
    return Score(value, reason, kind, (Part("label", "label", value, wanted, got),))


def _mention_pattern(forms: tuple[str, ...]) -> re.Pattern[str]:
    """Any label as a whole word; hyphens join words, so "non-urgent" is not "urgent"."""
    longest_first = sorted(forms, key=len, reverse=True)
    any_label = "|".join(re.escape(form) for form in longest_first)
    return re.compile(rf"(?<!\w)(?<!\w-)(?:{any_label})(?!\w)(?!-\w)")
