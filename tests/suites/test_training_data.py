"""What the suites that ship would train on passes the lint that their users' data must pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals.suite import load_suite, shipped_names
from tests.tunegate.command_line import CommandLine

SUITES = Path(__file__).parents[2] / "suites"
TRAINED = [name for name in shipped_names(SUITES) if load_suite(SUITES / name).split("train")]


@pytest.mark.real_model
@pytest.mark.parametrize("name", TRAINED)
def test_no_row_of_a_shipped_suite_is_refused(
    name: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = CommandLine(capsys)("data", name, "--json")
    assert told.code == 0, told.err
    findings = told.document["findings"]
    assert [one["message"] for one in findings if one["level"] == "error"] == []
