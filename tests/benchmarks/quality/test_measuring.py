"""The frame of the decision-quality benchmark: cells, their store, and the page."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from benchmarks.quality import coverage
from benchmarks.quality.cells import Cell, Listed, Planned
from benchmarks.quality.page import missed, render
from benchmarks.quality.paired import exact_rate
from benchmarks.quality.scores import GRADED, Clustered, skewed_sizes
from benchmarks.quality.store import Store, fingerprint, key_of, seed_of


def coin(rate: float, generator: np.random.Generator, trials: int) -> float:
    return float(generator.binomial(trials, rate))


def planned(rate: float, **promise) -> Planned:
    return Planned("coin", {"rate": rate}, partial(coin, rate), trials=1000, **promise)


@pytest.mark.parametrize(("rate", "trials"), [(0.5, 1000), (0.92, 5000), (0.99, 1000)])
def test_a_rate_near_its_bound_gets_up_to_five_times_the_trials(rate: float, trials: int) -> None:
    cell = planned(rate, least=0.92).measure(seed_of("coin", {"rate": rate}))
    assert cell.trials == trials
    assert cell.rate == pytest.approx(rate, abs=5 * cell.error + 1e-9)


def test_without_a_promise_no_trials_are_added() -> None:
    assert planned(0.5).measure(np.random.default_rng(1)).trials == 1000


def test_a_promise_may_allow_for_the_error_of_the_simulation_but_not_of_an_exact_rate() -> None:
    strict = Cell("x", {}, 0.051, 10_000, most=0.05)
    assert not strict.met
    assert Cell("x", {}, 0.051, 10_000, most=0.05, errors_allowed=3).met
    assert not Cell("x", {}, 0.058, 10_000, most=0.05, errors_allowed=3).met
    assert not Cell("x", {}, 0.051, 0, most=0.05, errors_allowed=3).met
    assert Cell("x", {}, 0.05, 0, most=0.05).met


def test_the_same_cell_draws_the_same_whatever_else_runs() -> None:
    first = seed_of("x", {"n": 30, "rate": 0.5}).random(3)
    seed_of("x", {"n": 31, "rate": 0.5}).random(10)
    assert list(seed_of("x", {"rate": 0.5, "n": 30}).random(3)) == list(first)
    assert list(seed_of("y", {"n": 30, "rate": 0.5}).random(3)) != list(first)


def test_measured_cells_are_found_again_until_plan_or_code_change(tmp_path) -> None:
    store, cell = Store(tmp_path), Cell("coin", {"rate": 0.5}, 0.5, 1000, least=0.4, note="why")
    key = key_of(planned(0.5), "coin", False, "code 1")
    assert store.read(key) is None
    store.write(key, [cell])
    assert store.read(key) == [cell]
    others = [
        key_of(planned(0.5), "coin", False, "code 2"),
        key_of(planned(0.5), "coin", True, "code 1"),
        key_of(planned(0.4), "coin", False, "code 1"),
        key_of(planned(0.5, least=0.4), "coin", False, "code 1"),
        key_of(None, "coin", False, "code 1"),
    ]
    assert len({key, *others}) == 6
    (tmp_path / f"{key}.json").write_text('[{"experiment"')
    assert store.read(key) is None


def test_the_fingerprint_covers_the_statistics_that_an_experiment_asks(monkeypatch) -> None:
    from pathlib import Path

    before = fingerprint(coverage.interval_binary)
    read = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: read(path) + path.name.encode())
    assert fingerprint(coverage.interval_binary) != before
    monkeypatch.setattr(
        Path, "read_bytes", lambda path: read(path) + b"x" * (path.name == "tango.py")
    )
    assert fingerprint(coverage.interval_binary) != before
    monkeypatch.setattr(
        Path, "read_bytes", lambda path: read(path) + b"x" * (path.name == "app.py")
    )
    assert fingerprint(coverage.interval_binary) == before


def experiment(_quick: bool) -> list[Cell]:
    """Coins are thrown."""
    return []


def test_the_page_names_what_is_missed_and_where() -> None:
    cells = [
        Cell("coin", {"side": "heads", "n": 30}, 0.91, 400, least=0.92, note="the coin is bent"),
        Cell("coin", {"side": "heads", "n": 100}, 0.96, 400, least=0.92),
        Cell("coin", {"side": "tails", "n": 30}, 0.935, 400, least=0.92, note="a little bent"),
    ]
    listed = {"coin": Listed(experiment, least_mean=0.945, list_below=0.94, columns="n")}
    page = render(listed, {"coin": cells}, quick=False)
    assert "| each ≥ 0.92 | side heads, n 30 | 0.9100 ± 0.0143 | **missed** in 1 of 3 |" in page
    assert "| mean ≥ 0.945 | all 3 cells | 0.9350 ± 0.0071 | **missed** |" in page
    assert "| heads | **0.910** | 0.960 |" in page
    assert "| side heads, n 30 | 0.9100 ± 0.0143 | **missed** | the coin is bent |" in page
    assert "| side tails, n 30 | 0.9350 ± 0.0123 | met | a little bent |" in page
    assert "Coins are thrown." in page
    assert [line.split(":")[0] for line in missed(listed, {"coin": cells})] == ["coin", "coin"]
    assert missed({"coin": Listed(experiment)}, {"coin": cells[1:]}) == []


def test_made_up_scores_have_the_mean_and_the_correlation_they_state() -> None:
    generator = np.random.default_rng(5)
    for draw in GRADED:
        scores = draw.make(generator, 200_000)
        assert scores.min() >= 0
        assert scores.max() <= 1
        assert scores.mean() == pytest.approx(draw.mean, abs=5 * scores.std() / 200_000**0.5)
    pairs = Clustered([2] * 100_000, 0.3).make(GRADED[0].make, generator).reshape(-1, 2)
    assert np.corrcoef(pairs.T)[0, 1] == pytest.approx(0.3, abs=0.015)
    assert skewed_sizes(200)[0] == 170


def test_all_counts_of_wins_and_losses_are_summed() -> None:
    assert exact_rate(40, 0.2, 0.1, lambda _pair: True) == pytest.approx(1, abs=1e-6)
    mean = sum(w * exact_rate(12, 0.5, 0.2, lambda p, w=w: p.wins == w) for w in range(13))
    assert mean == pytest.approx(12 * 0.35, abs=1e-4)
