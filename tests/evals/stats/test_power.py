"""Numbers of cases: DESIGN's planning figures, and that they hold by simulation."""

from __future__ import annotations

import numpy as np
import pytest

from evals.errors import StatisticsError
from evals.stats import (
    cases_for_gain,
    cases_for_noninferiority,
    cases_for_plateau,
    cases_to_ship,
    noninferiority_power,
    one_sided_z,
    paired_counts,
    paired_difference,
    smallest_detectable_gain,
    smallest_flat_cases,
    smallest_plateau_gain,
)


def rate(n: int, p: float, q: float, claim) -> float:
    draws = np.random.default_rng(4).multinomial(n, [p, q, 1 - p - q], size=2000)
    return float(np.mean([claim(paired_counts(int(b), int(c), n)) for b, c, _ in draws]))


@pytest.mark.parametrize(("gain", "cases"), [(0.05, 900), (0.10, 250), (0.15, 123)])
def test_a_plateau_needs_the_planned_number_of_cases(gain: float, cases: int) -> None:
    assert cases_for_plateau(gain) == cases
    assert smallest_plateau_gain(cases) == pytest.approx(gain, abs=0.001)


@pytest.mark.parametrize("gain", [0.05, 0.10, 0.15])
def test_planned_cases_show_an_equal_candidate_flat_at_least_8_times_in_10(gain: float) -> None:
    z = one_sided_z(0.05 / 3)
    assert rate(cases_for_plateau(gain), 0.1, 0.1, lambda p: p.below(gain, z)) >= 0.8


@pytest.mark.parametrize(("margin", "psi"), [(0.10, 0.2), (0.05, 0.2), (0.05, 0.1), (0.1, 0.25)])
def test_a_guard_of_the_planned_size_passes_8_times_in_10(margin: float, psi: float) -> None:
    n = cases_for_noninferiority(margin, psi)
    z = one_sided_z(0.05)
    assert rate(n, psi / 2, psi / 2, lambda p: p.above(-margin, z)) == pytest.approx(0.8, abs=0.04)
    assert noninferiority_power(n, margin, psi) == pytest.approx(0.8, abs=0.01)


def test_guard_sizes_are_near_the_rule_of_thumb() -> None:
    # 150 cases for a margin of 0.10 fit a discordance of 0.24; 400 for 0.05 one of 0.15.
    assert cases_for_noninferiority(0.10, 0.24) == pytest.approx(150, abs=8)
    assert cases_for_noninferiority(0.05, 0.15) == pytest.approx(400, abs=15)


@pytest.mark.parametrize(("gain", "psi"), [(0.10, 0.2), (0.05, 0.15), (0.3, 0.45)])
def test_a_gain_is_found_8_times_in_10_with_the_planned_cases(gain: float, psi: float) -> None:
    n = cases_for_gain(gain, psi)
    psi = max(psi, gain)
    found = rate(n, (psi + gain) / 2, (psi - gain) / 2, lambda p: p.above(0.0, one_sided_z(0.05)))
    assert found == pytest.approx(0.8, abs=0.06)


def test_the_smallest_detectable_gain_inverts_the_number_of_cases() -> None:
    for n in (50, 250, 2000):
        gain = smallest_detectable_gain(n)
        assert cases_for_gain(gain + 1e-6) <= n
        assert cases_for_gain(gain * 0.97) > n
    assert smallest_detectable_gain(1) == 1.0


def test_later_looks_cost_more_cases() -> None:
    sizes = [cases_to_ship(0.1, look=look) for look in (1, 2, 3)]
    assert sizes == sorted(sizes)
    assert sizes[0] == cases_for_gain(0.1, alpha=0.025)


@pytest.mark.parametrize("delta", [0.05, 0.1, 0.3, 0.9])
@pytest.mark.parametrize("z", [1.645, 2.128, 2.6])
def test_the_smallest_flat_split_is_the_first_on_which_ties_alone_are_flat(
    delta: float, z: float
) -> None:
    n = smallest_flat_cases(delta, z)
    assert paired_counts(0, 0, n).below(delta, z)
    assert n == 1 or not paired_counts(0, 0, n - 1).below(delta, z)
    n = smallest_flat_cases(delta, z, graded=True)
    assert paired_difference([0.5] * n, [0.5] * n).below(delta, z)
    assert n == 1 or not paired_difference([0.5] * (n - 1), [0.5] * (n - 1)).below(delta, z)


def test_the_smallest_flat_split_of_the_boundary_table_has_87_cases() -> None:
    assert smallest_flat_cases(0.05, one_sided_z(0.05 / 3)) == 87


@pytest.mark.parametrize(
    "call",
    [
        lambda: cases_for_plateau(0),
        lambda: cases_for_plateau(0.1, -0.1),
        lambda: cases_for_plateau(0.1, float("nan")),
        lambda: cases_for_noninferiority(1.0),
        lambda: cases_for_gain(0.1, alpha=0),
        lambda: cases_to_ship(0.1, look=0),
        lambda: smallest_plateau_gain(0),
        lambda: noninferiority_power(0, 0.1),
    ],
)
def test_senseless_questions_are_refused(call) -> None:
    with pytest.raises(StatisticsError):
        call()


@pytest.mark.parametrize("gain", [1e-320, 1e-160, 1e-12, 1e-5])
def test_a_gain_that_is_next_to_nothing_takes_more_cases_than_anyone_has(gain: float) -> None:
    found = (
        cases_for_plateau(gain),
        cases_for_gain(gain),
        cases_for_noninferiority(gain),
        smallest_flat_cases(gain, 2.0),
        smallest_flat_cases(gain, 2.0, graded=True),
    )
    assert all(cases > 100_000 for cases in found)


@pytest.mark.parametrize("gain", [0.5, 0.1, 0.03, 0.01])
def test_the_smallest_flat_number_of_graded_cases_is_the_first_that_is_flat(gain: float) -> None:
    n = smallest_flat_cases(gain, 2.0, graded=True)

    def flat(cases: int) -> bool:
        same = np.full(cases, 0.3)
        return bool(paired_difference(same, same).below(gain, 2.0))

    assert flat(n)
    assert n == 1 or not flat(n - 1)
