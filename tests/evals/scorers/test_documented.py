"""The examples of docs/scorers.md: every line of a table scores as it says."""

import json
import re
import shutil
from pathlib import Path

import pytest
import yaml

from evals.records import Case, Output
from evals.scorers import build_scorer, scorer_names
from evals.suite.spec import MetricSpec

DOCS = Path(__file__).parents[3] / "docs" / "scorers.md"
FILES = Path(__file__).parent / "documented"  # too long to stand in the page
FILE = re.compile(r"^```\w*\n(?:--|#) (\S+\.\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
REAL = ["similarity@1"]  # their examples need the real model
COLUMNS = ["expected", "answer", "score", "kind"]


def sections():
    for part in re.split(r"^## ", DOCS.read_text("utf-8"), flags=re.MULTILINE)[1:]:
        title, _, body = part.partition("\n")
        yield title.strip(), body


def examples():
    for title, body in sections():
        block = re.search(r"```yaml\n(metrics:.*?)```", body, re.DOTALL)
        _, _, table = body.partition(f"| {' | '.join(COLUMNS)} |")
        rows = [line for line in table.splitlines() if line.startswith("| `")]
        for row in rows if block and "@" in title else ():
            marks = [pytest.mark.real_model] if title in REAL else []
            yield pytest.param(block[1], row, body, id=f"{title} {row[:60]}", marks=marks)


def cells(row):
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", row.strip().strip("|"))]


def test_every_scorer_has_a_section_of_its_own():
    titles = [title for title, _ in sections()]
    assert [name for name in scorer_names() if name not in titles] == []


@pytest.mark.parametrize(("block", "row", "body"), list(examples()))
def test_the_documented_example_scores_as_it_says(block, row, body, tmp_path):
    shutil.copytree(FILES, tmp_path, dirs_exist_ok=True)
    for name, content in FILE.findall(body):
        (tmp_path / name).write_text(content)
    (metric,) = yaml.safe_load(block)["metrics"].values()
    options = {key: value for key, value in metric.items() if key != "scorer"}
    expected, answer, value, kind = cells(row)
    case = Case("c", {"text": "?"}, json.loads(expected.strip("`")), "", "dev")
    scorer = build_scorer(MetricSpec("m", metric["scorer"], options), tmp_path)
    try:
        score = scorer(case, Output(json.loads(answer.strip("`").replace("\\|", "|")), "stop"))
    finally:
        scorer.close()
    assert score.value == pytest.approx(float(value), abs=0.005), score.reason
    assert score.kind == kind.strip("`")
