"""docs/report_json.md: its table is the schema's, its example is of the schema, its uses run."""

from __future__ import annotations

import json
import re
import runpy
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from reports import render_json, report_schema
from tests.reports.partial_jobs import small_job

PAGE = (Path(__file__).parents[3] / "docs" / "report_json.md").read_text(encoding="utf-8")
REPORT = "ticket_routing-report.json"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_table_is_the_schemas() -> None:
    properties = report_schema()["$defs"]["Report"]["properties"]
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", PAGE, re.MULTILINE)
    assert rows == [(key, each["description"]) for key, each in properties.items()]


def part_of(example: Any, whole: Any) -> bool:
    """Whether every key of the example is one of the report's, and every value of its kind."""
    if isinstance(example, dict):
        return all(key in whole and part_of(each, whole[key]) for key, each in example.items())
    if isinstance(example, list):
        return part_of(example[0], whole[0])
    return type(example) is type(whole)


def test_the_example_has_the_reports_own_keys() -> None:
    (example,) = blocks("json")
    assert part_of(json.loads(example), json.loads(render_json(small_job())))


@pytest.fixture
def report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = Path(REPORT)
    path.write_text(render_json(small_job()), encoding="ascii")
    return path


@pytest.mark.skipif(shutil.which("jq") is None, reason="needs jq")
def test_its_lines_of_jq_run(report: Path) -> None:
    first, second = blocks("sh")
    assert subprocess.check_output(["bash", "-c", first], text=True) == "true\n"
    rows = subprocess.check_output(["bash", "-c", second], text=True).splitlines()
    assert rows[0] == '"spec + 4 nearest",0.355,908.9,'
    assert len(rows) == 7


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_its_notebook_runs(report: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pandas")
    (code,) = blocks("python")
    Path("notebook.py").write_text(code, encoding="utf-8")
    runpy.run_path("notebook.py")
    assert "tags.origin" in capsys.readouterr().out
