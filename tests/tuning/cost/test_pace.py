"""Dev and sealed seconds of one candidate: when they disagree, what is said and reckoned with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import tuning.trainer
from tests.reports.partial_jobs import small_job
from tests.reports.test_payback import payback
from tests.tunegate.scenes import pretended_training
from tests.tuning.cost.scene import BY_HOURS, BY_TOKENS, Ticking, job, operation, write_scene
from tuning.cost.pace import Timed, Timing, disagreement_said, timing_of
from tuning.cost.payback import at_pace
from tuning.records import Decision
from tuning.stored import decide_stored


@pytest.mark.parametrize(
    ("dev", "sealed", "times", "slower"),
    [
        ((1.0, 100.0), (1.5, 100.0), 1.5, ""),
        ((1.0, 100.0), (1.51, 100.0), 1.51, "sealed"),
        ((1.51, 100.0), (1.0, 100.0), 1.51, "dev"),
        ((1.0, 100.0), (2.0, 200.0), 1.0, ""),  # twice the tokens, twice the time
        ((1.0, 100.0), (1.0, 50.0), 2.0, "sealed"),
    ],
)
def test_seconds_for_each_token_tell_which_run_was_disturbed(
    dev: tuple[float, float], sealed: tuple[float, float], times: float, slower: str
) -> None:
    timed = Timed("spec", Timing(*dev), Timing(*sealed))
    assert timed.times == pytest.approx(times)
    assert timed.disagrees is bool(slower)
    said = disagreement_said(timed)
    assert bool(said) is bool(slower)
    if slower:
        assert f"on the {slower} ones {times:.1f} times as long for each token" in said
        assert "quiet machine" in said


@pytest.mark.parametrize("known", ["dev", "sealed", ""])
def test_one_timing_alone_disagrees_with_nothing_and_keeps_its_seconds(known: str) -> None:
    one = Timing(3.0, 10.0)
    timed = Timed("spec", one if known == "dev" else None, one if known == "sealed" else None)
    assert (timed.disagrees, timed.share, disagreement_said(timed)) == (False, 1.0, "")


def test_sealed_seconds_shrink_to_the_faster_run_and_never_grow() -> None:
    assert Timed("a", Timing(1.0, 100.0), Timing(6.0, 100.0)).share == pytest.approx(1 / 6)
    assert Timed("a", Timing(6.0, 100.0), Timing(1.0, 100.0)).share == 1.0


def test_a_break_even_at_another_pace_is_reckoned_anew() -> None:
    stored = payback(retrain=None)  # 2 before and 1 after for 1,000 calls; 100,000 a month; 300
    assert stored.months == pytest.approx(3.0)
    quiet = at_pace(stored, 0.75, 0.5, ("how",))
    assert (quiet.before, quiet.after, quiet.after_worst) == pytest.approx((1.5, 0.5, 0.55))
    assert quiet.months == pytest.approx(3.0)  # 1 saved, as before
    assert at_pace(stored, 0.5, 1.0, ()).months is None
    assert at_pace(stored, 1.0, 0.5, ()).months == pytest.approx(2.0)
    assert at_pace(stored, 1.0, 0.5, ()).volume == pytest.approx(300 / 1.5 * 1000 / 12)


@pytest.mark.parametrize("slower", [1.0, 5.0])
def test_the_gate_tells_of_dev_seconds_that_the_sealed_run_contradicts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slower: float
) -> None:
    clock, train = Stretching(), pretended_training("tuned")

    def then_busy(*arguments: object, **options: object) -> object:
        clock.step = slower
        return train(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(tuning.trainer, "tune_suite", then_busy)
    write_scene(tmp_path, operation())
    work = job(tmp_path, BY_HOURS, clock)
    first = work.run(override="timings are what is looked at").decision
    by_hours, by_tokens = (
        decide_stored(work.suite, work.ledger, "scripted:m", prices=prices)
        for prices in (BY_HOURS, BY_TOKENS)
    )
    assert first is not None
    assert "quiet machine" not in cost_said(first)  # no sealed run was there yet
    assert ("quiet machine" in cost_said(by_hours)) is (slower > 1.5)
    assert "quiet machine" not in cost_said(by_tokens)
    assert by_hours.verdict == first.verdict


class Stretching(Ticking):
    """A clock on which every look takes `step` seconds."""

    step: float = 1.0

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def cost_said(decision: Decision) -> str:
    """What stands beside the question whether tuning pays."""
    return decision.rules[1].evidence


@pytest.mark.parametrize("seconds", [5e-324, 1e-12])
def test_a_time_that_no_machine_takes_is_no_timing(seconds: float) -> None:
    run = small_job().runs["testafter"]
    assert timing_of(replace(run, seconds=3.0)) is not None
    assert timing_of(replace(run, seconds=seconds)) is None
