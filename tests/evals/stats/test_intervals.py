"""Intervals of one candidate's mean score."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from evals.errors import StatisticsError
from evals.stats import exact_bounds, one_sided_z, require_share, score_interval, two_sided_z
from evals.stats.bounded import score_lower, score_upper
from evals.stats.sample import design_effect, independence


@pytest.mark.parametrize(("right", "n"), [(0, 5), (5, 5), (1, 1), (18, 100), (230, 250), (7, 9)])
@pytest.mark.parametrize("level", [0.8, 0.95, 0.999])
def test_binary_scores_get_wilsons_interval(right: int, n: int, level: float) -> None:
    found = score_interval([1] * right + [0] * (n - right), level=level)
    expected = proportion_confint(right, n, alpha=1 - level, method="wilson")
    assert found[1:3] == pytest.approx(expected, abs=1e-12)
    assert found.estimate == right / n
    assert found.method == "Wilson"


def test_graded_scores_get_the_graded_form_of_wilsons_interval_with_t() -> None:
    values = np.random.default_rng(1).random(40)
    found = score_interval(values)
    z, mean, variance = stats.t.ppf(0.975, 39), values.mean(), values.var()
    for bound, end in ((found.low, 0.0), (found.high, 1.0)):
        moved = abs(end - bound) * (variance / abs(end - mean) + abs(bound - mean))
        assert abs(bound - mean) == pytest.approx(z * np.sqrt(moved / 40))
    assert found.method == "graded score"


@pytest.mark.parametrize(("right", "n"), [(0, 40), (3, 40), (37, 40), (40, 40), (500, 2000)])
@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_exact_bounds_are_clopper_and_pearsons_or_wilsons_where_those_are_wider(
    right: int, n: int, alpha: float
) -> None:
    scores = [1.0] * right + [0.0] * (n - right)
    exact = proportion_confint(right, n, 2 * alpha, method="beta")
    wilson = proportion_confint(right, n, 2 * alpha, method="wilson")
    low, high = exact_bounds(scores, None, alpha)
    expected_low, expected_high = min(exact[0], wilson[0]), max(exact[1], wilson[1])
    if right == 0:  # one side only has alpha: statsmodels' two-sided interval ends at alpha too
        expected_low = 0.0
    if right == n:
        expected_high = 1.0
    assert (low, high) == pytest.approx((expected_low, expected_high), abs=1e-9)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.floats(0.01, 0.9999))
def test_every_interval_has_width_lies_in_range_and_holds_its_estimate(
    values: list[float], level: float
) -> None:
    found = score_interval(values, level=level)
    assert 0 <= found.low <= found.estimate + 1e-12
    assert found.estimate - 1e-12 <= found.high <= 1
    assert found.high > found.low


@pytest.mark.parametrize("score", [0.0, 0.3, 1.0])
def test_constant_scores_keep_a_width_also_within_clusters(score: float) -> None:
    clusters = [f"c{i // 4}" for i in range(48)]
    alone, grouped = score_interval([score] * 48), score_interval([score] * 48, clusters)
    assert alone.high - alone.low > 0.01
    assert grouped.high - grouped.low > alone.high - alone.low


def test_the_design_effect_turns_the_plain_standard_error_into_the_clustered_one() -> None:
    import statsmodels.api as sm

    random = np.random.default_rng(2)
    codes = np.repeat(np.arange(15), random.integers(3, 30, 15))
    lean = 0.2 * random.normal(0, 1, 15)[codes]
    values = np.clip(0.5 + lean + 0.05 * random.normal(size=codes.size), 0, 1)
    # statsmodels multiplies by C/(C-1) and (n-1)/(n-k); with one coefficient the latter is 1.
    fit = sm.OLS(values, np.ones(values.size)).fit(cov_type="cluster", cov_kwds={"groups": codes})
    names = [f"c{c}" for c in codes]
    plain = values.var(ddof=1) / values.size
    assert design_effect(list(values), names) * plain == pytest.approx(float(fit.bse[0]) ** 2)
    found = independence(values, names)
    assert found.deff >= design_effect(list(values), names)
    assert (found.df, found.clusters) == (14, 15)


def test_graded_clusters_count_as_the_effective_number_of_cases_with_t_of_c_minus_one() -> None:
    random = np.random.default_rng(3)
    values = np.repeat(random.random(20), 6)
    found = score_interval(values, [f"c{i // 6}" for i in range(120)])
    n = 120 / independence(values, [f"c{i // 6}" for i in range(120)]).deff
    critical, mean, variance = stats.t.ppf(0.975, 19), values.mean(), values.var()
    expected = (
        score_lower(mean, variance, n, critical, 0.0),
        score_upper(mean, variance, n, critical, 1.0),
    )
    assert found[1:3] == pytest.approx(expected)
    assert found.method == "graded score, 20 clusters"


def test_fewer_than_ten_clusters_are_refused() -> None:
    values = [1.0, 0.0] * 18
    with pytest.raises(StatisticsError, match="only 9 clusters"):
        score_interval(values, [f"c{i % 9}" for i in range(36)])
    score_interval(values, [f"c{i // 3 if i < 30 else i}" for i in range(36)])


@pytest.mark.parametrize("values", [[], [float("nan")], [1.5], [-1e-9], ["1"], [None], 0.5])
def test_invalid_scores_are_refused(values) -> None:
    with pytest.raises(StatisticsError):
        score_interval(values)


@pytest.mark.parametrize("level", [0, 1, -1, float("nan"), 95])
def test_levels_outside_zero_to_one_are_refused(level: float) -> None:
    with pytest.raises(StatisticsError, match="level"):
        score_interval([1.0], level=level)


def test_quantiles_are_the_usual_ones() -> None:
    assert one_sided_z(0.05) == pytest.approx(1.6449, abs=1e-4)
    assert two_sided_z(0.95) == pytest.approx(1.9600, abs=1e-4)
    assert one_sided_z(0.05 / 3) == pytest.approx(2.128, abs=1e-3)
    assert one_sided_z(0.05 / 6) == pytest.approx(2.394, abs=1e-3)
    with pytest.raises(StatisticsError, match="alpha"):
        one_sided_z(0)


@pytest.mark.parametrize("value", [0, 1, 1.0, True, -0.1, float("nan"), float("inf"), "0.1"])
def test_a_share_is_strictly_between_zero_and_one(value) -> None:
    with pytest.raises(StatisticsError, match="min_gain"):
        require_share(value, "min_gain")


@pytest.mark.parametrize(("n", "p"), [(20, 0.1), (50, 0.5), (200, 0.93)])
def test_wilson_intervals_hold_the_truth_as_often_as_they_say(n: int, p: float) -> None:
    held = 0.0  # exact: every outcome with its probability
    for right in range(n + 1):
        found = score_interval([1.0] * right + [0.0] * (n - right))
        if found.low <= p <= found.high:
            held += stats.binom.pmf(right, n, p)
    assert 0.93 <= held <= 0.98


@pytest.mark.parametrize("n", [6, 30, 120])
def test_graded_intervals_hold_the_truth_also_where_scores_crowd_at_one_end(n: int) -> None:
    random = np.random.default_rng(6)
    for a, b in ((2, 2), (8, 1)):
        held = 0
        for _ in range(1500):
            found = score_interval(random.beta(a, b, n))
            held += found.low <= a / (a + b) <= found.high
        assert held / 1500 >= 0.935


@pytest.mark.parametrize("binary", [True, False])
def test_clustered_intervals_hold_the_truth(binary: bool) -> None:
    random = np.random.default_rng(11)
    clusters = [f"c{i // 10}" for i in range(200)]
    held = naive = 0
    for _ in range(1000):
        level = np.repeat(random.beta(2, 2, 20), 10)
        if binary:
            values = (random.random(200) < level).astype(float)
        else:
            values = np.clip(level + random.uniform(-0.05, 0.05, 200), 0, 1)
        found = score_interval(values, clusters)
        held += found.low <= 0.5 <= found.high
        found = score_interval(values)
        naive += found.low <= 0.5 <= found.high
    assert held / 1000 >= 0.93
    assert naive / 1000 < 0.85


def test_importing_the_statistics_loads_no_numpy_and_no_scipy() -> None:
    code = (
        "import sys, evals.stats, evals.comparison, tuning.gate.deciding, tuning.shipping.judging; "
        "print([m for m in ('numpy', 'scipy', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
