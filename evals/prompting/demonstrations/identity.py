"""The identity of a selection of demonstrations: all that decides which cases are shown."""

from __future__ import annotations

from typing import Any

from evals.approach import Approach
from evals.fingerprint import fingerprint
from evals.prompting.demonstrations.embeddings import ENCODER
from evals.prompting.demonstrations.fixed import check_named
from evals.prompting.demonstrations.leaks import leaks_of
from evals.suite.spec import Suite


def method_fingerprint(suite: Suite, approach: Approach) -> str:
    """The method, its settings, what it draws from and what it leaves out. Empty for none.

    Of `listed` it is the cases that are named: others may come and go. Raises nothing for cases
    that are gone or leak now, so that a stored candidate which named them reads as changed.
    """
    method = approach.method
    if method == "none":
        return ""
    leaks = leaks_of(suite.cases)
    if method == "listed":
        cases = [leaks.case(each) for each in approach.listed]
        prints = [case.fingerprint if case else "" for case in cases]
        refused = [each for each in approach.listed if each in leaks.to_held_out]
        return fingerprint("demonstrations-listed@2", approach.listed, prints, refused)
    # Version 2 of `static` and `nearest` left out no near-duplicates: where there are none, what
    # it chose is what is chosen now, and its runs are found again.
    left_out: tuple[str, ...] = leaks.near_alone
    if method in ("diverse", "searched"):
        left_out = tuple(leaks.to_held_out)
    more: list[Any] = [left_out] if left_out else []
    return fingerprint(
        f"demonstrations-{method}@2",
        approach.k,
        approach.seed,
        [case.fingerprint for case in suite.split("train")],
        *more,
        *([ENCODER] if method == "similar" else []),
    )


def refuse_unusable(suite: Suite, approach: Approach) -> None:
    """Raise SuiteError where a listed demonstration cannot be shown."""
    if approach.method == "listed":
        check_named(approach.listed, leaks_of(suite.cases))
