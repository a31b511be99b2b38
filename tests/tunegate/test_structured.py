"""A suite where only the form is wrong: a constraint closes the gap, and nothing is trained."""

from __future__ import annotations

from pathlib import Path

from tests.sample_suite import HELD_ROUNDS, TOPICS
from tests.tunegate.command_line import CommandLine
from tests.tunegate.scenes import TUNE, guarded_suite, write_model

TARGET = "target: 0.9\n"
STRUCTURED = "  - {family: structured, prompts: [terse, spec]}\n"
TALKS = [
    *({"structured": True, "contains": t, "reply": n} for n, t in TOPICS.items()),
    *({"contains": t, "reply": f"This is for {n}, as it seems."} for n, t in TOPICS.items()),
]
"""A model that knows every answer and never gives it bare, however it is asked."""


def a_suite(folder: Path, more: str = "") -> None:
    guards = "guards: {kept: {max_loss: 0.1}}\n"
    guarded_suite(folder, extra=HELD_ROUNDS + more + TUNE + TARGET + guards)
    write_model(folder / "model.json", TALKS, default="hm", adapters=["tuned"])


def test_where_only_the_form_is_wrong_a_structure_suffices_and_nothing_is_trained(
    tunegate: CommandLine, tmp_path: Path
) -> None:
    a_suite(tmp_path, STRUCTURED)
    told = tunegate("run", "tickets", "--model", "scripted:model.json", "--json")
    assert told.code == 0, told.err
    decision = told.document["decision"]
    assert decision["verdict"] == "prompt_suffices"
    assert told.document.get("training") is None
    means = {run["candidate"]: run["score"] for run in tunegate("runs", "--json").document}
    assert means == {"terse": 0, "spec": 0, "polite": 0} | {
        f"{prompt} + 2 {method}": 0
        for prompt in ("terse", "spec")
        for method in ("static", "nearest")
    } | {"terse + structured": 1, "spec + structured": 1}


def test_without_the_structured_round_the_gate_stays_shut_and_asks_for_it(
    tunegate: CommandLine, tmp_path: Path
) -> None:
    a_suite(tmp_path)
    tunegate("run", "tickets", "--model", "scripted:model.json", "--json")
    told = tunegate("gate", "tickets", "--model", "scripted:model.json", "--json")
    assert told.document["verdict"] == "prompt_more"
    assert any("Add a round of family structured" in step for step in told.document["next_steps"])
