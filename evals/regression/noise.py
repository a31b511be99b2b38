"""A/A: one candidate against itself, and how often the gate would have cried wolf.

A model whose answers depend on the batch, a provider that samples, a judge that wavers: all
make two runs of the same thing differ. Each case here has several scores of the very same
candidate; a simulated A/A comparison resamples the cases (clusters whole) and gives each side
of each case one of them, never the same one twice.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from evals.claims import MAX_ERROR_SHARE, check_margin
from evals.errors import StatisticsError
from evals.records import Case
from evals.regression.acceptance import detectable_loss
from evals.regression.records import DetectableLoss
from evals.regression.tables import Table, metric_scores
from evals.stats import bounded_difference

Draw = tuple[list[float | None], list[float | None], list[str | None]]


@dataclass(frozen=True)
class NoiseFloor:
    """How a candidate differs from itself, and what the gate makes of that.

    `means` are of each of the runs. `discordance` is the mean squared difference of a case's
    scores in two runs (for scores of 0 and 1: the share of cases that differ), `unstable`
    the cases whose score is not always the same. `fails`, `inconclusive` and `passes` count
    the simulated comparisons at `margin`. `detectable` is what can be shown over this noise.
    """

    suite: str
    metric: str
    cases: int
    means: tuple[float, ...]
    discordance: float
    unstable: tuple[str, ...]
    comparisons: int
    margin: float
    fails: int
    inconclusive: int
    passes: int
    detectable: DetectableLoss
    format: int = 1


def halves(cases: Sequence[Case], seed: int) -> tuple[list[Case], list[Case]]:
    """The cases in two halves by a seeded shuffle: each case has other neighbours in its batch."""
    order = list(cases)
    random.Random(seed).shuffle(order)  # noqa: S311 - a reproducible draw, not a secret
    middle = (len(order) + 1) // 2
    return order[:middle], order[middle:]


def noise_floor(
    suite: str,
    metric: str,
    runs: Sequence[Table],
    margin: float,
    *,
    comparisons: int = 400,
    seed: int = 0,
) -> NoiseFloor:
    """Judge `comparisons` simulated A/A comparisons of `runs`, at least two of one candidate.

    Raises StatisticsError for fewer than two runs, and below 10 clusters.
    """
    if len(runs) < 2:
        raise StatisticsError(f"{len(runs)} run; a candidate and itself are at least two")
    names = list(runs[0])
    observed = {name: [table[name].scores.get(metric) for table in runs] for name in names}
    rng = random.Random(seed)  # noqa: S311 - a simulation, not a secret
    groups = _groups(runs[0])
    results = [_judge(_draw(groups, observed, rng), margin) for _ in range(comparisons)]
    noise = _discordance(list(observed.values()))
    return NoiseFloor(
        suite=suite,
        metric=metric,
        cases=len(names),
        means=tuple(fmean(metric_scores(table, metric).values.values()) for table in runs),
        discordance=noise,
        unstable=tuple(name for name in names if len(set(observed[name])) > 1),
        comparisons=comparisons,
        margin=margin,
        fails=results.count("fail"),
        inconclusive=results.count("inconclusive"),
        passes=results.count("pass"),
        detectable=detectable_loss(runs[0], metric, margin, noise),
    )


def _groups(table: Table) -> list[list[str]]:
    """Ids of cases that are drawn together: a cluster's, else one alone."""
    groups: dict[str, list[str]] = {}
    for name, case in table.items():
        key = f"case {name}" if case.cluster is None else f"cluster {case.cluster}"
        groups.setdefault(key, []).append(name)
    return list(groups.values())


def _draw(
    groups: Sequence[Sequence[str]],
    observed: dict[str, list[float | None]],
    rng: random.Random,
) -> Draw:
    a: list[float | None] = []
    b: list[float | None] = []
    clusters: list[str | None] = []
    for number in range(len(groups)):
        drawn = rng.choice(groups)
        for name in drawn:
            first, second = rng.sample(observed[name], 2)
            a.append(first)
            b.append(second)
            clusters.append(str(number) if len(drawn) > 1 else None)
    return a, b, clusters


def _judge(draw: Draw, margin: float) -> str:
    a, b, clusters = draw
    missing = sum(x is None or y is None for x, y in zip(a, b, strict=True))
    try:
        difference = bounded_difference(a, b, clusters)
    except StatisticsError:  # nothing was scored on both sides
        return "inconclusive"
    return check_margin(difference, margin, claims=missing <= MAX_ERROR_SHARE * len(a)).result


def _discordance(observed: Sequence[Sequence[float | None]]) -> float:
    """Mean squared difference over all pairs of two scores of one case."""
    squares = [
        (first - second) ** 2
        for scores in observed
        for number, first in enumerate(scores)
        for second in scores[number + 1 :]
        if first is not None and second is not None
    ]
    return fmean(squares) if squares else 0.0
