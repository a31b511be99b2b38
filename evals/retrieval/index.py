"""Which pieces of documents a question finds: BM25, by the library bm25s.

In memory, made anew when it is needed: 10,000 pieces take about a second. The order of pieces
with equal scores is that of the documents, and scores are rounded, so that the ranking does
not hang on the last bit of a sum.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from typing import Any

from evals.retrieval.chunks import cut
from evals.suite.folding import fold
from evals.suite.spec import Document, RetrievalSpec

LIBRARY = "bm25s"
RANKING = ("lucene", 1.5, 0.75)
"""The variant of BM25, its k1 and b: the usual ones."""
_DECIMALS = 6

# A word, or one character of a script that writes without spaces.
_ALONE = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_TERM = re.compile(rf"[{_ALONE}]|[^\W_{_ALONE}]+")


def ranking_identity() -> list[Any]:
    """All of the ranking besides documents and question: another version may rank otherwise."""
    return ["bm25@1", *RANKING, metadata.version(LIBRARY)]


def terms(text: str) -> list[str]:
    """A text's words as they are indexed: NFKC, lower case; no stemming, no words left out.

    So every language is treated alike, and names and numbers are found as they are written.
    """
    return _TERM.findall(fold(text))


@dataclass(frozen=True, eq=False)
class Index:
    """The pieces of a suite's documents, and what finds them. See `open_index`."""

    pieces: tuple[Document, ...]
    numbers: dict[str, int]
    bm25: Any

    def find(self, question: str, most: int) -> tuple[Document, ...]:
        """Up to `most` pieces that share a word with the question, most relevant first."""
        import numpy as np

        asked = [self.numbers[term] for term in terms(question) if term in self.numbers]
        if not asked:
            return ()
        scores = np.round(self.bm25.get_scores_from_ids(asked), _DECIMALS)
        order = np.argsort(-scores, kind="stable")[:most]
        return tuple(self.pieces[n] for n in order if scores[n] > 0)


@lru_cache(maxsize=4)
def open_index(documents: tuple[Document, ...], spec: RetrievalSpec) -> Index:
    """The index over all pieces of `documents`; a piece is found by its title, too."""
    import bm25s

    pieces = tuple(piece for document in documents for piece in cut(document, spec))
    numbers: dict[str, int] = {}
    rows = [_numbered(f"{piece.title}\n{piece.text}", numbers) for piece in pieces]
    method, k1, b = RANKING
    bm25 = bm25s.BM25(method=method, k1=k1, b=b, dtype="float64", backend="numpy")
    if numbers:  # documents without any word are found by none
        bm25.index((rows, dict(numbers)), create_empty_token=False, show_progress=False)
    return Index(pieces, numbers, bm25)


def _numbered(text: str, numbers: dict[str, int]) -> Sequence[int]:
    return [numbers.setdefault(term, len(numbers)) for term in terms(text)]
