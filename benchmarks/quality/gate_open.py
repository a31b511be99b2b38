"""How often the gate opens though a tried prompt truly gains delta on the anchor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from benchmarks.quality.cells import Planned
from benchmarks.quality.gate_counting import counting_gate, falsely_open
from benchmarks.quality.gate_worlds import Kind, World, plan

MOST = 0.055
SIZES = (30, 100, 300, 1000, 2000)
DELTAS = (0.05, 0.10)

# Base rate to discordances of two prompts that score so: 0 where the better prompt never
# loses, and up to what two independent prompts of this mean would differ on.
GRID: Mapping[float, tuple[float, ...]] = {
    0.02: (0.0, 0.03),
    0.1: (0.0, 0.05, 0.15),
    0.5: (0.0, 0.05, 0.2, 0.4),
    0.9: (0.0, 0.05, 0.15),
    0.98: (0.0, 0.03),
}


class Search(NamedTuple):
    """Rounds of the candidates, and base rate and delta to their true means."""

    rounds: tuple[int, ...]
    means: Callable[[float, float], tuple[float, ...]]


def _last(candidates: int) -> Callable[[float, float], tuple[float, ...]]:
    return lambda base, delta: (base,) * (candidates - 1) + (base + delta,)


SEARCHES: Mapping[str, Search] = {
    "1 early prompt, 5 in all, the last is good": Search((1, 2, 2, 3, 3), _last(5)),
    "3 early prompts, 7 in all, the last is good": Search(plan(7, 3), _last(7)),
    "12 early prompts, 20 in all, the last is good": Search(plan(20, 5), _last(20)),
    "the first of 10 is good": Search(
        plan(10, 3), lambda base, delta: (base + delta,) + (base,) * 9
    ),
    "the third of 10 in 5 rounds is good": Search(
        plan(10, 5), lambda base, delta: (base,) * 2 + (base + delta,) + (base,) * 7
    ),
    "5 rounds, each half of delta better": Search(
        plan(10, 5),
        lambda base, delta: tuple(base + (tried - 1) * delta / 2 for tried in plan(10, 5)),
    ),
    "3 early prompts, all late ones hopeless but the last": Search(
        plan(7, 3),
        lambda base, delta: (base,) * 3 + (max(0.01, base - 0.3),) * 3 + (base + delta,),
    ),
}
FIRST_TWO = tuple(SEARCHES)[:2]


def _world(
    search: Search, n: int, base: float, delta: float, psi: float, clusters: int, kind: Kind
) -> World | None:
    """The world, moved down where the best would have no room; None where none is left."""
    top = max(search.means(0.5, delta)) - 0.5
    lowest = min(base, 0.99 - top)
    if lowest < 0.02:
        return None
    means = search.means(lowest, delta)
    return World(means, search.rounds, n, psi, lowest, clusters, kind)


def _cells(
    experiment: str,
    names: Iterable[str],
    points: Iterable[tuple[float, float]],
    sizes: Iterable[int],
    trials: int,
    clusters: int = 0,
    kind: Kind = "binary",
) -> Iterator[Planned]:
    points, sizes = list(points), list(sizes)
    for name in names:
        for delta in DELTAS:
            for base, psi in points:
                for n in sizes:
                    world = _world(SEARCHES[name], n, base, delta, psi, clusters, kind)
                    if world is None:
                        continue
                    setting: dict[str, float | int | str] = {"search": name, "delta": delta}
                    if kind != "binary":
                        setting["scores"] = kind
                    if clusters:
                        setting["clusters"] = clusters
                    setting |= {"base": base, "psi": psi, "n": n}
                    count = counting_gate(world, delta, falsely_open(delta))
                    yield Planned(experiment, setting, count, trials, most=MOST)


def falsely_open_independent(quick: bool) -> Iterator[Planned]:
    """The gate opens though a tried prompt truly gains delta on the anchor, one in the last round.

    Cases are independent, scores 0 or 1. Counted is every declared plateau where the true mean
    of some tried prompt is at least delta above that of the anchor that was chosen.
    """
    every = [(base, psi) for base, known in GRID.items() for psi in known]
    trials = 200 if quick else 1200
    yield from _cells("gate-false-open", FIRST_TWO, every, SIZES, trials)


def falsely_open_searches(quick: bool) -> Iterator[Planned]:
    """The same where the good prompt came early, where gains came in steps, with many prompts."""
    points = [(0.1, 0.0), (0.1, 0.15), (0.5, 0.05), (0.5, 0.3), (0.8, 0.2)]
    trials, others = (200 if quick else 1200), list(SEARCHES)[2:]
    yield from _cells("gate-false-open-searches", others, points, (30, 100, 300, 1000), trials)


def falsely_open_clusters(quick: bool) -> Iterator[Planned]:
    """The same with clusters of unequal size; cases of one correlate at 0.3."""
    trials = 200 if quick else 1200
    for clusters in (20, 50, 100):
        points = [(0.1, 0.0), (0.1, 0.15), (0.5, 0.05), (0.5, 0.3), (0.9, 0.1)]
        sizes = (100, 300, 1000) if clusters < 100 else (300, 1000)
        yield from _cells(
            "gate-false-open-clusters", FIRST_TWO, points, sizes, trials, clusters=clusters
        )


def falsely_open_graded(quick: bool) -> Iterator[Planned]:
    """The same with graded scores: rare full marks, Pareto losses, U-shaped, repeats averaged."""
    trials = 200 if quick else 1200
    points: dict[Kind, list[tuple[float, float]]] = {
        "rare": [(0.1, 0.0), (0.3, 0.0), (0.3, 0.2)],
        "pareto": [(0.6, 0.0), (0.85, 0.1)],
        "u-shaped": [(0.1, 0.0), (0.5, 0.2), (0.85, 0.1)],
        "repeats": [(0.02, 0.0), (0.1, 0.1), (0.5, 0.3)],
    }
    for kind, known in points.items():
        yield from _cells(
            "gate-false-open-graded", FIRST_TWO, known, (30, 60, 100, 300, 1000), trials, kind=kind
        )
