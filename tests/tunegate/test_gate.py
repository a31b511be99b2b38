"""`gate`: the verdict of what is stored, on the suite as it stands."""

from __future__ import annotations

from pathlib import Path

from tests.sample_suite import write_suite
from tests.tunegate.command_line import CommandLine
from tests.tunegate.scenes import KNOWN, SIZES, write_model
from tests.tuning.gate.test_soundness import leak


def test_gate_says_fix_evals_where_check_would_fail_though_the_stored_check_passed(
    tmp_path: Path, tunegate: CommandLine
) -> None:
    root = write_suite(tmp_path / "tickets", sizes=SIZES)
    name = write_model(Path("model.json"), KNOWN)
    assert tunegate("run", root, "--model", name, "--no-tune").code in {0, 3}
    before = tunegate("gate", root, "--model", name, "--json").document
    assert before["verdict"] != "fix_evals"
    assert "passed" in before["rules"][0]["evidence"]
    leak(root)
    assert tunegate("check", root).code == 2
    now = tunegate("gate", root, "--model", name, "--json").document
    assert now["verdict"] == "fix_evals"
    assert "test-twin" in now["sentence"]
    assert "tunegate check" in now["next_steps"][0]


def test_gate_of_a_model_without_runs_names_it_and_those_that_have_some(
    tmp_path: Path, tunegate: CommandLine
) -> None:
    root = write_suite(tmp_path / "tickets", sizes={"train": 9, "dev": 9})
    name = write_model(Path("model.json"))
    for prompt in ("terse", "spec"):
        assert tunegate("eval", root, "--model", name, "--prompt", prompt).code == 0
    told = tunegate("gate", root, "--json")
    assert told.code == 5
    message = told.document["error"]["message"]
    assert "no dev run of tickets on smollm2-135m is stored" in message
    assert f"stored dev runs are of {name} (2)" in message
    assert "--model" in told.document["error"]["hint"]
    wrong = tunegate("gate", root, "--model", "foo:bar")
    assert wrong.code == 2
    assert "unknown model 'foo:bar'" in wrong.err
