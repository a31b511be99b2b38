"""Checked score arrays, and what clusters do to the number of independent observations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from evals.errors import StatisticsError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Ints: TypeAlias = NDArray[np.int64]
    Bools: TypeAlias = NDArray[np.bool_]
    Scores: TypeAlias = Sequence[float] | Floats
    Clusters: TypeAlias = "Sequence[str | None] | Clustering"

MIN_CLUSTERS = 10
"""Below this a clustered standard error is itself guesswork (its own error exceeds 20 %)."""


class Independence(NamedTuple):
    """How far a sample is from independent observations.

    `deff` (the design effect, at least 1) divides every count; `df` are the degrees of freedom
    of t, None where observations are independent and the method needs none. `whole` is how
    many observations there are where cases of a cluster say all the same, n^2 / sum_c m_c^2.
    """

    deff: float
    df: float | None
    clusters: int | None
    whole: float | None = None


INDEPENDENT = Independence(1.0, None, None)


@dataclass(frozen=True, eq=False)
class Clustering:
    """Which of `n` cases share a cluster, numbered once for all that is computed over them.

    It may stand wherever a sequence of cluster names may. `codes` are cluster numbers of shape
    (n,) in the order of first appearance; None where no two cases share a cluster.
    """

    codes: Ints | None
    n: int

    @classmethod
    def of(cls, names: Sequence[str | None]) -> Clustering:
        """From the cluster name of each case; a case without one (None) stands alone."""
        import numpy as np

        n = len(names)
        alone = names.count(None)
        if alone == n:
            return cls(None, n)
        keys = [object() if name is None else name for name in names] if alone else names
        numbers: defaultdict[object, int] = defaultdict(count().__next__)
        codes = np.fromiter(map(numbers.__getitem__, keys), np.int64, n)
        return cls(None if len(numbers) == n else codes, n)

    def only(self, kept: Bools) -> Clustering:
        """Those cases alone for which `kept`, of shape (n,), is true."""
        import numpy as np

        if self.codes is None:
            return Clustering(None, int(np.count_nonzero(kept)))
        found, first, codes = np.unique(self.codes[kept], return_index=True, return_inverse=True)
        if found.size == codes.size:
            return Clustering(None, codes.size)
        number = np.empty(found.size, dtype=np.int64)
        number[np.argsort(first)] = np.arange(found.size)
        return Clustering(number[codes], codes.size)

    @property
    def count(self) -> int | None:
        """How many independent groups there are; None where every case stands alone."""
        return None if self.codes is None else int(self.codes.max()) + 1

    def __len__(self) -> int:
        return self.n


def as_scores(values: Scores, what: str = "scores") -> Floats:
    """Scores as a float array of shape (n,), n >= 1, each in [0, 1].

    Raises `StatisticsError` on an empty sequence, on anything that is not a number or
    bool, on NaN and infinities, and outside [0, 1]; the message names the first culprit.
    """
    import numpy as np

    try:
        array = np.asarray(values)
    except ValueError as error:  # ragged nesting
        raise StatisticsError(f"{what} are not a flat list of numbers") from error
    if array.size == 0:
        raise StatisticsError(f"no {what}: a result over nothing is refused")
    if array.ndim != 1 or array.dtype.kind not in "biuf":
        raise StatisticsError(
            f"{what} must be a flat list of numbers from 0 to 1 or booleans; "
            f"got {array.dtype} of shape {array.shape}"
        )
    scores = array.astype(np.float64)
    wrong = ~((scores >= 0) & (scores <= 1))  # NaN compares false, so it is wrong here
    if wrong.any():
        at = int(wrong.argmax())
        raise StatisticsError(
            f"{what}: number {at + 1} of {scores.size} is {scores[at]}; expected 0 to 1"
        )
    return scores


def sum_of_squares(values: Floats | Ints) -> float:
    """Sum of the squares of `values`.

    Not a dot product: from 10,000 values on that runs on several threads, which waits for a
    busy machine, and rounds differently by how many there are.
    """
    import numpy as np

    return float(np.square(values).sum())


def is_binary(scores: Floats) -> bool:
    """Whether every score is exactly 0 or 1."""
    return bool(((scores == 0) | (scores == 1)).all())


def cluster_codes(clusters: Clusters, n: int) -> Ints | None:
    """Cluster numbers of shape (n,), or None where no two cases share a cluster.

    A case without a cluster (None) stands alone.
    """
    if len(clusters) != n:
        raise StatisticsError(f"{len(clusters)} cluster names for {n} scores; expected as many")
    known = clusters if isinstance(clusters, Clustering) else Clustering.of(clusters)
    return known.codes


def independence(values: Floats, clusters: Clusters | None) -> Independence:
    """Design effect of the mean of `values` under `clusters`, with t's degrees of freedom.

    deff is the clustered variance of the mean, C/(C-1) * sum_c (sum_{i in c} (x_i - mean))^2
    / n^2, over the independent one, sum (x_i - mean)^2 / (n (n-1)) (Kish 1965; Miller 2024,
    arXiv 2411.00640, eq. 4), and never below 1. Where all values are equal the data say
    nothing about correlation, and the largest possible value stands: sum_c m_c^2 / n, that
    is, each cluster counts once.

    Raises `StatisticsError` below `MIN_CLUSTERS` clusters.
    """
    import numpy as np

    n = values.size
    codes = None if clusters is None else cluster_codes(clusters, n)
    if codes is None:
        return INDEPENDENT
    sizes = np.bincount(codes)
    groups = int(sizes.size)
    if groups < MIN_CLUSTERS:
        raise StatisticsError(
            f"the {n} cases form only {groups} clusters; at least {MIN_CLUSTERS} are needed "
            "to tell how much cases of one cluster go together",
            hint="add cases from other clusters",
        )
    whole = n**2 / float((sizes.astype(np.float64) ** 2).sum())
    residuals = values - values.mean()
    squares = sum_of_squares(residuals)
    if squares < 1e-18 * n:
        deff = n / whole
    else:
        sums = np.bincount(codes, weights=residuals)
        clustered = groups / (groups - 1) * sum_of_squares(sums) / n**2
        deff = clustered / (squares / (n * (n - 1)))
    return Independence(max(1.0, deff), groups - 1, groups, whole)


def design_effect(scores: Sequence[float], clusters: Sequence[str | None]) -> float:
    """By how much clusters inflate the variance of the mean score; see `independence`."""
    return independence(as_scores(scores), clusters).deff
