"""Tango's score statistic for the difference of two paired proportions.

T. Tango, Statistics in Medicine 17 (1998) 891-908. With b pairs that only B got right, c
that only A got right, n pairs, and a hypothesised difference d = P(B) - P(A):

    T(d) = (b - c - n d) / sqrt(n (2 q + d (1 - d)))

where q is the maximum-likelihood estimate of P(only A right) under d, the larger root of
2n q^2 + (-b - c + (2n - b + c) d) q - c d (1 - d) = 0. T falls strictly as d rises. Counts
may be fractional: clusters divide them by a design effect.
"""

from __future__ import annotations

from math import copysign, inf, sqrt

_HALVINGS = 64  # of a width of at most 2: down to the spacing of doubles


def constrained_variance(wins: float, losses: float, n: float, difference: float) -> float:
    """Variance of one pair's difference under a hypothesised `difference` in [0, 1]."""
    a = 2 * n
    b = -wins - losses + (2 * n - wins + losses) * difference
    c = -losses * difference * (1 - difference)
    root = sqrt(max(0.0, b * b - 4 * a * c))
    # The textbook (root - b) / 2a cancels where b > 0; this form of the same root does not.
    q = (root - b) / (2 * a) if b <= 0 else -2 * c / (b + root)
    return 2 * max(0.0, q) + difference * (1 - difference)


def tango_statistic(wins: float, losses: float, n: float, difference: float) -> float:
    """T at `difference` in [-1, 1]; above z means the true difference is plausibly larger."""
    if difference < 0:  # by symmetry, which also makes swapping A and B exactly antisymmetric
        return -tango_statistic(losses, wins, n, -difference)
    numerator = wins - losses - n * difference
    variance = n * constrained_variance(wins, losses, n, difference)
    if variance <= 0:
        return 0.0 if numerator == 0 else copysign(inf, numerator)
    return numerator / sqrt(variance)


def tango_lower(wins: float, losses: float, n: float, z: float) -> float:
    """One-sided lower bound: the difference at which T falls to z (z >= 0)."""
    below, above = -1.0, (wins - losses) / n
    for _ in range(_HALVINGS):
        middle = (below + above) / 2
        if tango_statistic(wins, losses, n, middle) > z:
            below = middle
        else:
            above = middle
    return (below + above) / 2


def tango_upper(wins: float, losses: float, n: float, z: float) -> float:
    """One-sided upper bound: the lower bound of the swapped comparison, negated."""
    return -tango_lower(losses, wins, n, z)
