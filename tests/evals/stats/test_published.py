"""Figures that others have printed, each with its source, and those of statsmodels beside them.

Only what could be read in print, or in the output that an author ships with a package, is here.
Tango's own tables (1998) and the sample sizes of Liu et al. (2002) were not to hand; what is
computed after them is held against `tests.independent` (`tests/tuning/test_boundary_cases.py`).
"""

from __future__ import annotations

import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint

from evals.stats import (
    cases_for_gain,
    exact_bounds,
    mcnemar_mid_p,
    one_sided_z,
    paired_counts,
    score_interval,
)
from evals.stats.quantiles import critical_value


def shares(right: int, n: int) -> list[float]:
    return [1.0] * right + [0.0] * (n - right)


# Newcombe 1998, Statistics in Medicine 17:857-872, table I: (right, n), method 3 (Wilson's score),
# method 5 (Clopper and Pearson's).
NEWCOMBE = [
    (81, 263, (0.2553, 0.3662), (0.2527, 0.3676)),
    (15, 148, (0.0624, 0.1605), (0.0578, 0.1617)),
    (0, 20, (0.0000, 0.1611), (0.0000, 0.1684)),
    (1, 29, (0.0061, 0.1718), (0.0009, 0.1776)),
]


@pytest.mark.parametrize(("right", "n", "wilson", "exact"), NEWCOMBE)
def test_shares_have_the_intervals_of_newcombes_table_1(
    right: int, n: int, wilson: tuple[float, float], exact: tuple[float, float]
) -> None:
    assert score_interval(shares(right, n))[1:3] == pytest.approx(wilson, abs=5e-5)
    assert exact_bounds(shares(right, n), None, 0.025) == pytest.approx(exact, abs=5e-5)


@pytest.mark.parametrize(
    ("right", "n", "printed", "digits"),
    [
        # Ligarden 2010 in Fagerland, Lydersen and Laake 2017, Statistical Analysis of Contingency
        # Tables, and the ends, as printed by their package `contingencytables`.
        (13, 16, (0.5435, 0.9595), 5e-5),
        (10, 10, (0.6915, 1.0), 5e-5),
        (0, 10, (0.0, 0.3085), 5e-5),
        # No vegetarian among 25: Agresti 2002, Categorical Data Analysis, section 1.4.
        (0, 25, (0.0, 0.137), 5e-4),
    ],
)
def test_exact_bounds_are_those_in_print_and_of_statsmodels(
    right: int, n: int, printed: tuple[float, float], digits: float
) -> None:
    found = exact_bounds(shares(right, n), None, 0.025)
    assert found == pytest.approx(printed, abs=digits)
    assert found == pytest.approx(proportion_confint(right, n, method="beta"), abs=1e-9)


def test_odds_of_a_win_have_the_exact_interval_in_print() -> None:
    # Ezra et al. 2010, 25 against 2, in Fagerland, Lydersen and Laake 2017 (chapter 8).
    low, high = exact_bounds(shares(25, 27), None, 0.025)
    assert low / (1 - low) == pytest.approx(3.1169, abs=5e-5)
    assert high / (1 - high) == pytest.approx(108.8892, abs=2e-3)


@pytest.mark.parametrize(
    ("wins", "losses", "n", "level", "printed", "digits"),
    [
        # Bentur et al. 2009, airways of 21 children, in Fagerland, Lydersen and Laake 2014,
        # Statistics in Medicine 33:2850-2875.
        (1, 7, 21, 0.95, (-0.517, -0.026), 5e-4),
        # Cavo et al. 2012, in Fagerland, Lydersen and Laake 2017 (`contingencytables`).
        (6, 16, 161, 0.95, (-0.1240, -0.0054), 5e-5),
        # `scoreci.mp(25, 28, 618, 0.90)` of the R package PropCIs, which is of (28 - 25) / 618.
        (28, 25, 618, 0.90, (-0.0148, 0.0247), 5e-5),
    ],
)
def test_tangos_intervals_are_those_in_print(
    wins: int, losses: int, n: int, level: float, printed: tuple[float, float], digits: float
) -> None:
    assert paired_counts(wins, losses, n).interval(level) == pytest.approx(printed, abs=digits)


@pytest.mark.parametrize(
    ("wins", "losses", "exact", "mid_p", "digits"),
    [
        # Fagerland, Lydersen and Laake 2013, BMC Medical Research Methodology 13:91.
        (1, 7, 0.070, 0.039, 5e-4),
        # The same authors 2017, of Cavo et al. 2012.
        (6, 16, 0.052479, 0.034690, 5e-7),
    ],
)
def test_mcnemars_mid_p_is_the_one_in_print_and_the_exact_p_less_one_point(
    wins: int, losses: int, exact: float, mid_p: float, digits: float
) -> None:
    by_others = mcnemar([[0, wins], [losses, 0]], exact=True).pvalue
    assert by_others == pytest.approx(exact, abs=digits)
    assert mcnemar_mid_p(wins, losses) == pytest.approx(mid_p, abs=digits)
    point = stats.binom.pmf(wins, wins + losses, 0.5)
    assert mcnemar_mid_p(wins, losses) == pytest.approx(by_others - point, abs=1e-12)


@pytest.mark.parametrize(
    ("wins", "losses", "n", "squared", "digits"),
    [
        # Approval of a prime minister, twice: Agresti 2002, Categorical Data Analysis, table 10.1.
        (86, 150, 1600, 17.36, 5e-3),
        # Cavo et al. 2012: Z = -2.132 in Fagerland, Lydersen and Laake 2017.
        (6, 16, 161, 2.132**2, 3e-3),
        # Bentur et al. 2009: 4.285714 by the R package ratesci, which multiplies by (n - 1) / n.
        (1, 7, 21, 4.285714 * 21 / 20, 1e-6),
    ],
)
def test_the_score_at_zero_is_mcnemars_statistic_in_print(
    wins: int, losses: int, n: int, squared: float, digits: float
) -> None:
    found = paired_counts(wins, losses, n).statistic(0.0) ** 2
    assert found == pytest.approx(squared, abs=digits)
    table = [[n - wins - losses, wins], [losses, 0]]
    by_others = mcnemar(table, exact=False, correction=False).statistic
    assert found == pytest.approx(by_others, rel=1e-12)


@pytest.mark.parametrize(
    ("alpha", "power"),
    [(0.05, 0.90), (0.025, 0.80)],  # one-sided; a two-sided test at 0.05 is one at 0.025
)
def test_connors_sample_size_is_the_one_in_print(alpha: float, power: float) -> None:
    # Connor 1987, Biometrics 43:207-211, for shares of 0.45 and 0.05: 23 pairs by the calculators
    # of powerandsamplesize.com.
    assert cases_for_gain(0.40, 0.50, alpha, power) == 23


@pytest.mark.parametrize(
    ("tail", "df", "printed"),
    [
        # The usual table of t (Fisher and Yates); the last line is the normal.
        (0.025, 1, 12.706),
        (0.025, 9, 2.262),
        (0.025, 19, 2.093),
        (0.025, 29, 2.045),
        (0.025, 120, 1.980),
        (0.05, 9, 1.833),
        (0.05, 19, 1.729),
        (0.005, 9, 3.250),
        (0.025, None, 1.960),
        (0.05, None, 1.645),
        (0.01, None, 2.326),
        (0.005, None, 2.576),
    ],
)
def test_critical_values_are_those_of_the_tables(
    tail: float, df: int | None, printed: float
) -> None:
    found = critical_value(one_sided_z(tail), df)
    assert found == pytest.approx(printed, abs=5e-4)
    by_others = stats.norm.isf(tail) if df is None else stats.t.isf(tail, df)
    assert found == pytest.approx(by_others, rel=1e-9)
