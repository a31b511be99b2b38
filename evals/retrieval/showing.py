"""Which documents a candidate shows for each case.

What `documents: 3` counts are pieces (`evals.retrieval.chunks`): a document that is no longer
than a piece is one. Of a long document several pieces may be shown, each by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from evals.approach import Retrieval, Technique
from evals.errors import SuiteError
from evals.fingerprint import fingerprint
from evals.records import Case
from evals.retrieval.index import open_index, ranking_identity
from evals.suite.folding import input_text
from evals.suite.spec import Document, RetrievalSpec, Suite


def documents_fingerprint(suite: Suite, technique: Technique) -> str:
    """Identity of what retrieval draws from, and how it ranks; empty without retrieval."""
    return _identity(technique.retrieval, suite.documents, suite.retrieval)


@lru_cache(maxsize=16)
def _identity(retrieval: Retrieval, documents: tuple[Document, ...], spec: RetrievalSpec) -> str:
    if not retrieval:
        return ""
    prints = [document.fingerprint for document in documents]
    if retrieval == "oracle":  # whole documents by id: neither cut nor ranked
        return fingerprint("documents-oracle@1", prints)
    return fingerprint("documents-bm25@1", prints, spec, ranking_identity())


def documents_for(
    suite: Suite, technique: Technique, cases: Sequence[Case]
) -> list[tuple[Document, ...]]:
    """For each case what it is shown, most relevant first. Raises SuiteError without documents.

    `bm25`: up to `technique.documents` pieces that share a word with the case's input; fewer
    where fewer do. `oracle`: the documents that the case names, whole, in its order.
    """
    if not technique.retrieval:
        return [() for _ in cases]
    if not suite.documents:
        raise SuiteError(
            "documents were asked for, and the suite has none",
            path=suite.root / "suite.yaml",
            key="documents",
            hint="add `documents: documents/` to the suite, or ask for none",
        )
    if technique.retrieval == "oracle":
        known = {document.id: document for document in suite.documents}
        return [tuple(known[name] for name in case.documents) for case in cases]
    index = open_index(suite.documents, suite.retrieval)
    return [index.find(input_text(case), technique.documents) for case in cases]


def shown_ids(suite: Suite, technique: Technique, cases: Sequence[Case]) -> list[tuple[str, ...]]:
    """For each case the ids of the documents that it is shown (something of), each once."""
    return [
        tuple(dict.fromkeys(piece.id for piece in pieces))
        for pieces in documents_for(suite, technique, cases)
    ]
