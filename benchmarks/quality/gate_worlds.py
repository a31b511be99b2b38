"""Worlds for the gate: tried candidates of known true means, and scores drawn from them.

A case has a latent difficulty that all candidates share; each adds its own luck. The share of
luck sets the discordance psi of two candidates of the same mean. Scores are quantiles of the
latent normal, so the true mean of every candidate is known exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import pi, sin, sqrt
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, ndtr, ndtri, owens_t

Scores = NDArray[Any]
"""Scores of shape (trials, candidates, n): booleans where all are 0 or 1, else floats."""
Kind = Literal["binary", "rare", "pareto", "u-shaped", "repeats"]

ICC = 0.3
"""Correlation of two cases of a cluster, of scores at a mean of 0.5."""

_REPEATS = 3
_GRID = np.linspace(-6.0, 6.0, 6001)  # edges of the latent steps of a graded score
_SHARE = np.diff(ndtr(_GRID))
_ELEMENTS = 3_000_000  # scores held in memory at once


@dataclass(frozen=True)
class World:
    """Candidates in the order tried: true means and rounds (from 1), over `n` cases.

    `psi` is the discordance of two candidates of mean `base` (what the mean allows at most);
    0 makes candidates of one mean identical, and a better one never lose. `clusters` 0: cases
    are independent. `kind` "rare": nearly constant scores with rare full marks; "pareto": few
    large losses; "repeats": three binary repeats averaged.
    """

    means: tuple[float, ...]
    rounds: tuple[int, ...]
    n: int
    psi: float
    base: float
    clusters: int = 0
    kind: Kind = "binary"

    @property
    def early(self) -> NDArray[np.bool_]:
        """Which candidates were tried before the last two rounds."""
        return np.array([tried <= max(self.rounds) - 2 for tried in self.rounds])

    @property
    def shared(self) -> float:
        """Correlation of two candidates' latent scores on a case, which gives `psi`."""
        return _correlation(self.base, self.psi)

    def sizes(self) -> NDArray[np.int64]:
        """Cases of each cluster, from half to one and a half times the mean, shape (C,)."""
        weights = np.linspace(0.5, 1.5, self.clusters)
        edges = np.rint(np.concatenate([[0], weights.cumsum()]) / weights.sum() * self.n)
        return np.asarray(np.diff(edges), dtype=np.int64)


def plan(candidates: int, rounds: int) -> tuple[int, ...]:
    """Rounds of the candidates, spread evenly; what is over goes to the first rounds."""
    each, over = divmod(candidates, rounds)
    return tuple(
        tried for tried in range(1, rounds + 1) for _ in range(each + (1 if tried <= over else 0))
    )


def draw(world: World, trials: int, rng: np.random.Generator) -> Iterator[Scores]:
    """Scores of shape (some trials, candidates, n), `trials` in all."""
    at_once = max(1, _ELEMENTS // (world.n * len(world.means)))
    while trials > 0:
        count = min(at_once, trials)
        trials -= count
        yield _scores(world, _latent(world, count, rng), rng)


def _latent(world: World, count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    shared = world.shared
    shape = (count, len(world.means), world.n)
    own = _grouped(world, shape, rng)
    own *= np.float32(sqrt(1 - shared))
    own += np.float32(sqrt(shared)) * _grouped(world, (count, 1, world.n), rng)
    return own


def _grouped(
    world: World, shape: tuple[int, int, int], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Standard normals, of which cases of a cluster share a part."""
    values = rng.standard_normal(shape, dtype=np.float32)
    if world.clusters:
        alike = sin(pi * ICC / 2)  # of the latent scores, to correlate as ICC at a mean of 0.5
        common = rng.standard_normal((*shape[:2], world.clusters), dtype=np.float32)
        values *= np.float32(sqrt(1 - alike))
        values += np.float32(sqrt(alike)) * np.repeat(common, world.sizes(), axis=2)
    return values


def _scores(world: World, latent: NDArray[np.float32], rng: np.random.Generator) -> Scores:
    if world.kind == "binary":
        cuts = ndtri(1 - np.array(world.means)).astype(np.float32)
        return np.asarray(latent > cuts[None, :, None])
    if world.kind == "repeats":
        cuts = ndtri(1 - np.array(world.means)).astype(np.float32)[None, :, None]
        total = np.zeros(latent.shape)
        for _ in range(_REPEATS):  # half of the latent score is the luck of the repeat
            luck = rng.standard_normal(latent.shape, dtype=np.float32)
            total += (latent + luck) * np.float32(sqrt(0.5)) > cuts
        return total / _REPEATS
    step = np.clip((latent + 6) * 500, 0, len(_SHARE) - 1).astype(np.int64)
    scores = np.empty(latent.shape)
    for index, mean in enumerate(world.means):
        scores[:, index] = _quantiles(world.kind, mean)[step[:, index]]
    return scores


@lru_cache(maxsize=256)
def _correlation(base: float, psi: float) -> float:
    """The correlation of two normals that fall on different sides of one cut with chance psi.

    P(different) = 4 T(h, sqrt((1 - rho) / (1 + rho))), T being Owen's function.
    """
    cut = float(ndtri(base))
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        apart = 4 * float(owens_t(cut, sqrt((1 - middle) / (1 + middle))))
        low, high = (middle, high) if apart > psi else (low, middle)
    return 1.0 if psi <= 0 else (low + high) / 2


@lru_cache(maxsize=256)
def _quantiles(kind: Kind, mean: float) -> NDArray[np.float64]:
    """Scores at the latent steps, rising, whose mean is exactly `mean`."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if float(_shape(kind, middle) @ _SHARE) < mean:
            low = middle
        else:
            high = middle
    scores = _shape(kind, (low + high) / 2)
    # The steps of a rare score are whole; what is missing to the mean goes to the other scores.
    inner = (scores > 0) & (scores < 1)
    scores[inner] += (mean - float(scores @ _SHARE)) / float(_SHARE[inner].sum())
    assert abs(float(scores @ _SHARE) - mean) < 1e-9, f"no {kind} scores have a mean of {mean}"
    return np.asarray(np.clip(scores, 0.0, 1.0))  # of rounding


def _shape(kind: Kind, strength: float) -> NDArray[np.float64]:
    at = ndtr((_GRID[1:] + _GRID[:-1]) / 2)
    if kind == "rare":  # 0.1 give or take 0.01, and full marks with a chance of `strength`
        return np.where(at > 1 - strength, 1.0, 0.09 + 0.02 * at)
    if kind == "pareto":  # 1 less a Pareto loss of index 1.2
        return np.asarray(np.clip(1 - (1 - strength) * (at ** (-1 / 1.2) - 1), 0.0, 1.0))
    middle = min(max(strength, 1e-3), 1 - 1e-3)
    scores: NDArray[np.float64] = betaincinv(0.4 * middle, 0.4 * (1 - middle), at)
    return scores
