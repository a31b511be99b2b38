"""Which documents a candidate shows for each case."""

from __future__ import annotations

from collections.abc import Sequence

from evals.approach import Technique
from evals.errors import SuiteError
from evals.fingerprint import fingerprint
from evals.records import Case
from evals.suite.spec import Document, Suite


def documents_fingerprint(suite: Suite, technique: Technique) -> str:
    """Identity of what retrieval draws from; empty without retrieval."""
    if not technique.retrieval:
        return ""
    documents = [document.fingerprint for document in suite.documents]
    return fingerprint("documents@1", technique.retrieval, suite.retrieval, documents)


def documents_for(
    suite: Suite, technique: Technique, cases: Sequence[Case]
) -> list[tuple[Document, ...]]:
    """For each case what it is shown, most relevant first. Raises SuiteError without documents."""
    if not technique.retrieval:
        return [() for _ in cases]
    if not suite.documents:
        raise SuiteError(
            "documents were asked for, and the suite has none",
            path=suite.root / "suite.yaml",
            key="documents",
        )
    if technique.retrieval == "oracle":
        known = {document.id: document for document in suite.documents}
        return [tuple(known[name] for name in case.documents) for case in cases]
    raise NotImplementedError
