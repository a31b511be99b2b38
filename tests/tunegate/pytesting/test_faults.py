"""Broken suites, files that are none, folders that cannot be written."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml

from tests.tunegate.pytesting.project import add_suite, run_pytest

FOREIGN = {
    "other_tool": "format: 2\nsteps:\n  - run: all\n",
    "plain": "name: nightly\njobs: [a, b]\n",
    "empty": "",
    "binary": "\x00\x01",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    add_suite(tmp_path, dev=6)
    return tmp_path


def broken(project: Path, old: str, new: str) -> str:
    """What pytest says of the suite when its `suite.yaml` has `new` for `old`."""
    manifest = project / "suites" / "tickets" / "suite.yaml"
    text = manifest.read_text()
    assert old in text
    manifest.write_text(text.replace(old, new))
    seen = run_pytest(project, "suites", "--collect-only")
    assert seen.code == 2
    assert "ERROR collecting suites/tickets/suite.yaml" in seen.out
    assert "Traceback" not in seen.out + seen.err
    assert "tunegate/pytesting" not in seen.out + seen.err
    return seen.out


def test_a_wrong_key_stops_the_collection_with_file_line_and_key(project: Path):
    said = broken(project, "primary: accuracy", "primary: acuracy")
    assert f"tunegate: {project}/suites/tickets/suite.yaml:8: primary: " in said
    assert "acuracy" in said


def test_a_suite_that_lost_its_format_does_not_vanish(project: Path):
    assert "suite.yaml:1: key 'format' is missing" in broken(project, "format: 1\n", "")


def test_yaml_that_cannot_be_read_is_said_with_its_line(project: Path):
    said = broken(project, "primary: accuracy", "primary: [accuracy")
    assert "suite.yaml:" in said
    assert "not valid YAML" in said


def test_files_called_suite_yaml_that_are_no_suites_are_none_of_our_business(tmp_path: Path):
    for name, text in FOREIGN.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "suite.yaml").write_text(text)
    (tmp_path / "test_own.py").write_text("def test_own():\n    pass\n")
    seen = run_pytest(tmp_path)
    assert seen.code == 0
    assert seen.states() == {"test_own": "passed"}
    assert "tunegate" not in seen.out.lower().replace(str(tmp_path).lower(), "")
    assert not (tmp_path / ".tunegate").exists()


def test_a_model_that_is_not_there_is_said_once(project: Path):
    (project / "tickets.json").unlink()
    seen = run_pytest(project, "suites", "-k", "dev")
    assert seen.code == 1
    first, *others = [item.message for name, item in seen.items.items() if "dev" in name]
    assert first.startswith("there is no script file 'tickets.json'")
    assert set(others) == {"not run: see suites/tickets/suite.yaml::dev::dev-0000"}


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="a place that not even root can write")
@pytest.mark.parametrize("workers", [(), ("-n2",)])
def test_a_ledger_that_cannot_be_written_is_said_without_a_traceback(
    project: Path, workers: tuple[str, ...]
):
    seen = run_pytest(project, "suites", "-k", "dev", "--tunegate-ledger=/sys/tunegate", *workers)
    assert seen.code in (1, 2)
    assert "/sys/tunegate" in seen.out
    assert "Traceback" not in seen.out + seen.err
    assert "INTERNALERROR" not in seen.out + seen.err


@pytest.mark.parametrize("how", ["json", "comment"])
def test_a_suite_written_otherwise_does_not_vanish(project: Path, how: str):
    manifest = project / "suites" / "tickets" / "suite.yaml"
    if how == "json":
        manifest.write_text(json.dumps(yaml.safe_load(manifest.read_text())))
    else:
        manifest.write_text("# long\n" * 20_000 + manifest.read_text())
    seen = run_pytest(project, "suites", "-k", "dev-0000")
    assert seen.states() == {"dev::dev-0000": "passed"}


def test_what_is_not_settled_warns_also_where_other_warnings_are_errors(project: Path):
    manifest = project / "suites" / "tickets" / "suite.yaml"
    manifest.write_text(manifest.read_text() + "ci: {thresholds: {accuracy: 0.7}}\n")
    seen = run_pytest(project, "suites", "-k", "threshold", "-W", "error")
    assert seen.items["threshold::accuracy"].state == "passed"
    assert "inconclusive: accuracy is 66.7%" in seen.out


def test_a_junk_variable_in_the_environment_is_not_taken_for_ours(project: Path):
    inner = project / "src"
    inner.mkdir()
    (inner / "evals.py").write_text("raise SystemExit('the wrong evals')\n")
    paths = os.pathsep.join([str(Path(__file__).resolve().parents[3]), str(project / "src")])
    seen = run_pytest(project, "suites", "-k", "dev-0000", PYTHONPATH=paths)
    assert seen.states() == {"dev::dev-0000": "passed"}
