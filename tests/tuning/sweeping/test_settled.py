from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from evals.suite.spec import SweepSpec, TuneSpec
from tests.reports.test_swept import SWEEP
from tests.tunegate.scenes import pretended_training
from tests.tuning.sweeping.scene import sweeping_suite
from tuning.forgetting.remedies import steps_of
from tuning.sweeping.space import settled

TUNE = TuneSpec(epochs=4.0, sweep=SweepSpec())


def test_what_was_found_is_trained_with_and_else_what_the_suite_says() -> None:
    found = settled(TUNE, SWEEP)
    assert (found.learning_rate, found.rank, found.epochs) == (1e-3, 8, 2.0)
    assert found.sweep is None
    kept = settled(TUNE, replace(SWEEP, changed=False))
    assert kept == settled(TUNE, None) == replace(TUNE, sweep=None)
    without_rank = replace(SWEEP, found={"learning_rate": 1e-3, "epochs": 2.0})
    assert settled(TUNE, without_rank).rank is None


def test_a_remedy_changes_one_setting_of_what_a_search_found(tmp_path: Path) -> None:
    suite = sweeping_suite(tmp_path / "s")
    made = pretended_training("a")(suite, "m", tmp_path)
    settings = {"rank": 8, "learning_rate": 1e-3, "epochs": 2.0}
    training = replace(made, settings=settings, sweep=SWEEP)
    tune = replace(TUNE, remedies=("rate", "epochs", "replay"))
    steps = [step.tune for step in steps_of(tune, training)]
    told = [(one.learning_rate, one.rank, one.epochs) for one in steps if one is not None]
    assert told == [(3.33e-4, 8, 2.0), (1e-4, 8, 2.0), (1e-3, 8, 1.0), (1e-3, 8, 2.0)]
