"""Near-duplicates: texts whose TF-IDF weights of four-character pieces have a cosine of `NEAR`.

One notion for all that guards against leaks: what `check` reports between splits is what is
never shown as a demonstration. Candidates are found by prefix filtering: of each text only its
rarest pieces are looked up, so many that the rest alone cannot reach the threshold
(Bayardo, Ma and Srikant 2007, "Scaling up all pairs similarity search"). It is exact.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

NEAR = 0.92
"""From this cosine on two texts count as near-duplicates."""

BLOCK = 512
# Longer texts are compared by their beginnings.
_COMPARED_CHARACTERS = 20_000
# Beyond this share of all pairs the whole product is faster than looking at each candidate.
_WORTHWHILE = 0.02
# Sums of squares in another order may differ by so much; a prefix errs on the long side.
_SLACK = 1e-4


class Near(NamedTuple):
    """Pairs (row, column) of two matrices in order, as arrays, with their cosines."""

    rows: Any
    columns: Any
    cosines: Any


@dataclass(frozen=True)
class Weights:
    """Unit rows, one a text (texts, pieces), float32, and what made them. No row: no pieces."""

    rows: Any
    vectorizer: Any

    def of(self, texts: Sequence[str]) -> Any:
        """Rows of other texts, by the same pieces."""
        return self.vectorizer.transform([text[:_COMPARED_CHARACTERS] for text in texts])


def weigh(texts: Sequence[str]) -> Weights | None:
    """The weights of folded texts; None where no text has a piece of four characters."""
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(4, 4), dtype=np.float32)
    try:
        rows = vectorizer.fit_transform([text[:_COMPARED_CHARACTERS] for text in texts])
    except ValueError:  # scikit-learn's way of saying that no text has a piece
        return None
    return Weights(rows, vectorizer)


class NearIndex:
    """Texts (the columns, by their weights) among which near-duplicates of others are found."""

    def __init__(self, columns: Any, threshold: float = NEAR) -> None:
        import numpy as np

        counts = np.bincount(columns.indices, minlength=columns.shape[1])
        self._rank = np.argsort(np.argsort(counts, kind="stable"), kind="stable")
        self._columns = columns
        self._threshold = threshold
        self._prefixes = _prefixes(columns, self._rank, threshold).T.tocsr()
        self._flipped: Any = None

    def pairs(self, rows: Any) -> Iterator[Near]:
        """Pairs whose cosine is at least the threshold, by blocks of rows, in order.

        Memory is that of one block against all columns. 10,000 rows by 10,000 columns of short
        texts take a second, or twenty where a tenth of all pairs are near.
        """
        import numpy as np

        prefixes = _prefixes(rows, self._rank, self._threshold)
        for start in range(0, rows.shape[0], BLOCK):
            block = rows[start : start + BLOCK]
            at, to, cosines = self._compared(block, prefixes[start : start + BLOCK])
            keep = cosines >= self._threshold
            at, to, cosines = at[keep], to[keep], cosines[keep]
            sort = np.lexsort((to, at))
            yield Near(start + at[sort], to[sort], cosines[sort])

    def _compared(self, block: Any, prefixes: Any) -> Near:
        import numpy as np

        candidates = (prefixes @ self._prefixes).tocoo()
        if candidates.nnz <= _WORTHWHILE * block.shape[0] * self._columns.shape[0]:
            at, to = candidates.row, candidates.col
            products = block[at].multiply(self._columns[to])
            return Near(at, to, np.asarray(products.sum(axis=1)).ravel())
        if self._flipped is None:
            self._flipped = self._columns.T.tocsr()
        product = (block @ self._flipped).tocoo()
        return Near(product.row, product.col, product.data)


def _prefixes(matrix: Any, rank: Any, threshold: float) -> Any:
    """Ones at each row's rarest pieces, so many that the others' norm is below the threshold."""
    import numpy as np
    from scipy.sparse import csr_matrix

    row = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    sort = np.lexsort((rank[matrix.indices], row))  # within each row, rarest first
    squares = np.cumsum(matrix.data[sort].astype(np.float64) ** 2)
    ends = np.concatenate(([0.0], squares))[matrix.indptr[1:]]
    before = np.concatenate(([0.0], squares[:-1])) if len(squares) else squares
    keep = ends[row] - before >= threshold**2 - _SLACK
    ones = np.ones(int(keep.sum()), dtype=np.float32)
    columns = matrix.indices[sort][keep]
    return csr_matrix((ones, (row[keep], columns)), shape=matrix.shape)
