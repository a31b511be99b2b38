"""Score bounds of the mean of values that lie between two known ends: Wilson's, for graded ones.

A t interval takes the variance that was seen. Where good cases are rare, a sample with few of
them has both a low mean and a low variance, and its upper bound is too low: a candidate that
truly gains 5 points by rare full marks was called flat in up to 0.10 of all samples at alpha
0.05, and at 0.0042 five times too often. A score test asks instead how much values would vary
if the hypothesis were true. Here the hypothesised mean h is reached by moving a share of what
was seen to the end of the range, which makes the variance, for h above the mean m,

    v(h) = (end - h) (s^2 / (end - m) + h - m)

with s^2 the variance seen. For scores of 0 and 1 that is h (1 - h), and the bounds are Wilson's
(1927); constant values keep a width. No published source is known to us; `tests` hold its error
rates against exact binomial sums.
"""

from __future__ import annotations

from math import copysign, inf, sqrt


def score_statistic(
    mean: float, variance: float, n: float, hypothesis: float, *, low: float, high: float
) -> float:
    """How many standard errors the mean lies above `hypothesis`; n may be an effective size."""
    if hypothesis < mean:
        return -score_statistic(-mean, variance, n, -hypothesis, low=-high, high=-low)
    gap, room = hypothesis - mean, high - mean
    if gap <= 0 or room <= 0:
        return 0.0
    spread = (high - hypothesis) * (variance / room + gap)
    return -gap * sqrt(n / spread) if spread > 0 else copysign(inf, -gap)


def score_upper(mean: float, variance: float, n: float, critical: float, high: float) -> float:
    """The largest mean that is not refuted: where the statistic is -critical. Below `high`.

    The bound less the mean is the root x of (n + z^2) x^2 - z^2 (e - s^2 / e) x - z^2 s^2, with
    e = high - mean.
    """
    room = high - mean
    if room <= 0:
        return high
    z2 = critical * critical
    linear = z2 * (room - variance / room)
    root = sqrt(linear * linear + 4 * (n + z2) * z2 * variance)
    return min(high, mean + (linear + root) / (2 * (n + z2)))


def score_lower(mean: float, variance: float, n: float, critical: float, low: float) -> float:
    """The smallest mean that is not refuted."""
    return -score_upper(-mean, variance, n, critical, -low)
