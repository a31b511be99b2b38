"""`run`, `tune` and `adapters` on an adapter that failed a proof."""

from __future__ import annotations

from pathlib import Path

import pytest

import tuning.job
import tuning.trainer
from tests.tunegate.command_line import CommandLine
from tests.tuning.forgetting.scene import Scene, extra, write_scene
from tests.tuning.shipping.test_unproven import RUNS_ON, failing


@pytest.fixture
def ready(monkeypatch: pytest.MonkeyPatch, tunegate: CommandLine) -> CommandLine:
    scene = Scene(Path())
    monkeypatch.setattr(tuning.trainer, "tune_suite", failing(scene, RUNS_ON))
    monkeypatch.setattr(tuning.job, "make_with", scene.make_with)
    write_scene(Path(), extra=extra("seed: 0"))
    return tunegate


@pytest.mark.parametrize("command", ["run", "tune"])
def test_it_ends_as_a_rejection_does(command: str, ready: CommandLine) -> None:
    ready("run", "tickets", "--model", "scripted:model.json", "--no-tune", "-o", "r.html")
    told = ready(command, "tickets", "--model", "scripted:model.json")
    assert told.code == 1
    assert "verdict: reject_adapter" in told.out
    assert "it failed 1 of 2 proofs (trains the stop token)" in told.out
    after = told.out.split("after training")[1].split("verdict:")[0]
    assert "guard kept: fail" in after
    assert "sealed split" not in after


def test_the_registry_has_its_verdict_and_no_gain(ready: CommandLine) -> None:
    ready("run", "tickets", "--model", "scripted:model.json", "-o", "r.html")
    (listed,) = ready("adapters", "--json").document
    assert (listed["verdict"], listed["gain"]) == ("reject_adapter", None)
    shown = ready("adapters", "show", listed["adapter"])
    assert "Reject the adapter: it failed 1 of 2 proofs" in " ".join(shown.out.split())
