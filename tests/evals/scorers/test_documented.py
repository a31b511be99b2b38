"""The examples of docs/scorers.md: every line of a table scores as it says."""

import json
import re
from pathlib import Path

import pytest
import yaml

from evals.records import Case, Output
from evals.scorers import build_scorer, scorer_names
from evals.suite.spec import MetricSpec

DOCS = Path(__file__).parents[3] / "docs" / "scorers.md"
COLUMNS = ["expected", "answer", "score", "kind"]


def sections():
    for part in re.split(r"^## ", DOCS.read_text("utf-8"), flags=re.MULTILINE)[1:]:
        title, _, body = part.partition("\n")
        yield title.strip(), body


def examples():
    for title, body in sections():
        block = re.search(r"```yaml\n(metrics:.*?)```", body, re.DOTALL)
        rows = [line for line in body.splitlines() if line.startswith("| `")]
        for row in rows if block and "@" in title else ():
            yield pytest.param(block[1], row, id=f"{title} {row[:60]}")


def cells(row):
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", row.strip().strip("|"))]


def test_every_scorer_has_a_section_of_its_own():
    titles = [title for title, _ in sections()]
    assert [name for name in scorer_names() if name not in titles] == []


@pytest.mark.parametrize(("block", "row"), list(examples()))
def test_the_documented_example_scores_as_it_says(block, row, tmp_path):
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
