"""`pytest` over a suite on the real embedded model gives the numbers of `tunegate eval`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.tunegate.command_line import ROOT
from tests.tunegate.repository import outside_ci

SHIPPED = ROOT / "suites" / "general_ability"
CASES = 48


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few cases of every kind of the shipped suite, evaluated and accepted."""
    folder = tmp_path_factory.mktemp("real")
    suite = folder / "suites" / "few"
    (suite / "prompts").mkdir(parents=True)
    (suite / "prompts" / "plain.j2").write_bytes((SHIPPED / "prompts" / "plain.j2").read_bytes())
    rows = [json.loads(line) for line in (SHIPPED / "dev.jsonl").read_text().splitlines()]
    some = rows[:: max(1, len(rows) // CASES)][:CASES]
    (suite / "dev.jsonl").write_text("".join(json.dumps(row) + "\n" for row in some))
    manifest = (SHIPPED / "suite.yaml").read_text().replace("name: general_ability", "name: few")
    ci = "ci: {split: dev, max_loss: 0.30, thresholds: {correct: 0.30}, on_inconclusive: warn}\n"
    (suite / "suite.yaml").write_text(manifest[: manifest.index("slices:")] + ci)
    return folder


def run(folder: Path, module: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=folder,
        env=outside_ci(PYTHONPATH=ROOT, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.real_model
def test_pytest_with_two_workers_has_the_numbers_of_eval(folder: Path) -> None:
    evaluated = json.loads(run(folder, "tunegate", "eval", "suites/few", "--json"))
    run(folder, "tunegate", "accept", "suites/few", "--why", "as it is", "--by", "a test")
    # By the module's own name, whether or not tunegate is installed as well.
    plugins = ["-p", "tunegate.pytest_plugin", "-p", "xdist"]
    said = run(
        folder,
        "pytest",
        *plugins,
        "suites",
        "-q",
        "-n",
        "2",
        "--junitxml=out.xml",
        "--tunegate-ledger=fresh",  # so that the model runs again
    )
    expected = {
        result["case_id"]: result["scores"]["correct"]["value"]
        for result in evaluated["run"]["results"]
    }
    assert len(expected) == CASES
    root = ET.parse(folder / "out.xml").getroot()
    found = {
        case.get("name"): float(value.get("value", "nan"))
        for case in root.iter("testcase")
        for value in case.iter("property")
        if value.get("name") == "score"
    }
    assert found == expected
    assert f"correct {100 * evaluated['score']:.1f}%" in said
    names = {case.get("classname", "").rpartition(".")[2] for case in root.iter("testcase")}
    assert {"dev", "threshold", "baseline", "definition"} <= names
