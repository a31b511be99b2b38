"""A few cases that stand for many: spread over the inputs, and typical of them.

Greedy facility location: each next case is the one that most raises the sum, over all cases, of
the similarity to the nearest one chosen. The greedy choice is within 1 - 1/e of the best
(Nemhauser, Wolsey and Fisher 1978). Preferred to farthest-point, which picks outliers, and to
k-means (Zhang et al. 2022, "Automatic chain of thought prompting"), whose result hangs on a random
start and on sums in floating point: here all is counted in whole numbers, without a draw.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from evals.prompting.demonstrations.weights import DIGITS, weighed
from evals.records import Case

MAX_CASES = 2_000
"""More cases are represented by so many of them, drawn: the work grows with the square."""


def spread(cases: Sequence[Case], k: int, generator: random.Random) -> tuple[Case, ...]:
    """At most k of `cases`, the one that stands for most first; equal ones in their order.

    `generator` draws only where there are more than `MAX_CASES`.
    Raises SuiteError where no input holds text.
    """
    import numpy as np

    if len(cases) > MAX_CASES:
        places = sorted(generator.sample(range(len(cases)), MAX_CASES))
        cases = [cases[place] for place in places]
    rows, _ = weighed(cases, ())
    # Millionths, so that sums are exact; (cases, cases), symmetric, at most 32 MB.
    alike = np.rint((rows @ rows.T).toarray() * 10**DIGITS).astype(np.int64)
    best = np.zeros(len(cases), dtype=np.int64)
    left = np.ones(len(cases), dtype=bool)
    chosen: list[Case] = []
    for _ in range(min(k, len(cases))):
        gains = np.where(left, np.maximum(alike - best, 0).sum(axis=1), -1)
        place = int(gains.argmax())
        left[place] = False
        best = np.maximum(best, alike[place])
        chosen.append(cases[place])
    return tuple(chosen)
