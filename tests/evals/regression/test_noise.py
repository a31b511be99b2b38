from __future__ import annotations

import random

import pytest

from evals.errors import StatisticsError
from evals.regression.noise import halves, noise_floor
from evals.suite import load_suite
from tests.evals.regression.tables import table
from tests.sample_suite import write_suite


def noisy_runs(n: int, noise: float, runs: int, mean: float = 0.7) -> list[dict]:
    rng = random.Random(3)
    right = [rng.random() < mean for _ in range(n)]
    return [table([float(one != (rng.random() < noise)) for one in right]) for _ in range(runs)]


def test_a_candidate_that_always_says_the_same_passes_always() -> None:
    found = noise_floor("s", "accuracy", [table([1.0] * 60 + [0.0] * 60)] * 2, 0.05)
    assert (found.fails, found.inconclusive, found.passes) == (0, 0, 400)
    assert (found.discordance, found.unstable) == (0.0, ())


def test_too_few_cases_are_always_inconclusive() -> None:
    found = noise_floor("s", "accuracy", [table([1.0] * 40)] * 2, 0.05)
    assert found.inconclusive == 400


@pytest.mark.parametrize("runs", [2, 5])
def test_the_noise_is_what_two_runs_differ_by_however_many_there_are(runs: int) -> None:
    found = noise_floor("s", "accuracy", noisy_runs(3000, 0.1, runs), 0.05, comparisons=10)
    assert found.discordance == pytest.approx(2 * 0.1 * 0.9, abs=0.02)


@pytest.mark.parametrize(("n", "noise"), [(100, 0.05), (250, 0.1), (250, 0.3)])
def test_noise_makes_the_gate_fail_at_most_as_alpha_says(n: int, noise: float) -> None:
    found = noise_floor("s", "accuracy", noisy_runs(n, noise, 3), 0.05)
    assert found.fails <= 0.05 * 400
    assert found.fails + found.inconclusive + found.passes == found.comparisons
    assert len(found.unstable) > 0


def test_a_case_is_never_compared_with_the_very_same_answer() -> None:
    """Two opposite runs differ on every case of every comparison: sums of 60 fair signs.

    They pass a margin of 0.2 in 4 of 10; were half of the cases compared with themselves, in 8.
    """
    found = noise_floor("s", "accuracy", [table([1.0] * 60), table([0.0] * 60)], 0.2)
    assert found.passes / found.comparisons == pytest.approx(0.42, abs=0.08)


def test_the_same_seed_gives_the_same_floor() -> None:
    runs = noisy_runs(100, 0.2, 3)
    once, again = (noise_floor("s", "accuracy", runs, 0.05, seed=5) for _ in range(2))
    assert once == again
    assert once != noise_floor("s", "accuracy", runs, 0.05, seed=6)


def test_clusters_are_drawn_whole() -> None:
    names = [f"k{n // 4}" for n in range(100)]
    runs = [table([1.0] * 100, clusters=names)] * 2
    found = noise_floor("s", "accuracy", runs, 0.05, comparisons=20)
    assert found.inconclusive == 20  # 25 clusters say no more than 25 cases


def test_errors_are_no_score_of_either_side() -> None:
    runs = [table([None] * 10 + [1.0] * 90)] * 2
    assert noise_floor("s", "accuracy", runs, 0.05, comparisons=50).inconclusive >= 45


def test_one_run_is_not_compared_with_itself() -> None:
    with pytest.raises(StatisticsError, match="at least two"):
        noise_floor("s", "accuracy", [table([1.0])], 0.05)


def test_halves_hold_every_case_once_in_an_order_of_their_own(tmp_path) -> None:
    cases = load_suite(write_suite(tmp_path / "s")).split("dev")
    one, other = halves(cases, 0), halves(cases, 1)
    assert sorted(c.id for half in one for c in half) == [c.id for c in cases]
    assert [c.id for c in one[0]] != [c.id for c in other[0]]
    assert one == halves(cases, 0)
