"""What trainings at random gain: against an analysis of variance by somebody else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from evals.errors import StatisticsError
from evals.stats import (
    bounded_repeats,
    one_sided_z,
    paired_difference,
    repeated_difference,
    two_sided_z,
)
from evals.stats.sample import Clustering

Z = one_sided_z(0.025)

tables = st.tuples(st.integers(2, 6), st.integers(12, 60), st.integers(0, 2**31)).map(
    lambda drawn: _scores(*drawn)
)


def _scores(trainings: int, cases: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Right-or-wrong scores whose difficulty cases share; trainings differ by up to 0.2."""
    rng = np.random.default_rng(seed)
    hard = rng.random(cases) * 0.6
    rates = 0.3 + 0.2 * rng.random(trainings)
    leader = (rng.random(cases) < hard).astype(float)
    return leader, (rng.random((trainings, cases)) < hard + rates[:, None] * 0.5).astype(float)


def mean_squares(leader: np.ndarray, trainings: np.ndarray) -> tuple[float, float, float]:
    """Of trainings, cases and the rest, by statsmodels."""
    count, n = trainings.shape
    rows = pd.DataFrame(
        {
            "d": (trainings - leader).ravel(),
            "training": np.repeat(np.arange(count), n),
            "case": np.tile(np.arange(n), count),
        }
    )
    found = anova_lm(ols("d ~ C(training) + C(case)", rows).fit())
    return tuple((found.sum_sq / found.df).to_list())  # type: ignore[return-value]


@pytest.mark.parametrize(("trainings", "cases", "seed"), [(3, 40, 1), (5, 25, 2), (2, 60, 3)])
def test_the_variance_is_hendersons_from_the_mean_squares_of_a_two_way_analysis(
    trainings: int, cases: int, seed: int
) -> None:
    leader, scores = _scores(trainings, cases, seed)
    found = repeated_difference(leader, scores)
    of_trainings, of_cases, rest = mean_squares(leader, scores)
    assert found.between == pytest.approx(of_trainings / cases)
    assert found.rest == pytest.approx(rest / cases)
    own = max(0.0, of_trainings - rest) / cases
    assert found.spread_of_trainings == pytest.approx(own**0.5)
    # The case part divides by n, as the paired difference does, not by n - 1.
    case_part = of_cases * (cases - 1) / cases - rest
    part = of_trainings / trainings / cases, max(0.0, case_part) / trainings / cases
    quantiles = stats.t.ppf(0.975, trainings - 1), stats.t.ppf(0.975, cases - 1)
    wide = (part[0] * quantiles[0] + part[1] * quantiles[1]) / sum(part) ** 0.5
    assert found.half_width(Z) == pytest.approx(wide, rel=1e-6)


@given(table=tables, shift=st.floats(-0.5, 0.5))
@settings(max_examples=60, deadline=None)
def test_bounds_are_never_inside_those_of_these_trainings_alone(
    table: tuple[np.ndarray, np.ndarray], shift: float
) -> None:
    found = repeated_difference(*table)
    assert found.lower(Z) <= found.cases.lower(Z) <= found.estimate
    assert found.upper(Z) >= found.cases.upper(Z) >= found.estimate
    if found.above(shift, Z):
        assert found.cases.above(shift, Z)
        assert found.lower(Z) >= shift - 1e-9
    if found.below(shift, Z):
        assert found.cases.below(shift, Z)
        assert found.upper(Z) <= shift + 1e-9


@given(table=tables, seed=st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_neither_the_order_of_trainings_nor_that_of_cases_matters(
    table: tuple[np.ndarray, np.ndarray], seed: int
) -> None:
    leader, scores = table
    rng = np.random.default_rng(seed)
    cases, order = rng.permutation(leader.size), rng.permutation(len(scores))
    one, other = (
        repeated_difference(leader, scores),
        repeated_difference(leader[cases], scores[order][:, cases]),
    )
    assert other.lower(Z) == pytest.approx(one.lower(Z))
    assert other.upper(Z) == pytest.approx(one.upper(Z))
    assert [other.gains[i] for i in np.argsort(order)] == pytest.approx(one.gains)


@given(table=tables)
@settings(max_examples=30, deadline=None)
def test_one_training_that_does_worse_never_raises_the_lower_bound(
    table: tuple[np.ndarray, np.ndarray],
) -> None:
    leader, scores = table
    found = repeated_difference(leader, scores)
    worst = int(np.argmin(found.gains))
    ruined = scores.copy()
    ruined[worst] = 0.0
    assert repeated_difference(leader, ruined).lower(Z) <= found.lower(Z) + 1e-9


def test_equal_trainings_say_no_more_than_one_of_them() -> None:
    leader, scores = _scores(2, 80, 5)
    alone = paired_difference(leader, scores[0])
    same = repeated_difference(leader, np.stack([scores[0]] * 4))
    assert same.spread == 0
    assert same.estimate == pytest.approx(alone.estimate)
    assert same.lower(Z) <= alone.lower(Z)
    assert same.upper(Z) >= alone.upper(Z)


def test_trainings_that_all_gain_everything_keep_a_width() -> None:
    found = repeated_difference(np.zeros(30), np.ones((3, 30)))
    assert found.lower(Z) < found.estimate == 1.0
    assert not found.above(0.95, Z)
    assert found.above(0.5, Z)


def test_few_trainings_that_differ_much_settle_nothing() -> None:
    leader, n = np.zeros(200), 200
    scores = np.zeros((3, n))
    scores[0, :80] = scores[1, :80] = 1.0
    found = repeated_difference(leader, scores)
    assert found.cases.above(0.0, Z)
    assert not found.above(0.0, Z)
    assert found.lower(Z) < 0 < found.upper(Z)
    assert found.spread_of_trainings == pytest.approx(found.spread, rel=0.05)


def test_clusters_widen_what_the_cases_leave() -> None:
    leader, scores = _scores(3, 60, 8)
    doubled = np.repeat(leader, 4), np.repeat(scores, 4, axis=1)
    names = [f"c{i // 4}" for i in range(240)]
    free, tied = repeated_difference(*doubled), repeated_difference(*doubled, names)
    assert tied.lower(Z) < free.lower(Z)
    assert tied.upper(Z) > free.upper(Z)


def test_a_missing_score_counts_against_every_claim() -> None:
    leader, scores = _scores(3, 100, 4)
    leader[:30] = 0.0
    scores[:, :30] = 1.0
    gaps = scores.copy()
    gaps[1, :4] = np.nan
    whole, found = bounded_repeats(leader, scores), bounded_repeats(leader, gaps)
    assert found.lower(Z) < whole.lower(Z)
    assert found.scored.n == 96
    assert found.against.estimate < found.favouring.estimate == whole.estimate
    clustered = bounded_repeats(leader, gaps, Clustering.of([f"c{i // 2}" for i in range(100)]))
    assert clustered.scored.cases.clusters == 48


def test_one_training_or_no_common_case_is_refused() -> None:
    leader, scores = _scores(2, 20, 1)
    with pytest.raises(StatisticsError, match="two trainings"):
        repeated_difference(leader, scores[:1])
    scores[0, :10] = np.nan
    scores[1, 10:] = np.nan
    with pytest.raises(StatisticsError, match="no case is scored by every training"):
        bounded_repeats(leader, scores)


def test_the_interval_holds_the_truth_where_trainings_differ() -> None:
    rng, z, held, claimed = np.random.default_rng(3), two_sided_z(0.95), 0, 0
    for _ in range(400):
        hard = rng.random(154) * 0.6
        leader = (rng.random(154) < hard + 0.1).astype(float)
        rates = 0.1 + rng.normal(0.0, 0.05, 3)
        scores = (rng.random((3, 154)) < hard + rates[:, None]).astype(float)
        found = repeated_difference(leader, scores)
        held += not (found.above(0.0, z) or found.below(0.0, z))
        claimed += found.above(0.0, z)
    assert held / 400 >= 0.94
    assert claimed / 400 <= 0.04
