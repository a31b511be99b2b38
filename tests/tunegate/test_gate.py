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
