"""Paired differences: Tango, graded t, clusters, against independent computations."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from evals.errors import StatisticsError
from evals.stats import (
    mcnemar_mid_p,
    one_sided_z,
    paired_counts,
    paired_difference,
)
from evals.stats.bounded import score_lower, score_upper
from tests.independent import rao_statistic

Z3 = one_sided_z(0.05 / 3)
Z6 = one_sided_z(0.05 / 6)


def scores_of(wins: int, losses: int, n: int) -> tuple[list[float], list[float]]:
    ties = n - wins - losses
    return [0.0] * wins + [1.0] * losses + [1.0] * ties, [1.0] * wins + [0.0] * losses + [
        1.0
    ] * ties


counts = st.integers(1, 60).flatmap(
    lambda n: st.integers(0, n).flatmap(
        lambda b: st.tuples(st.just(b), st.integers(0, n - b), st.just(n))
    )
)


@pytest.mark.parametrize(
    ("wins", "losses", "n", "difference"),
    [(8, 3, 40, 0.1), (0, 5, 30, 0.2), (12, 12, 100, -0.05), (340, 100, 2000, 0.1), (3, 0, 9, 0.7)],
)
def test_the_statistic_equals_a_numerical_maximum_of_the_constrained_likelihood(
    wins: int, losses: int, n: int, difference: float
) -> None:
    expected = rao_statistic(wins, losses, n, difference)
    assert paired_counts(wins, losses, n).statistic(difference) == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize(("wins", "losses"), [(1, 7), (0, 0), (5, 5), (0, 9), (40, 15), (130, 170)])
def test_mid_p_is_the_exact_binomial_p_less_half_the_observed_point(wins: int, losses: int) -> None:
    n = wins + losses
    exact = stats.binomtest(wins, n, 0.5).pvalue if n else 1.0
    point = stats.binom.pmf(wins, n, 0.5)
    # For b = c the exact p is capped at 1, and so is the mid-p.
    expected = 1.0 if wins == losses else exact - point
    assert mcnemar_mid_p(wins, losses) == pytest.approx(expected)


def test_the_score_statistic_at_zero_is_the_mcnemar_statistic() -> None:
    from statsmodels.stats.contingency_tables import mcnemar

    result = mcnemar([[50, 40], [15, 45]], exact=False, correction=False)
    assert paired_counts(40, 15, 150).statistic(0.0) ** 2 == pytest.approx(result.statistic)


@settings(max_examples=150, deadline=None)
@given(counts, st.floats(0.1, 3.5))
def test_bounds_solve_the_statistic_and_enclose_the_estimate(
    case: tuple[int, int, int], z: float
) -> None:
    pair = paired_counts(*case)
    low, high = pair.lower(z), pair.upper(z)
    assert -1 <= low <= pair.estimate <= high <= 1
    assert high > low
    if low != 0 and -1 + 1e-9 < low < 1 - 1e-9:  # 0: see the test of mid-p below
        assert pair.statistic(low) == pytest.approx(z, rel=1e-4)
    assert pair.above(low - 1e-6, z) or low <= -1 + 1e-6
    assert pair.below(high + 1e-6, z) or high >= 1 - 1e-6


def test_a_gain_that_mcnemars_mid_p_does_not_show_is_not_claimed() -> None:
    """7 wins and 2 losses: T(0) = 1.67 is above 1.645, but so many wins come in 5.5 %."""
    pair, swapped = paired_counts(7, 2, 50), paired_counts(2, 7, 50)
    z = one_sided_z(0.05)
    assert pair.statistic(0.0) > z
    assert stats.binom.sf(7, 9, 0.5) + stats.binom.pmf(7, 9, 0.5) / 2 > 0.05
    assert not pair.above(0.0, z)
    assert not swapped.below(0.0, z)
    assert (pair.lower(z), swapped.upper(z)) == (0.0, 0.0)
    assert pair.above(-0.001, z)
    assert paired_counts(8, 2, 50).above(0.0, z)


@pytest.mark.parametrize(("n", "psi"), [(50, 0.2), (100, 0.1), (30, 0.4)])
def test_noise_is_called_a_gain_at_most_as_often_as_alpha_says(n: int, psi: float) -> None:
    rate = 0.0
    for both in range(n + 1):
        for wins in range(both + 1):
            if paired_counts(wins, both - wins, n).above(0.0, one_sided_z(0.05)):
                rate += stats.binom.pmf(both, n, psi) * stats.binom.pmf(wins, both, 0.5)
    assert 0.04 < rate <= 0.05  # with Tango's statistic alone 0.051 to 0.053


@settings(max_examples=150, deadline=None)
@given(counts, st.floats(-0.99, 0.99))
def test_swapping_the_sides_negates_everything(
    case: tuple[int, int, int], difference: float
) -> None:
    wins, losses, n = case
    forth, back = paired_counts(wins, losses, n), paired_counts(losses, wins, n)
    assert forth.statistic(difference) == -back.statistic(-difference)
    assert forth.lower(1.7) == -back.upper(1.7)
    assert forth.p_value == back.p_value


@settings(max_examples=150, deadline=None)
@given(counts)
def test_a_further_win_in_place_of_a_tie_never_lowers_a_bound(case: tuple[int, int, int]) -> None:
    wins, losses, n = case
    if wins + losses == n:
        return
    fewer, more = paired_counts(wins, losses, n), paired_counts(wins + 1, losses, n)
    assert more.lower(1.645) >= fewer.lower(1.645) - 1e-12
    assert more.upper(1.645) >= fewer.upper(1.645) - 1e-12


@settings(max_examples=100, deadline=None)
@given(counts, st.floats(-0.95, 0.9), st.floats(0.001, 0.05))
def test_the_statistic_falls_as_the_difference_rises(
    case: tuple[int, int, int], difference: float, step: float
) -> None:
    pair = paired_counts(*case)
    assert pair.statistic(difference + step) <= pair.statistic(difference) + 1e-9


unit = st.floats(0, 1).map(lambda x: round(x, 3))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(unit, unit), min_size=1, max_size=40), st.randoms())
def test_graded_differences_are_antisymmetric_and_blind_to_the_order_of_cases(
    pairs, random
) -> None:
    a, b = [p[0] for p in pairs], [p[1] for p in pairs]
    forth, back = paired_difference(a, b), paired_difference(b, a)
    assert forth.interval() == pytest.approx([-x for x in reversed(back.interval())], abs=1e-9)
    low, high = forth.interval()
    assert low <= forth.estimate <= high
    assert high > low
    random.shuffle(pairs)
    mixed = paired_difference([p[0] for p in pairs], [p[1] for p in pairs])
    assert mixed.interval() == pytest.approx(forth.interval(), abs=1e-9)
    assert (mixed.wins, mixed.losses, mixed.ties) == (forth.wins, forth.losses, forth.ties)


def test_graded_bounds_are_those_of_a_mean_between_minus_one_and_one() -> None:
    random = np.random.default_rng(3)
    a, b = random.random(30), random.random(30)
    mean, variance, critical = (b - a).mean(), (b - a).var(), stats.t.ppf(0.975, 29)
    expected = (
        score_lower(mean, variance, 30, critical, -1.0),
        score_upper(mean, variance, 30, critical, 1.0),
    )
    assert paired_difference(a, b).interval() == pytest.approx(expected)


@pytest.mark.parametrize("score", [0.0, 0.4, 1.0])
def test_five_ties_are_no_certainty(score: float) -> None:
    low, high = paired_difference([score] * 5, [score] * 5).interval()
    assert low < -0.4
    assert high > 0.4


def test_binary_scores_of_any_number_type_use_the_score_method() -> None:
    a, b = scores_of(8, 3, 40)
    exact = paired_difference(a, b)
    assert exact.binary
    assert exact == paired_difference([bool(x) for x in a], [int(x) for x in b])
    assert exact.interval() == paired_counts(8, 3, 40).interval()


def test_singleton_clusters_change_nothing_and_full_copies_do_not_add_evidence() -> None:
    a, b = scores_of(9, 4, 40)
    alone = paired_difference(a, b, [f"c{i}" for i in range(40)])
    assert alone == paired_difference(a, b)
    assert paired_difference(a, b, [None] * 40) == alone
    five = paired_difference(a * 5, b * 5, [f"c{i}" for i in range(40)] * 5)
    assert five.clusters == 40
    assert five.deff == pytest.approx(5 * 40 / 39 * (199 / 200), rel=1e-9)
    low, high = alone.interval()
    wide_low, wide_high = five.interval()
    assert wide_low < low  # t(39) in place of z
    assert wide_high > high
    assert (wide_low, wide_high) == pytest.approx((low, high), abs=0.02)


def test_claims_agree_with_bounds_also_within_clusters() -> None:
    a, b = scores_of(9, 4, 40)
    pair = paired_difference(a, b, [f"c{i // 3}" for i in range(40)])
    low, high = pair.lower(1.645), pair.upper(1.645)
    assert pair.above(low - 1e-9, 1.645)
    assert not pair.above(low + 1e-9, 1.645)
    assert pair.below(high + 1e-9, 1.645)
    assert not pair.below(high - 1e-9, 1.645)


def test_ties_everywhere_within_clusters_count_each_cluster_once() -> None:
    zeros = [0.0] * 100
    pair = paired_difference(zeros, zeros, [f"c{i // 5}" for i in range(100)])
    assert pair.deff == 5
    assert pair.upper(1.645) > paired_counts(0, 0, 20).upper(1.645)


@pytest.mark.parametrize(
    ("a", "b", "clusters", "message"),
    [
        ([], [], None, "over nothing"),
        ([0.5], [0.5, 1.0], None, "same cases"),
        ([float("nan")], [0.0], None, "scores of A.*nan"),
        ([0.0], [float("inf")], None, "scores of B.*inf"),
        ([0.0], [-0.1], None, "0 to 1"),
        ([0.0], [2], None, "0 to 1"),
        (["0.5"], [0.5], None, "flat list of numbers"),
        ([None], [0.5], None, "flat list of numbers"),
        ([[0.5]], [0.5], None, "flat list"),
        ([[0.5], [0.5, 1]], [0.5, 1], None, "flat list"),
        ([0.0] * 20, [1.0] * 20, ["a", "b"] * 10, "only 2 clusters"),
        ([0.0] * 20, [1.0] * 20, ["a"], "cluster names"),
    ],
)
def test_invalid_data_are_refused_with_a_reason(a, b, clusters, message: str) -> None:
    with pytest.raises(StatisticsError, match=message):
        paired_difference(a, b, clusters)


@pytest.mark.parametrize("bad", [(-1, 0, 5), (3, 3, 5), (0, 0, 0)])
def test_impossible_counts_are_refused(bad: tuple[int, int, int]) -> None:
    with pytest.raises(StatisticsError):
        paired_counts(*bad)


@pytest.mark.parametrize("z", [-0.1, float("nan"), float("inf")])
def test_a_bound_at_no_level_is_refused(z: float) -> None:
    with pytest.raises(StatisticsError):
        paired_counts(1, 0, 5).upper(z)


def test_cases_to_settle_would_settle_with_the_power_asked_for() -> None:
    pair = paired_counts(6, 6, 120)
    needed = pair.cases_to_settle(-0.05, 1.645)
    assert needed is not None
    scale = needed / 120
    t = paired_difference(*scores_of(round(6 * scale), round(6 * scale), needed)).statistic(-0.05)
    assert t == pytest.approx(1.645 + 0.842, abs=0.05)
    assert paired_counts(10, 0, 100).cases_to_settle(0.1, 1.645) is None


def test_a_million_pairs_are_compared_in_seconds() -> None:
    random = np.random.default_rng(0)
    a, b = random.integers(0, 2, 10**6).tolist(), random.random(10**6).tolist()
    clusters = [f"c{i // 4}" for i in range(10**6)]
    started = time.process_time()
    paired_difference(a, b, clusters).interval()
    assert time.process_time() - started < 3


# --- coverage: how often a 95 % interval holds the truth -------------------------------------


@pytest.mark.parametrize(
    ("n", "p", "q"), [(60, 0.10, 0.10), (120, 0.15, 0.05), (40, 0.02, 0.02), (250, 0.2, 0.1)]
)
def test_tango_intervals_hold_the_truth_as_often_as_they_say(n: int, p: float, q: float) -> None:
    random = np.random.default_rng(7)
    draws = random.multinomial(n, [p, q, 1 - p - q], size=4000)
    held = 0
    for wins, losses, _ in draws:
        t = paired_counts(int(wins), int(losses), n).statistic(p - q)
        held += abs(t) <= 1.959964
    # Where hardly anything differs the interval is cautious, never the other way.
    assert 0.94 <= held / len(draws) <= (0.965 if n * (p + q) > 5 else 1.0)


def test_graded_intervals_hold_the_truth_as_often_as_they_say() -> None:
    random = np.random.default_rng(8)
    for n in (8, 40):
        held = 0
        for _ in range(1500):
            base = random.beta(2, 2, n)
            a = np.clip(base + random.normal(0, 0.1, n), 0, 1)
            b = np.clip(base + random.normal(0, 0.1, n), 0, 1)
            low, high = paired_difference(a, b).interval()
            held += low <= 0 <= high
        assert held / 1500 >= 0.935


@pytest.mark.parametrize("binary", [True, False])
def test_clustered_intervals_hold_the_truth_where_independent_ones_do_not(binary: bool) -> None:
    random = np.random.default_rng(9)
    clusters = [f"c{i // 8}" for i in range(160)]
    held = naive = 0
    for _ in range(1000):
        lean = np.repeat(random.normal(0, 1.2, 20), 8)  # how a whole cluster takes to B
        noise = random.normal(0, 1, 160)
        if binary:
            a = (random.normal(0, 1, 160) > 0).astype(float)
            b = np.where(np.abs(lean + noise) > 1.3, (lean + noise > 0), a).astype(float)
            a = np.where(np.abs(lean + noise) > 1.3, 1 - b, a)
        else:
            a, b = np.full(160, 0.5), np.clip(0.5 + 0.1 * (lean + noise), 0, 1)
        low, high = paired_difference(a, b, clusters).interval()
        held += low <= 0 <= high
        low, high = paired_difference(a, b).interval()
        naive += low <= 0 <= high
    assert held / 1000 >= 0.935
    assert naive / 1000 < 0.85


@pytest.mark.parametrize("noise", [0.0, 1e-6, 0.003, 0.02])
def test_a_little_noise_makes_clustered_scores_no_surer_than_none(noise: float) -> None:
    """What was not seen would come in whole clusters: 300 cases in 10 say no more than 10."""
    rng = np.random.default_rng(5)
    clusters = [f"c{n // 30}" for n in range(300)]
    before = np.full(300, 0.5)
    now = before + noise * rng.choice([-1.0, 1.0], 300)
    still = paired_difference(list(before), list(before * 1.0), clusters)
    found = paired_difference(list(before), list(now), clusters)
    z = one_sided_z(0.05)
    assert still.upper(z) > 0.2
    assert found.upper(z) - found.lower(z) >= 0.95 * (still.upper(z) - still.lower(z))
    assert paired_difference(list(before), list(now)).upper(z) < 0.03  # apart they would be 300
