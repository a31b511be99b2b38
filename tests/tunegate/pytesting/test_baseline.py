"""The baseline's and the guards' items, and several suites at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.sample_suite import PROMPTS, TOPICS
from tests.tunegate.command_line import call_in
from tests.tunegate.pytesting.project import Seen, add_suite, run_pytest
from tests.tunegate.scenes import answers

CI = "ci:\n  max_loss: 0.1\n"
RULES = [
    {"contains": TOPICS["login"], "prompt_contains": "Answer with one of", "reply": "login"},
    *({"contains": TOPICS[name], "reply": name} for name in ("billing", "shipping")),
]
"""A model that needs the labels in its prompt for one topic of the three."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A suite whose baseline, all right, was accepted."""
    folder = tmp_path_factory.mktemp("project")
    add_suite(folder, rules=RULES, extra=CI)
    assert call_in(folder, "eval", "suites/tickets").code == 0
    accepted = call_in(folder, "accept", "suites/tickets", "--why", "first")
    assert accepted.code == 0, accepted.err
    return folder


def judged(project: Path, *arguments: object) -> Seen:
    return run_pytest(project, "suites/tickets", "-k", "baseline or definition", *arguments)


def test_what_was_accepted_passes(project: Path):
    seen = judged(project)
    assert seen.code == 0
    assert seen.states() == {"definition::tickets": "passed", "baseline::accuracy": "passed"}
    assert "PASS tickets: accuracy 100.0%" in seen.out


def test_a_damaged_prompt_fails_and_names_the_loss(project: Path):
    prompt = project / "suites" / "tickets" / "prompts" / "spec.j2"
    text = prompt.read_text()
    prompt.write_text(PROMPTS["terse"])
    seen = judged(project)
    prompt.write_text(text)
    assert seen.code == 1
    assert seen.states() == {"definition::tickets": "passed", "baseline::accuracy": "failed"}
    message = seen.items["baseline::accuracy"].message
    assert message.startswith("fail: accuracy 100.0% -> 66.7%: -33.3 points")
    assert "FAILED suites/tickets/suite.yaml::baseline::accuracy - fail: accuracy" in seen.out


def test_a_margin_that_was_changed_is_for_a_person_to_review(project: Path):
    manifest = project / "suites" / "tickets" / "suite.yaml"
    text = manifest.read_text()
    manifest.write_text(text.replace("max_loss: 0.1", "max_loss: 0.5"))
    seen = judged(project)
    reviewed = judged(project, "--tunegate-reviewed")
    manifest.write_text(text)
    assert seen.states() == {"definition::tickets": "failed", "baseline::accuracy": "passed"}
    message = seen.items["definition::tickets"].message
    assert "gate definition changed: review (ci.max_loss: 0.1 -> 0.5 (looser)" in message
    assert reviewed.code == 0


def test_another_baseline_can_be_named_and_must_be_there(project: Path):
    worse = json.loads((project / "suites" / "tickets" / "accepted.json").read_text())
    for case in worse["cases"].values():
        case["scores"] = {"accuracy": 0}
    worse["scores"] = {"accuracy": 0.0}
    (project / "worse.json").write_text(json.dumps(worse))
    seen = judged(project, "--tunegate-baseline=worse.json")
    assert seen.code == 0
    missing = judged(project, "--tunegate-baseline=nope.json")
    assert missing.code != 0
    assert "nope.json: there is no such baseline" in missing.out


def test_a_guard_that_the_adapter_damages_fails_beside_a_suite_that_it_helps(tmp_path: Path):
    rules = [
        *answers("dev", range(0, 60, 2), "hm", adapter="tuned", prompt_contains="kept"),
        *({"contains": TOPICS[name], "reply": name} for name in TOPICS),
    ]
    extra = "ci: {thresholds: {accuracy: 0.9}}\nguards: {kept: {max_loss: 0.1}}\n"
    add_suite(tmp_path, rules=rules, extra=extra)
    add_suite(
        tmp_path,
        "kept",
        rules=rules,
        change=lambda case: case | {"input": {"text": f"kept {case['input']['text']}"}},
    )
    for name in ("adapter", "harmless"):
        (tmp_path / name).mkdir()
        written = json.dumps({"name": "tuned" if name == "adapter" else "other"})
        (tmp_path / name / "scripted_adapter.json").write_text(written)
    selected = ("suites/tickets", "-k", "guard or threshold", "-rs")
    plain = run_pytest(tmp_path, *selected)
    assert plain.states() == {"threshold::accuracy": "passed", "guard::kept": "skipped"}
    tuned = run_pytest(tmp_path, *selected, "--tunegate-adapter=adapter")
    assert tuned.states() == {"threshold::accuracy": "passed", "guard::kept": "failed"}
    assert tuned.items["guard::kept"].message.startswith("fail: kept: accuracy 100.0% -> 50.0%")
    other = run_pytest(tmp_path, *selected, "--tunegate-adapter=harmless")
    assert other.states() == {"threshold::accuracy": "passed", "guard::kept": "passed"}
