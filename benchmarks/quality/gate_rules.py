"""The gate's rule for a plateau and for an improvement, and the rules it was chosen from.

Each takes the simulated scores of many searches and says of every one whether the rule
declares a plateau, against which prompt, and whether it claims an improvement.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from benchmarks.quality.gate_pairs import Flags, Pairs, Places, leaders, means, pairs
from benchmarks.quality.gate_worlds import Scores, World
from evals.stats import one_sided_z
from tuning.gate.evidence import LEAST_CHOICES


class Found(NamedTuple):
    """What a rule says of every trial: arrays of shape (trials,)."""

    plateau: Flags
    reference: Places
    improved: Flags


Rule = Callable[[World, Scores, float, float], Found]
"""World, scores, delta and alpha to what is found."""


def anchor_rule(world: World, scores: Scores, delta: float, alpha: float) -> Found:
    """The gate's: the best early prompt; flat at alpha/m, improved at alpha/(M-1)."""
    return _against_early(world, scores, delta, alpha, _choices(world))


def uncorrected(world: World, scores: Scores, delta: float, alpha: float) -> Found:
    """The same anchor, every candidate flat at alpha itself."""
    return _against_early(world, scores, delta, alpha, 1)


def over_all(world: World, scores: Scores, delta: float, alpha: float) -> Found:
    """The same anchor, flat at alpha/(M-1): corrected for every comparison."""
    return _against_early(world, scores, delta, alpha, len(world.means) - 1)


def best_window_only(world: World, scores: Scores, delta: float, alpha: float) -> Found:
    """The anchor rule, but only the leader of the last two rounds must be flat."""
    found = means(scores)
    anchor, best = leaders(found, world.early), leaders(found, ~world.early)
    pair = pairs(world, scores, anchor)
    flat = pair.below(delta, one_sided_z(alpha / _choices(world)))
    plateau = np.take_along_axis(flat, best[:, None], axis=1)[:, 0]
    return Found(plateau, anchor, _improved(world, pair, alpha))


def leader_over_all(world: World, scores: Scores, delta: float, alpha: float) -> Found:
    """Against the best of everything tried, flat at alpha/(M-1).

    The reference is the anchor all the same: it says what the search has gained.
    """
    anchor = leaders(means(scores), world.early)
    best = leaders(means(scores), np.ones(len(world.means), dtype=np.bool_))
    pair = pairs(world, scores, best)
    flat = pair.below(delta, one_sided_z(alpha / (len(world.means) - 1)))
    improved = _improved(world, pairs(world, scores, anchor), alpha)
    return Found(_all_flat(flat, best), anchor, improved)


def last_incumbent(world: World, scores: Scores, delta: float, alpha: float) -> Found:
    """Each round against the best before it: the last two rounds both flat at alpha."""
    found, tried = means(scores), np.array(world.rounds)
    plateau = np.ones(len(found), dtype=np.bool_)
    last = max(world.rounds)
    for index in (last - 1, last):
        before = leaders(found, tried < index)
        flat = pairs(world, scores, before).below(delta, one_sided_z(alpha))
        plateau &= flat[:, tried == index].all(axis=1)
    anchor = leaders(found, world.early)
    return Found(plateau, anchor, _improved(world, pairs(world, scores, anchor), alpha))


def max_t(world: World, scores: Scores, delta: float, alpha: float) -> Found:
    """The anchor rule with the bound of the largest of m equicorrelated statistics.

    Comparisons of one candidate with m others correlate at about a half (Dunnett 1955), as
    m equal prompts do that share nothing but difficulty.
    """
    m = _choices(world)
    anchor = leaders(means(scores), world.early)
    pair = pairs(world, scores, anchor)
    flat = _all_flat(pair.below(delta, _dunnett_z(alpha, m)), anchor)
    return Found(flat, anchor, _improved(world, pair, alpha))


RULES: Mapping[str, Rule] = {
    "anchor": anchor_rule,
    "uncorrected": uncorrected,
    "corrected for all tried": over_all,
    "max-T": max_t,
    "only the best late prompt": best_window_only,
    "leader over all": leader_over_all,
    "last incumbent": last_incumbent,
}


def _choices(world: World) -> float:
    return max(LEAST_CHOICES, float(world.early.sum()))


def _against_early(
    world: World, scores: Scores, delta: float, alpha: float, choices: float
) -> Found:
    anchor = leaders(means(scores), world.early)
    pair = pairs(world, scores, anchor)
    flat = _all_flat(pair.below(delta, one_sided_z(alpha / choices)), anchor)
    return Found(flat, anchor, _improved(world, pair, alpha))


def _all_flat(flat: Flags, reference: Places) -> Flags:
    itself = np.arange(flat.shape[1])[None, :] == reference[:, None]
    return np.asarray((flat | itself).all(axis=1))


def _improved(world: World, pair: Pairs, alpha: float) -> Flags:
    better = pair.above(0.0, one_sided_z(alpha / (len(world.means) - 1)))
    return np.asarray((better & ~world.early).any(axis=1))


def _dunnett_z(alpha: float, m: float) -> float:
    """Z with P(max of m normals that correlate at 1/2 > z) = alpha."""
    from scipy.integrate import quad
    from scipy.optimize import brentq
    from scipy.stats import norm

    def excess(z: float) -> float:
        inside = quad(lambda u: norm.pdf(u) * norm.cdf(z * 2**0.5 - u) ** m, -8, 8)[0]
        return float(1 - inside - alpha)

    return float(brentq(excess, 0.5, 5.0))
