"""`curve` on the command line, and what `run`, `gate` and the report then say."""

from __future__ import annotations

from pathlib import Path

import pytest

import tuning.trainer
from tests.sample_suite import TOPICS
from tests.tunegate.command_line import CommandLine
from tests.tunegate.scenes import KNOWN, guarded_suite, write_model
from tests.tuning.learning.test_measuring import KNOWS, model_rules, trained
from tuning.training.base import check_trainable

MODEL = ("--model", "scripted:model.json")
SHARES = ("--shares", "1/4,1/2,1")


@pytest.fixture
def ready(monkeypatch: pytest.MonkeyPatch, tunegate: CommandLine) -> CommandLine:
    monkeypatch.setattr(tuning.trainer, "tune_suite", trained)
    monkeypatch.setattr("tunegate.cli.learning.check_trainable", lambda _name: None)
    adapters = [f"a{share}s{seed}" for share in KNOWS for seed in (0, 1)]
    rest = [
        {"contains": f"{TOPICS[n]}", "reply": "hm", "adapter": a} for n in TOPICS for a in adapters
    ]
    write_model(Path("model.json"), [*model_rules(), *rest, *KNOWN], adapters=adapters)
    guarded_suite(Path())
    return tunegate


def test_the_curve_is_shown_with_what_more_would_buy(ready: CommandLine) -> None:
    told = ready("curve", "tickets", *MODEL, *SHARES)
    assert told.code == 0
    assert "learning curve of terse (dev)" in told.out
    assert "more examples (60 in all) would buy" in told.out
    assert "3 trainings and 4 runs over 60 dev cases" in told.err


def test_json_is_the_stored_record(ready: CommandLine) -> None:
    document = ready("curve", "tickets", *MODEL, *SHARES, "--json").document
    assert [point["examples"] for point in document["points"]] == [6, 14, 30]
    assert document["fit"]["shape"] == "rises"
    assert document["fit"]["band"][-1]["examples"] == 120


def test_run_gate_and_report_tell_the_stored_curve(ready: CommandLine) -> None:
    ready("curve", "tickets", *MODEL, *SHARES)
    told = ready("run", "tickets", *MODEL, "--no-tune", "-o", "r.html")
    assert "learning curve (dev): The score rises" in told.out
    page = Path("r.html").read_text(encoding="utf-8")
    assert '<h3 id="learning-title">Learning curve</h3>' in page
    gate = ready("gate", "tickets", *MODEL, "--json").document
    rows = [r["evidence"] for r in gate["rules"] if r["verdict"] == "collect_examples"]
    assert "The learning curve:" in rows[0]
    ready("report", "tickets", *MODEL, "--format", "markdown", "-o", "r.md")
    assert ">Learning curve<" in Path("r.md").read_text(encoding="utf-8")


def test_without_a_curve_nothing_is_said_of_one(ready: CommandLine) -> None:
    told = ready("run", "tickets", *MODEL, "--no-tune", "-o", "r.html")
    assert "learning curve" not in told.out
    assert "learning-title" not in Path("r.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "wrong", [("--shares", "2"), ("--shares", "x"), ("--seeds", "0"), ("--seeds", "21")]
)
def test_wrong_arguments_are_refused_before_anything_runs(
    wrong: tuple[str, str], ready: CommandLine
) -> None:
    told = ready("curve", "tickets", *MODEL, *wrong)
    assert told.code == 2
    assert not Path(".tunegate").exists()


def test_a_model_that_answers_by_rule_is_refused_before_anything_is_run(
    ready: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tunegate.cli.learning.check_trainable", check_trainable)
    told = ready("curve", "tickets", *MODEL)
    assert told.code == 2
    assert "cannot be trained" in told.err
    assert "..." not in told.err.replace("hf:...", "")
    assert not Path(".tunegate").exists()


def test_a_model_without_weights_at_hand_is_refused(
    ready: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    told = ready("curve", "tickets", "--model", "openai:x")
    assert told.code != 0
    assert "error:" in told.err
