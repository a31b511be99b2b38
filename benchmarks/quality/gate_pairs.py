"""Paired differences of many simulated searches at once, by the gate's own formulas.

What `evals.stats.paired_difference` computes for one pair, here over arrays of shape
(trials, candidates): a hundred times as fast. `gate_check` holds it against the gate itself.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr

from benchmarks.quality.gate_worlds import Scores, World
from evals.stats.quantiles import critical_value, normal_cdf

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Places = NDArray[np.int64]

_TIE = 1e-9


class Pairs(NamedTuple):
    """Candidate minus reference of every trial, each array of shape (trials, candidates)."""

    estimate: Floats
    wins: Floats
    losses: Floats
    n: int
    binary: Flags
    deff: Floats
    squares: Floats
    df: float | None
    """Of t for binary scores (None: normal), and with clusters for all."""

    def below(self, difference: float, z: float) -> Flags:
        """Whether U < difference, one-sided at z."""
        found = np.where(
            self.binary,
            self._tango(difference) < -critical_value(z, self.df),
            self._t(difference) < -critical_value(z, self.df or self.n - 1),
        )
        return found & self._certain(z) if difference == 0 else found

    def above(self, difference: float, z: float) -> Flags:
        """Whether L > difference, one-sided at z."""
        found = np.where(
            self.binary,
            self._tango(difference) > critical_value(z, self.df),
            self._t(difference) > critical_value(z, self.df or self.n - 1),
        )
        return found & self._certain(z) if difference == 0 else found

    def _certain(self, z: float) -> Flags:
        """Whether McNemar's mid-p agrees, which is asked of independent zeros and ones alone."""
        if self.df is not None:
            return np.ones(self.binary.shape, dtype=np.bool_)
        total = (self.wins + self.losses).astype(np.int64)
        smaller = np.minimum(self.wins, self.losses)
        fewer = np.where(smaller > 0, bdtr(np.maximum(0, smaller - 1), total, 0.5), 0.0)
        mid_p = np.minimum(1.0, bdtr(smaller, total, 0.5) + fewer)
        return np.asarray(~self.binary | (mid_p < 2 * normal_cdf(-z)))

    def _t(self, difference: float) -> Floats:
        n, mean, up = self.n / self.deff, self.estimate, self.estimate < difference
        variance = np.maximum(0.0, self.squares / self.n - mean * mean)
        gap, room = np.abs(difference - mean), np.where(up, 1 - mean, 1 + mean)
        left = np.where(up, 1 - difference, 1 + difference)
        with np.errstate(divide="ignore", invalid="ignore"):
            found = gap * np.sqrt(n / (left * (variance / room + gap)))
        signs = np.where(up, -1.0, 1.0)
        return np.asarray(signs * np.nan_to_num(found, nan=0.0, posinf=np.inf))

    def _tango(self, difference: float) -> Floats:
        assert difference >= 0
        wins, losses, n = self.wins / self.deff, self.losses / self.deff, self.n / self.deff
        a = 2 * n
        b = -wins - losses + (2 * n - wins + losses) * difference
        c = -losses * difference * (1 - difference)
        root = np.sqrt(np.maximum(0.0, b * b - 4 * a * c))
        with np.errstate(divide="ignore", invalid="ignore"):
            q = np.where(b <= 0, (root - b) / (2 * a), -2 * c / (b + root))
            q = np.maximum(0.0, np.nan_to_num(q))
            top = wins - losses - n * difference
            spread = np.sqrt(n * (2 * q + difference * (1 - difference)))
            return np.where(top == 0, 0.0, top / spread)


def means(scores: Scores) -> Floats:
    """Mean of every candidate, shape (trials, candidates), free of rounding noise."""
    if scores.dtype == np.bool_:
        return np.asarray(np.count_nonzero(scores, axis=2) / scores.shape[2])
    return np.asarray(np.round(scores.mean(axis=2), 12))


def leaders(found: Floats, among: Flags) -> Places:
    """The best of some candidates in every trial; ties: the earlier. Shape (trials,)."""
    return np.asarray(np.argmax(np.where(among, found, -1.0), axis=1))


def pairs(world: World, scores: Scores, reference: Places) -> Pairs:
    """Every candidate minus its trial's reference, candidate `reference[trial]`."""
    anchor = np.take_along_axis(scores, reference[:, None, None], axis=1)
    if scores.dtype == np.bool_:
        wins = np.count_nonzero(scores & ~anchor, axis=2).astype(float)
        losses = np.count_nonzero(anchor & ~scores, axis=2).astype(float)
        squares, binary = wins + losses, np.ones(wins.shape, dtype=np.bool_)
        mean = (wins - losses) / world.n
        differences: NDArray[Any] | None = None
        if world.clusters:
            differences = scores.astype(np.int8) - anchor.astype(np.int8)
    else:
        differences = scores - anchor
        wins = np.count_nonzero(differences > _TIE, axis=2).astype(float)
        losses = np.count_nonzero(differences < -_TIE, axis=2).astype(float)
        mean, squares = differences.mean(axis=2), (differences * differences).sum(axis=2)
        whole = ((scores == 0) | (scores == 1)).all(axis=2)
        binary = whole & np.take_along_axis(whole, reference[:, None], axis=1)
    residual = np.maximum(0.0, squares - world.n * mean * mean)
    deff = np.ones(mean.shape)
    if differences is not None and world.clusters:
        deff = _design(differences, mean, residual, world.sizes())
    return Pairs(
        mean,
        wins,
        losses,
        world.n,
        binary,
        deff,
        squares,
        world.clusters - 1 if world.clusters else None,
    )


def _design(differences: NDArray[Any], mean: Floats, residual: Floats, sizes: Places) -> Floats:
    """The design effect as of `evals.stats.sample.independence`."""
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    sums = np.add.reduceat(differences, starts, axis=2, dtype=np.float64)
    sums -= mean[..., None] * sizes
    n, count = int(sizes.sum()), len(sizes)
    size = float(sizes @ sizes) / n
    some = np.where(residual < 1e-18 * n, 1.0, residual)
    clustered = count / (count - 1) * (sums * sums).sum(axis=2) / n**2 / (some / (n * (n - 1)))
    between = (sums * sums / sizes).sum(axis=2)
    among, inside = between / (count - 1), np.maximum(0.0, some - between) / (n - count)
    typical = (n - size) / (count - 1)
    alike = np.clip((among - inside) / (among + (typical - 1) * inside), 0.0, 1.0)
    seen = np.maximum(np.maximum(1.0, clustered), 1 + (size - 1) * alike)
    unseen = n / count * (1 + mean * mean)
    mixed = (some * seen + unseen * size) / (some + unseen)
    return np.where(residual < 1e-18 * n, size, np.maximum(seen, mixed))
