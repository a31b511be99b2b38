"""Whether a part of the cases fails more than the others, told apart from chance.

Independent cases: Fisher's exact test. Clusters: the pooled score test of two shares, its variance
inflated by the design effect, with t of C - 1 degrees of freedom. What is looked at together is
corrected together (Holm 1979). The interval of a difference of two shares is Newcombe's from two
intervals of one share (Newcombe 1998, method 10).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Literal, NamedTuple

from evals.errors import StatisticsError
from evals.failures.records import Contrast, Share
from evals.stats import MIN_CLUSTERS, known_bounds
from evals.stats.quantiles import two_sided_p
from evals.stats.sample import as_scores, independence

LEAST_CASES = 10
"""A part, or a rest, of fewer cases is shown and not tested: it would only cost the others."""
ALPHA = 0.05

Side = Literal["two-sided", "greater"]


def share_of(failing: Sequence[bool], clusters: Sequence[str | None]) -> Share:
    """The failing share of at least one case."""
    low, high = known_bounds([float(one) for one in failing], clusters)
    return Share(sum(failing) / len(failing), low, high)


def contrasts(
    parts: Sequence[Sequence[bool]],
    failing: Sequence[bool],
    clusters: Sequence[str | None],
    side: Side = "two-sided",
) -> list[Contrast | None]:
    """Each part against the rest, in order; `inside` and `failing` have a flag for each case.

    None for a part that has no rest. `greater`: only more failures than the rest are looked for.
    """
    found = [_raw(inside, failing, clusters, side) for inside in parts]
    corrected = iter(_holm([raw.p for raw in found if raw and raw.p is not None]))
    return [raw and _contrast(raw, next(corrected) if raw.p is not None else None) for raw in found]


class _Raw(NamedTuple):
    """A part against the rest before correction; `p` None: not tested."""

    part: Share
    rest: Share
    p: float | None


def _raw(
    inside: Sequence[bool], failing: Sequence[bool], clusters: Sequence[str | None], side: Side
) -> _Raw | None:
    groups: dict[bool, list[int]] = {True: [], False: []}
    for place, flag in enumerate(inside):
        groups[bool(flag)].append(place)
    if not groups[True] or not groups[False]:
        return None
    part, rest = (
        share_of([failing[n] for n in chosen], [clusters[n] for n in chosen])
        for chosen in (groups[True], groups[False])
    )
    sizes = len(groups[True]), len(groups[False])
    if min(sizes) < LEAST_CASES:
        return _Raw(part, rest, None)
    failed = tuple(sum(failing[n] for n in groups[flag]) for flag in (True, False))
    return _Raw(part, rest, _p_value(failed, sizes, failing, clusters, side))


def _p_value(
    failed: Sequence[int],
    sizes: Sequence[int],
    failing: Sequence[bool],
    clusters: Sequence[str | None],
    side: Side,
) -> float | None:
    """Of no difference between both shares; None where there are too few clusters to tell."""
    try:
        dependence = independence(as_scores([float(one) for one in failing]), clusters)
    except StatisticsError:
        return None
    if dependence.clusters is None:
        from scipy.stats import fisher_exact

        table = [[f, n - f] for f, n in zip(failed, sizes, strict=True)]
        return float(fisher_exact(table, alternative=side).pvalue)
    assert dependence.clusters >= MIN_CLUSTERS
    first, second = (f / n for f, n in zip(failed, sizes, strict=True))
    pooled = sum(failed) / sum(sizes)
    variance = pooled * (1 - pooled) * (1 / sizes[0] + 1 / sizes[1]) * dependence.deff
    if variance == 0:
        return 1.0
    statistic = (first - second) / sqrt(variance)
    both = two_sided_p(statistic, dependence.df)
    if side == "two-sided":
        return both
    return both / 2 if statistic > 0 else 1 - both / 2


def _holm(values: Sequence[float]) -> list[float]:
    """Corrected p values, in the order given."""
    order = sorted(range(len(values)), key=lambda n: values[n])
    corrected, largest = [0.0] * len(values), 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (len(values) - rank) * values[place]))
        corrected[place] = largest
    return corrected


def _contrast(raw: _Raw, p: float | None) -> Contrast:
    return Contrast(
        rest=raw.rest.estimate,
        difference=_difference(raw.part, raw.rest),
        p=p,
        differs=None if p is None else p < ALPHA,
    )


def _difference(part: Share, rest: Share) -> Share:
    estimate = part.estimate - rest.estimate
    if part.low is None or part.high is None or rest.low is None or rest.high is None:
        return Share(estimate, None, None)
    below = sqrt((part.estimate - part.low) ** 2 + (rest.high - rest.estimate) ** 2)
    above = sqrt((part.high - part.estimate) ** 2 + (rest.estimate - rest.low) ** 2)
    return Share(estimate, estimate - below, estimate + above)
