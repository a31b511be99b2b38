"""Checked score arrays, and what clusters do to the number of independent observations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from evals.errors import StatisticsError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Ints: TypeAlias = NDArray[np.int64]

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


def as_scores(values: Sequence[float], what: str = "scores") -> Floats:
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


def is_binary(scores: Floats) -> bool:
    """Whether every score is exactly 0 or 1."""
    return bool(((scores == 0) | (scores == 1)).all())


def cluster_codes(clusters: Sequence[str | None], n: int) -> Ints | None:
    """Cluster numbers of shape (n,), or None where no two cases share a cluster.

    A case without a cluster (None) stands alone.
    """
    import numpy as np

    if len(clusters) != n:
        raise StatisticsError(f"{len(clusters)} cluster names for {n} scores; expected as many")
    numbers: dict[str, int] = {}
    codes = np.empty(n, dtype=np.int64)
    following = 0
    for index, name in enumerate(clusters):
        code = following if name is None else numbers.setdefault(name, following)
        following += code == following
        codes[index] = code
    return None if following == n else codes


def independence(values: Floats, clusters: Sequence[str | None] | None) -> Independence:
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
    count = int(sizes.size)
    if count < MIN_CLUSTERS:
        raise StatisticsError(
            f"the {n} cases form only {count} clusters; at least {MIN_CLUSTERS} are needed "
            "to tell how much cases of one cluster go together",
            hint="add cases from other clusters",
        )
    whole = n**2 / float((sizes.astype(np.float64) ** 2).sum())
    residuals = values - values.mean()
    squares = float(residuals @ residuals)
    if squares < 1e-18 * n:
        deff = n / whole
    else:
        sums = np.bincount(codes, weights=residuals)
        clustered = count / (count - 1) * float(sums @ sums) / n**2
        deff = clustered / (squares / (n * (n - 1)))
    return Independence(max(1.0, deff), count - 1, count, whole)


def design_effect(scores: Sequence[float], clusters: Sequence[str | None]) -> float:
    """By how much clusters inflate the variance of the mean score; see `independence`."""
    return independence(as_scores(scores), clusters).deff
