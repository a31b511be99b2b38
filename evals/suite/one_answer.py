"""What reasoning and votes need of cases: one question that one written answer satisfies.

Options are ranked without a word being written, a conversation has several answers, and a
call of a tool is no text: there is nothing to extract from, and nothing to count votes of.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from evals.approach import Approach, Technique
from evals.errors import SuiteError
from evals.records import Case

PLAIN_CASES = "use other rounds, or move such cases to a suite of their own"


def needs_one_answer(technique: Technique) -> bool:
    """Whether a technique takes what was written apart, or compares it."""
    return technique.reasoning or technique.votes > 1


def why_not(cases: Iterable[Case], technique: Technique) -> str:
    """Why a technique cannot be used on these cases, naming the first; empty where it can.

    Train cases are not asked; those that are not plain are not shown either.
    """
    if not needs_one_answer(technique):
        return ""
    case = next((case for case in cases if case.split != "train" and not case.is_plain), None)
    if case is None:
        return ""
    what = " and ".join(
        ["reasoning"] * technique.reasoning + ["votes"] * (technique.votes > 1),
    )
    return f"{what} cannot be used on case {case.id!r}, which {_form(case)}"


def check_fits(
    cases: Sequence[Case], approaches: Iterable[Approach], manifest: Path, line: int, key: str
) -> None:
    """Raise SuiteError at a line of `suite.yaml` for an approach that fits not all cases."""
    for approach in approaches:
        if said := why_not(cases, approach.technique):
            raise SuiteError(said, path=manifest, line=line, key=key, hint=PLAIN_CASES)


def _form(case: Case) -> str:
    if case.choices:
        return "ranks its choices and writes nothing"
    return "has further turns" if case.turns else "is offered tools"
