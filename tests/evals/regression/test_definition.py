from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from evals.regression.definition import (
    ci_rules,
    define_gate,
    definition_changes,
    guard_losses,
    pass_rule,
)
from evals.regression.records import GateDefinition
from evals.suite import load_suite
from tests.sample_suite import write_suite

EXTRA = """\
guards: {manners: {max_loss: 0.10}}
ci: {max_loss: 0.05, thresholds: {accuracy: 0.5}, on_inconclusive: fail}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_suite(tmp_path / "tickets", extra=EXTRA)


def gate(folder: Path) -> GateDefinition:
    suite = load_suite(folder)
    return define_gate(suite, {"manners": suite})


def changed(folder: Path, file: str, old: str, new: str) -> list[str]:
    before = gate(folder)
    path = folder / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    found = [change.what for change in definition_changes(before, gate(folder))]
    path.write_text(text)
    assert definition_changes(before, gate(folder)) == ()
    return found


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("max_loss: 0.05", "max_loss: 0.2", "ci.max_loss: 0.05 -> 0.2 (looser)"),
        ("max_loss: 0.05", "max_loss: 0.02", "ci.max_loss: 0.05 -> 0.02"),
        ("accuracy: 0.5", "accuracy: 0.4", "ci.thresholds.accuracy: 0.5 -> 0.4 (looser)"),
        (", thresholds: {accuracy: 0.5}", "", "ci.thresholds.accuracy: 0.5 -> none (looser)"),
        ("inconclusive: fail", "inconclusive: warn", "ci.on_inconclusive: fail -> warn (looser)"),
        ("max_loss: 0.10", "max_loss: 0.3", "guards.manners: 0.1 -> 0.3 (looser)"),
        ("guards: {manners: {max_loss: 0.10}}", "", "guards.manners: 0.1 -> none (looser)"),
    ],
)
def test_a_changed_rule_is_named_and_a_looser_one_called_so(folder, old, new, said) -> None:
    assert changed(folder, "suite.yaml", old, new) == [said]


def test_a_prompt_is_no_part_of_the_gate(folder: Path) -> None:
    assert changed(folder, "prompts/spec.j2", "Answer with", "Do not answer with") == []


def test_a_changed_scorer_is_named_by_its_metric(folder: Path) -> None:
    said = changed(folder, "suite.yaml", "labels: [billing,", "labels: [bills, billing,")
    assert said == [
        "metric accuracy: its scorer, options or files changed",
        "guard manners: its cases, prompt, decoding or metric changed",
    ]


def test_a_second_metric_leaves_the_first_as_it_was(folder: Path) -> None:
    said = changed(folder, "suite.yaml", "primary:", "  exact: {scorer: exact@1}\nprimary:")
    assert said == ["metric exact is new"]


def test_changed_removed_and_added_cases_are_counted(folder: Path) -> None:
    before = gate(folder)
    path = folder / "dev.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    rows[0]["input"]["text"] += "!"
    rows[1]["id"] = "new-case"
    rows[2]["must_pass"] = True
    path.write_text("\n".join(map(json.dumps, rows)))
    changes = {change.what: change.names for change in definition_changes(before, gate(folder))}
    assert changes["1 case changed"] == ("dev-0000",)
    assert changes["1 case removed"] == ("dev-0001",)
    assert changes["1 case added"] == ("new-case",)
    assert changes["1 case newly must_pass"] == ("dev-0002",)


def test_sparing_a_case_that_must_pass_is_looser(folder: Path) -> None:
    now = gate(folder)
    strict = replace(now, must_pass=("dev-0002",))
    assert [c.what for c in definition_changes(strict, now)] == [
        "1 case no longer must_pass (looser)"
    ]


def test_the_rules_of_a_definition_are_those_of_the_suite(folder: Path) -> None:
    suite = load_suite(folder)
    assert ci_rules(gate(folder)) == suite.ci
    assert guard_losses(gate(folder)) == {"manners": 0.10}


def test_how_many_repeats_must_be_right_is_part_of_the_gate(folder: Path) -> None:
    assert pass_rule(gate(folder)) == (1.0, 1.0)
    path = folder / "suite.yaml"
    text = path.read_text()
    path.write_text(text + "repeats: {times: 4}\n")
    strict = gate(folder)
    path.write_text(text + "repeats: {times: 4, pass_at_least: 3}\n")
    loose = gate(folder)
    assert pass_rule(loose) == (1.0, 0.75)
    said = [change.what for change in definition_changes(strict, loose)]
    assert said == ["repeats.pass_share: 1 -> 0.75 (looser)"]
    assert [change.what for change in definition_changes(loose, strict)] == [
        "repeats.pass_share: 0.75 -> 1"
    ]


def test_adding_a_train_case_changes_no_gate(folder: Path) -> None:
    first = (folder / "train.jsonl").read_text().splitlines()[0]
    assert changed(folder, "train.jsonl", first, first.replace("charged", "billed")) == []
