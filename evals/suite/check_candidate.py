"""What can be said of the suite's own candidate before any model runs: what it cannot show."""

from __future__ import annotations

from collections.abc import Iterator

from evals.approach import Approach
from evals.errors import SuiteError
from evals.records import Finding
from evals.suite.spec import Suite


def lint_candidate(suite: Suite) -> Iterator[Finding]:
    """Faults of `candidate:`, each at its line: every command that runs it would end by them."""
    approach = suite.candidate.approach
    if approach is None:
        return
    for key, code, text in _faults(suite, approach):
        lines = suite.candidate.lines
        line = lines.get(key) or lines.get("")
        where = str(suite.root / "suite.yaml") + (f":{line}" if line else "")
        yield Finding("error", code, text, where)


def _faults(suite: Suite, approach: Approach) -> Iterator[tuple[str, str, str]]:
    """Key, code and text of what the candidate asks for that the suite has not."""
    from evals.prompting.demonstrations import refuse_unusable

    technique = approach.technique
    if technique.structured and suite.structure is None:
        text = "the candidate is held to a structure, and the suite has none: state `structure:`"
        yield "structured", "no_structure", text
    if technique.retrieval and not suite.documents:
        text = "the candidate shows documents, and the suite has none: state `documents:`"
        yield "documents", "no_documents", text
    try:
        refuse_unusable(suite, approach)
    except SuiteError as error:
        yield "demonstrations", "unusable_demonstration", f"{error.message} ({error.hint})"
    train = sum(case.is_plain for case in suite.split("train"))
    if approach.method != "listed" and approach.k > train:
        text = f"the candidate shows {approach.k} demonstrations, train has {train}"
        yield "", "few_demonstrations", text
