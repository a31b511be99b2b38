"""Cohen's kappa against two independent implementations, and how often its bound misses."""

from __future__ import annotations

import random

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import cohens_kappa

from evals.errors import StatisticsError
from evals.stats import cohen_kappa, confusion
from evals.stats.kappa import KappaWeights, plain_standard_error

WEIGHTS: tuple[KappaWeights, ...] = ("none", "linear", "quadratic")


def raters(seed: int, n: int, categories: int, agreeing: float) -> tuple[list[int], list[int]]:
    draw = random.Random(seed)
    first = [draw.randrange(categories) for _ in range(n)]
    second = [x if draw.random() < agreeing else draw.randrange(categories) for x in first]
    return first, second


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize(("categories", "agreeing"), [(2, 0.5), (3, 0.8), (5, 0.2)])
def test_estimate_and_error_are_those_of_other_implementations(
    weights: KappaWeights, categories: int, agreeing: float
) -> None:
    first, second = raters(categories, 90, categories, agreeing)
    named = None if weights == "none" else weights
    other = cohens_kappa(np.array(confusion(first, second, categories)), wt=named)
    ours = cohen_kappa(first, second, categories, weights=weights)
    assert ours.estimate == pytest.approx(other.kappa)
    assert ours.estimate == pytest.approx(cohen_kappa_score(first, second, weights=named))
    error = plain_standard_error(first, second, categories, weights)
    assert error == pytest.approx(other.std_kappa)


def test_the_bounds_are_near_the_textbook_ones_where_there_are_many_items() -> None:
    first, second = raters(1, 2000, 3, 0.7)
    other = cohens_kappa(np.array(confusion(first, second, 3)))
    ours = cohen_kappa(first, second, 3)
    assert ours.low == pytest.approx(other.kappa_low, abs=0.004)
    assert ours.high == pytest.approx(other.kappa_upp, abs=0.004)
    assert ours.low < ours.least < ours.estimate < ours.high


def test_full_agreement_on_few_items_is_not_certainty() -> None:
    ours = cohen_kappa([0, 1] * 15, [0, 1] * 15, 2)
    assert ours.estimate == 1.0
    assert ours.agreement == 1.0
    assert ours.least < 0.85


@pytest.mark.parametrize(
    ("truth", "table", "n"),
    [
        (0.6, [[0.40, 0.10], [0.10, 0.40]], 30),
        (0.6, [[0.864, 0.036], [0.036, 0.064]], 60),
        (0.8, [[0.45, 0.05], [0.05, 0.45]], 30),
        (0.8, [[0.882, 0.018], [0.018, 0.082]], 60),
    ],
)
def test_the_bound_passes_the_truth_in_at_most_one_sample_of_twenty(
    truth: float, table: list[list[float]], n: int
) -> None:
    draw, samples, missed = np.random.default_rng(7), 400, 0
    for cells in draw.multinomial(n, np.ravel(table), size=samples):
        rows = np.repeat([0, 0, 1, 1], cells).tolist()
        columns = np.repeat([0, 1, 0, 1], cells).tolist()
        if len(set(rows)) == 2:
            missed += cohen_kappa(rows, columns, 2).least >= truth
    # 0.05, and three standard errors of a simulation of that size.
    assert missed / samples <= 0.05 + 3 * (0.05 * 0.95 / samples) ** 0.5


def test_a_missing_rating_is_a_disagreement_and_is_not_dropped() -> None:
    first = [0, 1] * 20
    whole = cohen_kappa(first, first, 2)
    some = cohen_kappa(first, [None if n < 8 else x for n, x in enumerate(first)], 2)
    assert some.agreement == 0.8
    assert some.estimate < 0.75 < whole.estimate
    assert some.least < whole.least


def test_weights_forgive_near_misses() -> None:
    first = [0, 1, 2, 3] * 15
    near = [min(3, x + (n % 3 == 0)) for n, x in enumerate(first)]
    kappas = [cohen_kappa(first, near, 4, weights=weights).estimate for weights in WEIGHTS]
    assert kappas == sorted(kappas)
    assert kappas[0] < kappas[2]


def test_items_of_a_cluster_count_for_less() -> None:
    draw = random.Random(5)
    first, second, clusters = [], [], []
    for cluster in range(20):
        agrees = draw.random() < 0.8
        for _ in range(6):
            label = draw.randrange(2)
            first.append(label)
            second.append(label if agrees else 1 - label)
            clusters.append(f"c{cluster}")
    alone = cohen_kappa(first, second, 2)
    together = cohen_kappa(first, second, 2, clusters=clusters)
    assert together.estimate == alone.estimate
    assert together.clusters == 20
    assert together.error > 1.7 * alone.error
    assert together.least < alone.least


def test_clusters_of_one_item_change_nothing() -> None:
    first, second = raters(2, 60, 3, 0.7)
    assert cohen_kappa(first, second, 3) == cohen_kappa(
        first, second, 3, clusters=[f"c{n}" for n in range(60)]
    )


@pytest.mark.parametrize(
    ("first", "clusters", "said"),
    [
        ([0, 1] * 14, None, "28 labels are too few"),
        ([1] * 40, None, "all labels are the same"),
        ([0, 1] * 20, [f"c{n % 9}" for n in range(40)], "only 9 clusters"),
    ],
)
def test_what_kappa_cannot_tell_is_refused(
    first: list[int], clusters: list[str | None] | None, said: str
) -> None:
    with pytest.raises(StatisticsError, match=said):
        cohen_kappa(first, first, 2, clusters=clusters)


def test_how_many_items_would_show_it_is_about_right() -> None:
    first, second = raters(4, 100, 2, 0.8)
    found = cohen_kappa(first, second, 2)
    demanded = found.estimate - 0.05
    needed = found.items_needed(demanded)
    assert needed is not None
    times = -(-needed // 100)
    assert cohen_kappa(first * times, second * times, 2).least >= demanded
    assert cohen_kappa(first, second, 2).least < demanded
    assert found.items_needed(found.estimate) is None
