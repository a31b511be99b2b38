"""What clusters do to the number of independent cases: figures, and coverage of known truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from evals.stats import paired_difference, score_interval
from evals.stats.sample import Clustering, _spread, design_effect, independence


def names_of(codes) -> list[str]:
    return [f"c{code}" for code in codes]


def test_the_correlation_within_clusters_is_that_of_an_analysis_of_variance() -> None:
    random = np.random.default_rng(4)
    codes = np.repeat(np.arange(12), 7)
    values = np.clip(0.5 + 0.1 * random.normal(size=12)[codes] + 0.1 * random.normal(size=84), 0, 1)
    ratio = stats.f_oneway(*(values[codes == code] for code in range(12))).statistic
    assert _spread(values, codes).correlation == pytest.approx((ratio - 1) / (ratio + 6))


def test_cases_all_alike_count_each_cluster_once() -> None:
    sizes = [40, 20, 10, *[5] * 10]
    names = names_of(np.repeat(np.arange(13), sizes))
    found = independence(np.full(120, 0.7), names)
    assert found.deff == pytest.approx(sum(size**2 for size in sizes) / 120)
    assert design_effect([0.7] * 120, names) == pytest.approx(found.deff)


@pytest.mark.parametrize("right", [1, 2, 6, 30])
def test_what_was_seen_apart_bounds_only_in_part_what_comes_in_whole_clusters(right: int) -> None:
    """Single wrong cases in clusters of 5: alone they would say that cases are independent."""
    values = np.ones(100)
    values[: 5 * min(right, 20) : 5] = 0.0
    found = independence(values, names_of(np.arange(100) // 5))
    assert design_effect(list(values), names_of(np.arange(100) // 5)) == pytest.approx(1, abs=0.1)
    assert 1 < found.deff < 5


def test_the_part_of_what_was_not_seen_fades_with_more_clusters() -> None:
    effects = []
    for count in (10, 40, 160, 640):
        values = np.tile([1.0, 0.0, 1.0, 0.0, 1.0], count)
        effects.append(independence(values, names_of(np.arange(5 * count) // 5)).deff)
    assert effects == sorted(effects, reverse=True)
    assert effects[-1] < 1.02


def test_the_design_effect_is_never_below_what_was_seen() -> None:
    random = np.random.default_rng(7)
    for _ in range(50):
        sizes = random.integers(1, 12, 25)
        codes = np.repeat(np.arange(25), sizes)
        values = (random.random(25)[codes] < random.random(codes.size)).astype(float)
        names = names_of(codes)
        assert independence(values, names).deff >= design_effect(list(values), names)


@pytest.mark.parametrize(
    ("rate", "sizes"),
    [
        (0.05, [max(1, round(170 / rank)) for rank in range(1, 201)]),
        (0.9, [5] * 20),
    ],
    ids=["few clusters hold most cases", "rare failures of whole clusters"],
)
def test_intervals_hold_the_truth_where_the_clustered_error_alone_does_not(rate, sizes) -> None:
    """With it alone 70 and 90 of 100: a few large clusters, or none that failed, say too little."""
    random = np.random.default_rng(11)
    codes = np.repeat(np.arange(len(sizes)), sizes)
    names = Clustering.of(names_of(codes))
    held = paired = 0
    for _ in range(300):
        common = (random.random(len(sizes)) < rate)[codes]
        own = random.random(codes.size) < rate
        scores = np.where(random.random(codes.size) < np.sqrt(0.5), common, own).astype(float)
        low, high = score_interval(list(scores), names)[1:3]
        held += low <= rate <= high
        low, high = paired_difference([0.0] * codes.size, list(scores), names).interval()
        paired += low <= rate <= high
    assert held / 300 >= 0.92
    assert paired / 300 >= 0.92
