"""`show` sums a run up by the parts of its scores, from what is stored alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.tunegate.command_line import CommandLine

SUITE = """
format: 1
name: orders
task: Read an order.
cases: {dev: dev.jsonl}
prompts: {p: p.j2}
metrics:
  good:
    scorer: all_of@1
    combine: mean
    scorers:
      fields: {scorer: json_fields@1}
      own: {scorer: python@1, function: "scorers.py:team"}
primary: good
"""
SCORER = """
import json
from tunegate import Part, Score

def team(case, output):
    try:
        got = json.loads(output.text)["team"]
    except ValueError:
        got = None
    value = float(got == case.expected["team"])
    return Score(value, parts=(Part("label", "label", value, case.expected["team"], got),))
"""


@pytest.fixture
def run_id(tunegate: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "orders"
    folder.mkdir()
    (folder / "suite.yaml").write_text(SUITE)
    (folder / "scorers.py").write_text(SCORER)
    (folder / "p.j2").write_text('{% message "user" %}{{ input.text }}{% endmessage %}')
    rules, cases = [], []
    for number in range(20):
        order = {"team": "ab"[number % 2], "total": number}
        text = f"order {number}."
        cases.append({"id": f"o{number}", "input": {"text": text}, "expected": order})
        cases[-1]["answer"] = json.dumps(order)
        said = json.dumps(order | {"total": 7}) if number < 10 else "\x1b[31mno"
        rules.append({"contains": text, "reply": said})
    (folder / "dev.jsonl").write_text("\n".join(map(json.dumps, cases)))
    (folder / "m.json").write_text(json.dumps({"rules": rules}))
    told = tunegate("eval", "orders", "--model", "scripted:orders/m.json", "--json")
    assert told.code == 0, told.err
    return str(told.document["id"])


def test_show_prints_fields_labels_and_scorers(tunegate: CommandLine, run_id: str) -> None:
    out = tunegate("show", run_id).out
    assert "good by parts: 20 cases" in out
    for line in (
        r"fields.team 20 100.0% 50.0% 66.7%",
        r"own.label: accuracy 50.0%, macro F1 66.7%, 20 cases",
        r"a (none) 5",
    ):
        assert line in " ".join(out.split()), line
    assert "\x1b[31m" not in out


def test_show_has_the_same_as_json(tunegate: CommandLine, run_id: str) -> None:
    document: Any = tunegate("show", run_id, "--json").document
    (good,) = document["summaries"]
    assert good["fields"]["micro"]["support"] == 40
    assert good["fields"]["micro"]["right"] == 11  # ten teams, and the one total that is 7
    assert {"expected": "b", "got": None, "count": 5} in good["labels"][0]["confusions"]
    assert [one["name"] for one in good["scorers"]] == ["fields", "own"]
