"""How many cases a question needs, and what a given number of cases can answer.

Planning figures: normal approximations with the variance that Tango's statistic would use,
80 % power unless said. psi, the discordance, is the share of cases on which two candidates
differ (for graded scores the mean squared difference); 0.2 where nothing is known.
"""

from __future__ import annotations

from math import ceil, floor, sqrt

from evals.errors import StatisticsError
from evals.stats.intervals import require_share
from evals.stats.quantiles import critical_value, normal_cdf, one_sided_z, require_look
from evals.stats.tango import constrained_variance

DISCORDANCE = 0.2
POWER = 0.8
MOST_CASES = 10**15
"""More than anyone has: the answer where a gain is so small that the sums would overflow."""


def cases_for_plateau(min_gain: float, discordance: float = DISCORDANCE) -> int:
    """Cases with which prompts that are truly equal will usually be shown flat.

    n = 10 (psi + delta/2) / delta^2: the 10 is (z + z_power)^2 for the corrected z of a few
    candidates (2.1 to 2.4) and a power of 0.8 to 0.85; the delta/2 is what testing at a
    difference of delta adds to the variance.
    """
    delta = require_share(min_gain, "min_gain")
    psi = _discordance(discordance)
    return _whole(10 * (psi + delta / 2) / delta / delta - 1e-9)


def smallest_plateau_gain(n: int, discordance: float = DISCORDANCE) -> float:
    """The smallest min_gain for which n cases meet `cases_for_plateau`; its inverse."""
    _count(n)
    psi = _discordance(discordance)
    return min(1.0, (5 + sqrt(25 + 40 * n * psi)) / (2 * n))


def smallest_flat_cases(min_gain: float, z: float, *, graded: bool = False) -> int:
    """The smallest n at which even no difference on any case gives U < min_gain at z.

    Binary: T(delta) of (0, 0, n) is -sqrt(n delta / (1 - delta)), so n > z^2 (1-delta)/delta.
    Graded: the same with t of n - 1 degrees of freedom, searched.
    """
    delta = require_share(min_gain, "min_gain")
    if not graded:
        return max(1, floor(min(z * z * (1 - delta) / delta + 1e-9, MOST_CASES)) + 1)

    def settles(n: int) -> bool:
        return n > 1 and critical_value(z, n - 1) ** 2 * (1 - delta) / delta < n

    high = 2
    while high < MOST_CASES and not settles(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if settles(middle) else (middle, high)
    return high


def cases_for_gain(
    gain: float, discordance: float = DISCORDANCE, alpha: float = 0.05, power: float = POWER
) -> int:
    """Cases to show L > 0 when B is truly better by `gain` (superiority, one-sided alpha).

    n = ((z_alpha sqrt(psi) + z_power sqrt(psi - gain^2)) / gain)^2: Connor 1987. psi is at
    least the gain itself.
    """
    gain = require_share(gain, "gain")
    psi = max(gain, _discordance(discordance))
    root = one_sided_z(alpha) * sqrt(psi) + one_sided_z(1 - power) * sqrt(psi - gain**2)
    return _whole(root / gain * (root / gain))


def cases_to_ship(
    min_gain: float,
    discordance: float = DISCORDANCE,
    *,
    look: int = 1,
    alpha: float = 0.05,
    power: float = POWER,
) -> int:
    """Cases to show L > 0 at look `look` of the sealed split (alpha / 2^look) at a gain of delta.

    The other half of the claim, an estimate of at least delta, succeeds every second time
    when the true gain is exactly delta, whatever n: plan for a larger gain than the smallest
    that is worth it.
    """
    return cases_for_gain(min_gain, discordance, alpha / 2 ** require_look(look), power)


def smallest_detectable_gain(
    n: int, discordance: float = DISCORDANCE, alpha: float = 0.05, power: float = POWER
) -> float:
    """The smallest true gain that n cases show (L > 0) with `power`; 1.0 where none would."""
    _count(n)
    low, high = 1e-6, 1 - 1e-6
    if cases_for_gain(high, discordance, alpha, power) > n:
        return 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if cases_for_gain(middle, discordance, alpha, power) > n:
            low = middle
        else:
            high = middle
    return high


def cases_for_noninferiority(
    margin: float, discordance: float = DISCORDANCE, alpha: float = 0.05, power: float = POWER
) -> int:
    """Cases for a pass (L > -margin) when nothing is truly lost.

    n = ((z_alpha s0 + z_power s1) / margin)^2, s1^2 = psi the true variance and s0^2 Tango's
    constrained variance at -margin: Tango 1998, section 4; Liu et al. 2002.
    """
    margin = require_share(margin, "margin")
    psi = _discordance(discordance)
    at_bound = sqrt(constrained_variance(psi / 2, psi / 2, 1.0, margin))
    root = one_sided_z(alpha) * at_bound + one_sided_z(1 - power) * sqrt(psi)
    return _whole(root / margin * (root / margin))


def noninferiority_power(
    n: float, margin: float, discordance: float = DISCORDANCE, alpha: float = 0.05
) -> float:
    """Chance that n cases pass (L > -margin) when nothing is truly lost; inverse of the above."""
    _count(n)
    margin = require_share(margin, "margin")
    psi = max(1e-9, _discordance(discordance))
    at_bound = sqrt(constrained_variance(psi / 2, psi / 2, 1.0, margin))
    return normal_cdf((margin * sqrt(n) - one_sided_z(alpha) * at_bound) / sqrt(psi))


def cases_to_catch(
    loss: float,
    margin: float,
    discordance: float = DISCORDANCE,
    alpha: float = 0.05,
    power: float = POWER,
) -> int:
    """Cases that show a true loss beyond the margin (U < -margin) with `power`.

    n = ((z_alpha s0 + z_power s1) / (loss - margin))^2. The loss comes on top of the
    `discordance`, half of which are wins: b = psi/2, c = psi/2 + loss, s1^2 = b + c - loss^2
    and s0^2 Tango's constrained variance at -margin. Raises StatisticsError unless
    margin < loss.
    """
    margin, loss = require_share(margin, "margin"), require_share(loss, "loss")
    if loss <= margin:
        raise StatisticsError(f"a loss of {loss:g} is within the margin {margin:g}")
    psi = min(_discordance(discordance), 1 - loss)
    wins, losses = psi / 2, psi / 2 + loss
    at_margin = sqrt(constrained_variance(losses, wins, 1.0, margin))
    spread = sqrt(wins + losses - loss**2)
    root = one_sided_z(alpha) * at_margin + one_sided_z(1 - power) * spread
    parts = root / (loss - margin)
    return max(1, _whole(parts * parts))


def smallest_caught_loss(
    n: int,
    margin: float,
    discordance: float = DISCORDANCE,
    alpha: float = 0.05,
    power: float = POWER,
) -> float:
    """The smallest true loss that n cases show to be beyond the margin; 1.0 where none would."""
    _count(n)
    low, high = require_share(margin, "margin"), 1 - 1e-6
    if cases_to_catch(high, margin, discordance, alpha, power) > n:
        return 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if middle <= margin or cases_to_catch(middle, margin, discordance, alpha, power) > n:
            low = middle
        else:
            high = middle
    return high


def _discordance(psi: float) -> float:
    if not 0 <= psi <= 1:
        raise StatisticsError(f"discordance is {psi!r}; expected a share of cases, 0 to 1")
    return psi


def _count(n: float) -> None:
    if not n >= 1:
        raise StatisticsError(f"n is {n!r}; expected at least 1 case")


def _whole(cases: float) -> int:
    return ceil(min(cases, MOST_CASES))
