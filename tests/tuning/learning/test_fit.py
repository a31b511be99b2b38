"""The fitted curve: what it claims, when it claims nothing, and how often it is right."""

from __future__ import annotations

import numpy as np
import pytest

from evals.errors import StatisticsError
from tests.tuning.learning.curves import RISING, SIZES, fitted, steady, world
from tuning.learning.families import fit_log_linear, fit_power_law
from tuning.learning.fit import band_sizes, fit_scores, training_noise
from tuning.learning.projecting import times

AT = np.array(SIZES, float)


def test_a_power_law_is_found_again() -> None:
    scores = (0.8 - 3.0 * AT**-0.5)[None, :]
    found = fit_power_law(AT, scores)
    assert found.s_max[0] == pytest.approx(0.8, abs=0.01)
    assert found.at(AT)[0] == pytest.approx(scores[0], abs=2e-3)


def test_a_line_in_log_n_is_found_again() -> None:
    found = fit_log_linear(AT, (0.1 + 0.05 * np.log(AT))[None, :])
    assert (found.start[0], found.slope[0]) == pytest.approx((0.1, 0.05))


def test_no_fit_leaves_the_range_of_scores() -> None:
    rng = np.random.default_rng(0)
    scores = rng.uniform(-0.2, 1.2, size=(200, 4))
    far = np.geomspace(1, 1e6, 30)
    for fit in (fit_power_law(AT, scores), fit_log_linear(AT, scores)):
        at = fit.at(far)
        assert np.isfinite(at).all()
        assert (at >= 0).all()
        assert (at <= 1).all()
    assert (fit_power_law(AT, scores).b >= 0).all()


def test_a_power_law_that_would_exceed_one_is_held_at_one() -> None:
    found = fit_power_law(AT, np.array([[0.2, 0.5, 0.8, 0.999]]))
    assert found.s_max[0] <= 1
    assert found.at(np.array([1e9]))[0, 0] <= 1


@pytest.mark.parametrize("sizes", [[100], [100, 200], [100, 100, 200, 200]])
def test_fewer_than_three_sizes_claim_nothing(sizes: list[int]) -> None:
    fit = fitted(sizes, steady([0.1 * n for n in range(1, len(sizes) + 1)]))
    assert (fit.shape, fit.band) == ("too_few_sizes", ())
    assert "is not claimed" in fit.sentence


def test_a_flat_curve_claims_nothing() -> None:
    fit = fitted(SIZES, steady([0.4, 0.4, 0.4, 0.4]))
    assert (fit.shape, fit.band) == ("flat", ())
    assert "No rise with more examples is shown" in fit.sentence


@pytest.mark.parametrize("means", [[0.6, 0.5, 0.4, 0.3], [0.1, 0.4, 0.7, 0.3]])
def test_a_curve_that_falls_at_the_end_claims_nothing(means: list[float]) -> None:
    fit = fitted(SIZES, steady(means))
    assert (fit.shape, fit.band) == ("falls", ())


def test_all_answers_wrong_at_every_size_claims_nothing() -> None:
    assert fitted(SIZES, steady([0, 0, 0, 0])).shape == "flat"


def test_too_few_clusters_claim_nothing() -> None:
    scores = steady([0.1, 0.3, 0.5, 0.7], cases=90)
    names = [f"c{n}" for n in range(90)]
    clusters = {name: f"k{n % 9}" for n, name in enumerate(names)}
    assert fit_scores(SIZES, scores.tolist(), names, clusters).shape == "too_few_cases"


def test_no_shared_case_claims_nothing() -> None:
    assert fit_scores(SIZES, [[], [], [], []], []).shape == "too_few_cases"


def test_clusters_widen_the_interval() -> None:
    sizes, scores = world(RISING["straight in log n"], np.random.default_rng(1), cases=120)
    doubled = np.repeat(scores, 4, axis=1)
    names = [f"c{n}" for n in range(480)]
    clusters = {name: f"k{n // 4}" for n, name in enumerate(names)}
    whole = times(fit_scores(sizes, doubled.tolist(), names, clusters), 2)
    alone = times(fit_scores(sizes, doubled.tolist(), names), 2)
    assert whole.high - whole.low > 1.1 * (alone.high - alone.low)


def test_the_order_of_trainings_and_cases_does_not_matter_much_and_the_same_gives_the_same() -> (
    None
):
    sizes, scores = world(RISING["power law"], np.random.default_rng(2), noise=0.0)
    fit = fitted(sizes, scores)
    assert fitted(sizes, scores) == fit
    turned = fitted(sizes[::-1], scores[::-1])
    assert times(turned, 2).estimate == pytest.approx(times(fit, 2).estimate)
    assert times(turned, 2).low == pytest.approx(times(fit, 2).low, abs=0.02)


def test_every_interval_holds_its_estimate_and_the_gain_begins_at_nothing() -> None:
    fit = fitted(SIZES, steady([0.1, 0.3, 0.45, 0.55]))
    for at in fit.band:
        assert 0 <= at.low <= at.estimate <= at.high <= 1
        assert at.gain_low <= at.gain <= at.gain_high
        assert min(at.power_law, at.log_linear) <= at.estimate <= max(at.power_law, at.log_linear)
    here = times(fit, 1)
    assert (here.gain, here.gain_low, here.gain_high) == (0, 0, 0)
    assert fit.band[-1].examples == 4 * SIZES[-1]


def test_trainings_that_scatter_widen_the_interval_and_several_seeds_narrow_it() -> None:
    calm = fitted(SIZES, steady([0.1, 0.25, 0.4, 0.55]))
    wild = fitted(SIZES, steady([0.1, 0.4, 0.25, 0.55]))
    assert wild.noise > 2 * calm.noise
    often = fitted(SIZES * 4, np.tile(steady([0.1, 0.25, 0.4, 0.55]), (4, 1)))
    assert often.noise < calm.noise
    assert "trained once" in calm.sentence
    assert "trained once" not in often.sentence


def test_noise_is_never_nothing() -> None:
    from tuning.learning.fit import Sample

    scores = steady([0.1, 0.25, 0.4, 0.55])
    assert training_noise(Sample(AT, scores, np.arange(scores.shape[1]))) > 0.01


def test_the_band_is_told_at_all_twice_and_four_times() -> None:
    sizes = band_sizes(187, 1500)
    assert {187, 1500, 3000, 6000} <= set(sizes)
    assert sizes == sorted(set(sizes))


@pytest.mark.parametrize("sizes", [[0, 1, 2], [1, 2]])
def test_sizes_that_are_none_are_refused(sizes: list[int]) -> None:
    with pytest.raises(StatisticsError):
        fit_scores(sizes, [[1.0], [1.0], [1.0]], ["a"])


@pytest.mark.parametrize("seeds", [1, 3])
@pytest.mark.parametrize("name", RISING)
def test_the_projection_at_twice_the_examples_holds_the_truth(name: str, seeds: int) -> None:
    truth, rng = RISING[name], np.random.default_rng(7)
    held = gained = claimed = 0
    for _ in range(20):
        fit = fitted(*world(truth, rng, seeds=seeds), resamples=150)
        if not fit.band:
            continue
        at, claimed = times(fit, 2), claimed + 1
        held += at.low <= truth(3000) <= at.high
        gained += at.gain_low - 1e-9 <= truth(3000) - truth(1500) <= at.gain_high + 1e-9
    assert claimed >= 10
    assert held >= 0.9 * claimed
    assert gained >= 0.9 * claimed


def test_a_flat_truth_is_seldom_called_rising() -> None:
    rng = np.random.default_rng(11)
    shapes = [fitted(*world(lambda _: 0.4, rng), resamples=150).shape for _ in range(60)]
    assert shapes.count("rises") <= 3


@pytest.mark.parametrize("wrong", [[float("nan")] * 20, [1.5] * 20, [-0.1] * 20, [1.0] * 19])
def test_scores_that_are_none_and_ragged_rows_are_refused(wrong: list[float]) -> None:
    rows = [[0.0] * 20, [0.5] * 20, wrong]
    with pytest.raises(StatisticsError, match="score"):
        fit_scores([10, 20, 40], rows, [f"c{n}" for n in range(20)])
