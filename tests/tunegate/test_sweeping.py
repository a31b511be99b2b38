from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evals.errors import SuiteError, UsageError
from evals.fingerprint import fingerprint
from evals.suite.policy import read_tune
from evals.suite.section import Section
from evals.suite.spec import SweepSpec, TuneSpec
from evals.suite.tune_methods import with_stated
from tests.sample_suite import ROUNDS, write_suite
from tunegate.cli.console import Terminal
from tunegate.cli.deciding import _open_stated
from tunegate.cli.parser import build_parser
from tunegate.cli.sweeping import show_sweep, swept_as_stated
from tuning.sweeping.records import SweepRecord, Trial


def read(values: dict[str, Any]) -> TuneSpec:
    return read_tune(Section(Path("suite.yaml"), values, 7), {})


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        (True, SweepSpec()),
        (False, None),
        (None, None),
        ({}, SweepSpec()),
        (
            {"learning_rate": [5e-4, 0.002], "rank": 8, "epochs": [1, 2.5], "budget": 900},
            SweepSpec((5e-4, 0.002), (8,), (1.0, 2.5), 900),
        ),
    ],
)
def test_a_search_is_read_as_it_is_stated(stated: Any, expected: SweepSpec | None) -> None:
    assert read({"sweep": stated}).sweep == expected


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ("yes", r"tune|sweep.*expected true, or a mapping"),
        ({"rates": [1e-3]}, "unknown key 'rates'"),
        ({"learning_rate": []}, "expected a list of numbers"),
        ({"learning_rate": [1e-3, 2]}, "below 1"),
        ({"learning_rate": [1e-3, "fast"]}, "learning_rate"),
        ({"learning_rate": [1e-3, 1e-3]}, "appears twice"),
        ({"rank": [0]}, "from 1 to 1024"),
        ({"epochs": [0]}, "above 0"),
        ({"budget": 0}, "budget"),
        ({"rank": list(range(1, 40))}, "at most 32"),
    ],
)
def test_a_search_that_makes_no_sense_is_refused_with_its_place(stated: Any, said: str) -> None:
    with pytest.raises(SuiteError, match=said) as caught:
        read({"sweep": stated})
    assert caught.value.key is not None
    assert caught.value.key.startswith("sweep")


def test_methods_without_such_settings_refuse_a_search() -> None:
    with pytest.raises(SuiteError, match="settings of grpo are not searched for"):
        read({"sweep": True, "method": "grpo"})
    with pytest.raises(SuiteError, match="full has no rank where it changes full"):
        read({"sweep": {"rank": [8, 16]}, "method": "full"})
    assert read({"sweep": True, "method": "full"}).sweep == SweepSpec()


def test_until_and_keep_must_agree_and_fit_the_method() -> None:
    assert (read({"until": 0.9}).until, read({"keep": "score"}).keep) == (0.9, "score")
    with pytest.raises(SuiteError, match="keeps the step whose score is good enough"):
        read({"until": 0.9, "keep": "loss"})
    with pytest.raises(SuiteError, match="no held-out loss to keep a step by"):
        read({"keep": "loss", "method": "rloo"})
    for score in ({"until": 0.9}, {"keep": "score"}):
        with pytest.raises(SuiteError, match="keeps the step with the best learnt reward"):
            read({**score, "method": "rlhf"})
    for method in ("grpo", "rloo", "rlhf"):
        with pytest.raises(SuiteError, match=f"{method} takes steps and not epochs"):
            read({"epochs": 2, "method": method})
    for wrong in ({"until": 0}, {"until": 1.1}, {"keep": "best"}):
        with pytest.raises(SuiteError):
            read(wrong)


def test_what_is_not_stated_changes_no_identity() -> None:
    assert fingerprint(read({"keep": None, "sweep": False})) == fingerprint(TuneSpec())


def test_every_trial_is_shown_and_what_was_found(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")  # no cell is wrapped
    first = Trial(1e-3, 8, 2.0, 1, 100, 200, 9.0, 0.4, 0.3, 0.5, 1.25, went_on=True)
    trials = (
        first,
        replace(first, rank=16, failed="the loss became nan", went_on=False),
        replace(first, rung=2, examples=300, went_on=False),
        replace(first, learning_rate=2e-3, rung=2, default=True, went_on=False),
    )
    found = {"learning_rate": 1e-3, "rank": 8.0, "epochs": 2.0}
    sweep = SweepRecord(
        *(found, {**found, "learning_rate": 2e-3}, found),
        changed=True,
        by="score",
        sentence="Trained with learning_rate 0.001.",
        **dict.fromkeys(
            ("budget", "planned", "seen", "seed", "tried", "possible", "learnt", "judged"), 9
        ),
        groups=9,
        seconds=1.0,
        trials=trials,
    )
    show_sweep(sweep, Terminal(as_json=False))
    said = capsys.readouterr().out
    rows = [line for line in said.splitlines() if "rate 0.00" in line][:4]
    assert ["goes on" in line for line in rows] == [True, False, False, False]
    assert ["taken" in line for line in rows] == [False, False, True, False]
    assert "the loss became nan" in said
    assert "Trained with learning_rate 0.001." in said


def asked(*words: str, tune: TuneSpec) -> TuneSpec:
    options: Namespace = build_parser().parse_args(["tune", "suite", *words])
    return with_stated(tune, method=options.method, sweep=swept_as_stated(tune, options))


def test_the_command_line_stands_in_the_suites_place() -> None:
    own = TuneSpec(sweep=SweepSpec(rank=(4, 8), budget=900))
    plain = TuneSpec()
    assert asked("--sweep", tune=plain).sweep == SweepSpec()
    assert asked("--sweep", tune=own).sweep == own.sweep
    assert asked("--sweep-budget", "50", tune=own).sweep == SweepSpec(rank=(4, 8), budget=50)
    assert asked(tune=own).sweep == own.sweep
    assert asked("--method", "full", tune=own).sweep is None
    assert asked("--method", "full", "--sweep", tune=own).sweep == SweepSpec()
    for words in (("--sweep-budget", "50"), ("--no-sweep", "--sweep-budget", "50")):
        with pytest.raises(UsageError, match="no search to give a budget to"):
            asked(*words, tune=plain)
    with pytest.raises(UsageError, match="not searched for"):
        asked("--method", "dpo", "--sweep", tune=plain)


def test_a_search_that_is_left_out_need_not_fit_what_is_trained(tmp_path: Path) -> None:
    suite = write_suite(tmp_path / "s", extra=ROUNDS + "tune: {sweep: {rank: [4, 8]}}\n")
    words = ["tune", str(suite), "--weights", "ia3"]
    with pytest.raises(UsageError, match="no rank where it changes ia3"):
        _open_stated(build_parser().parse_args(words))
    left_out = _open_stated(build_parser().parse_args([*words, "--no-sweep"]))
    assert (left_out.suite.tune.weights, left_out.suite.tune.sweep) == ("ia3", None)
