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
    of t, None where observations are independent and the method needs none.
    """

    deff: float
    df: float | None
    clusters: int | None


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


def independence(
    values: Floats, clusters: Clusters | None, low: float = 0.0, high: float = 1.0
) -> Independence:
    """Design effect of the mean of `values` under `clusters`, with t's degrees of freedom.

    `low` and `high` are the ends of the range that a value can take. The design effect is the
    larger of two estimates, mixed with what has not been seen:

    - the clustered variance of the mean over the independent one (see `design_effect`);
    - Kish's 1 + (w - 1) rho, w = sum_c m_c^2 / n being the size of the cluster in which a case
      finds itself and rho the correlation within clusters by analysis of variance (Donner and
      Koval 1980). Where few clusters hold most cases, the first is too small whenever these few
      happen to lie near the mean: it then held the truth 70 times of 100, not 95;
    - one cluster more, of n / C cases that say all the same at one end of the range. Its squares
      join the others with a design effect of w. Rare values that come in whole clusters are
      often not among a few dozen of them, and the few seen then look independent. Without any
      squares of their own, cases count each cluster once. The weight fades as 1 / C.

    Raises `StatisticsError` below `MIN_CLUSTERS` clusters.
    """
    n = values.size
    codes = None if clusters is None else cluster_codes(clusters, n)
    if codes is None:
        return INDEPENDENT
    found = _spread(values, codes)
    groups = found.groups
    if groups < MIN_CLUSTERS:
        raise StatisticsError(
            f"the {n} cases form only {groups} clusters; at least {MIN_CLUSTERS} are needed "
            "to tell how much cases of one cluster go together",
            hint="add cases from other clusters",
        )
    mean = float(values.mean())
    unseen = n / groups * ((low - mean) ** 2 + (high - mean) ** 2) / 2
    seen = max(1.0, found.clustered, 1 + (found.size - 1) * found.correlation)
    mixed = (found.squares * seen + unseen * found.size) / (found.squares + unseen)
    return Independence(max(seen, mixed) if found.squares else found.size, groups - 1, groups)


def design_effect(scores: Sequence[float], clusters: Sequence[str | None]) -> float:
    """By how much clusters were seen to inflate the variance of the mean score; at least 1.

    The clustered variance of the mean, C/(C-1) sum_c (sum_{i in c} (x_i - mean))^2 / n^2, over
    the independent one, sum (x_i - mean)^2 / (n (n-1)): Kish 1965; Miller 2024, arXiv
    2411.00640, eq. 4. An estimate to plan with; claims rest on `independence`, which is never
    below it.
    """
    values = as_scores(scores)
    codes = cluster_codes(clusters, values.size)
    return 1.0 if codes is None else max(1.0, _spread(values, codes).clustered)


class _Spread(NamedTuple):
    """What `values` in `groups` clusters vary by, and how much of that is between clusters.

    `size` is the mean size of the cluster a case finds itself in. `squares` is 0 where all
    values are equal, but for rounding; `clustered` is then `size`, and `correlation` 1.
    """

    groups: int
    size: float
    squares: float
    clustered: float
    correlation: float


def _spread(values: Floats, codes: Ints) -> _Spread:
    import numpy as np

    n = values.size
    sizes = np.bincount(codes)
    groups = int(sizes.size)
    size = sum_of_squares(sizes) / n
    residuals = values - values.mean()
    squares = sum_of_squares(residuals)
    if squares < 1e-18 * n or groups < 2:
        return _Spread(groups, size, 0.0, size, 1.0)
    sums = np.bincount(codes, weights=residuals)
    clustered = groups / (groups - 1) * sum_of_squares(sums) / n**2 / (squares / (n * (n - 1)))
    between = float((sums**2 / sizes).sum())
    correlation = _correlation(between, squares - between, n, groups, size)
    return _Spread(groups, size, squares, clustered, correlation)


def _correlation(between: float, within: float, n: int, groups: int, size: float) -> float:
    """Correlation of two values of a cluster, 0 to 1, from sums of squares: Donner, Koval 1980.

    (MSB - MSW) / (MSB + (m - 1) MSW) with m = (n - size) / (C - 1).
    """
    among = between / (groups - 1)
    inside = max(0.0, within) / (n - groups)
    typical = (n - size) / (groups - 1)
    return min(1.0, max(0.0, (among - inside) / (among + (typical - 1) * inside)))
