"""What a run of `pytest suites/` tells: states, texts, places, numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tunegate.command_line import call_in
from tests.tunegate.pytesting.project import Seen, add_suite, must_pass, run_pytest
from tests.tunegate.scenes import KNOWN, answers, case_text

HOSTILE = "::error file=x::owned\n::set-output name=a::b\n\x1b[31mred\ud800"
RULES = [
    {"contains": case_text("dev", 5), "error": "the model fell over"},
    {"contains": case_text("dev", 8), "error": "it fell over again"},
    *answers("dev", [1], HOSTILE),
    *KNOWN,
]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two suites: `tickets` with every state an item can have, `other` that demands too much."""
    folder = tmp_path_factory.mktemp("project")
    add_suite(
        folder,
        rules=RULES,
        change=must_pass("dev-0000", "dev-0001", "dev-0008"),
        extra="target: 0.9\nci: {max_loss: 0.1}\n",
    )
    extra = "ci:\n  on_inconclusive: fail\n  thresholds:\n    accuracy: 0.6\n"
    add_suite(folder, "other", dev=30, extra=extra)
    return folder


@pytest.fixture(scope="module")
def seen(project: Path) -> Seen:
    return run_pytest(project, "suites/tickets", "-rsx", "--xfail-tb")


def test_a_right_case_passes_and_a_wrong_one_is_expected_to_fail(seen: Seen):
    assert seen.code == 1
    assert seen.items["dev::dev-0000"].state == "passed"
    assert seen.items["dev::dev-0004"].state == "xfailed"
    assert seen.items["dev::dev-0004"].message == "'hm' is not one of the labels"
    assert "XFAIL suites/tickets/suite.yaml::dev::dev-0004 - 'hm' is not one" in seen.out


def test_a_case_without_an_output_is_neither_right_nor_wrong(seen: Seen):
    item = seen.items["dev::dev-0005"]
    assert (item.state, item.message) == ("skipped", "no output: the model fell over")
    assert "score" not in item.properties
    assert "dev.jsonl:6: no output: the model fell over" in seen.out


def test_a_case_that_must_pass_fails_where_it_has_no_output(seen: Seen):
    item = seen.items["dev::dev-0008"]
    assert item.state == "failed"
    assert "must pass and ended without an output" in item.text
    assert "got:      nothing" in item.text


def test_a_failed_case_shows_what_a_person_needs(seen: Seen):
    item = seen.items["dev::dev-0001"]
    assert item.state == "failed"
    assert item.message.startswith("wrong: ")
    lines = item.text.splitlines()
    assert lines[0] == "this case must pass and is wrong"
    assert lines[1] == f"input.text: {case_text('dev', 1)}"
    assert lines[2] == "expected: login"
    assert lines[3].startswith("got:      ::error file=x::owned\\n::set-output")
    assert "  | - login" in lines
    assert any(line.startswith("why:      ") for line in lines)
    assert "alone:    pytest suites/tickets/suite.yaml::dev::dev-0001" in lines
    assert any(line.startswith("stored:   tunegate show tickets-dev-") for line in lines)


def test_what_a_model_says_begins_no_line_and_hides_no_control_character(seen: Seen):
    everything = seen.out + seen.err
    assert "\x1b[31m" not in everything
    assert not [line for line in everything.splitlines() if line.lstrip().startswith("::")]
    assert "\\x1b[31mred\\ud800" in everything


def test_no_item_shows_an_inside_of_tunegate(seen: Seen):
    # pytest takes 40 ms to make a traceback, and a suite may have thousands of wrong cases.
    assert "tunegate/pytesting" not in seen.out


def test_the_headline_names_the_suite_and_the_summary_what_was_run(seen: Seen):
    assert "_ tickets dev::dev-0001 _" in seen.out
    [line] = [line for line in seen.out.splitlines() if line.startswith("FAIL tickets: ")]
    assert "spec on scripted:tickets.json, run tickets-dev-" in line
    assert "2 errors" in line


def test_a_target_not_reached_and_a_missing_baseline_fail_nothing(seen: Seen):
    assert seen.items["target::accuracy"].state == "xfailed"
    assert "not reached yet" in seen.items["target::accuracy"].message
    assert seen.items["baseline::accuracy"].state == "skipped"
    assert "suite.yaml:11: no baseline was accepted yet" in seen.out


def test_the_checks_warnings_are_one_warning_at_a_line_that_names_the_suite(seen: Seen):
    assert seen.items["check"].state == "passed"
    assert seen.out.count("`tunegate check` warns:") == 1
    assert "suites/tickets/suite.yaml:2: TunegateWarning" in seen.out
    assert "format: 1" not in seen.out


def test_the_numbers_are_those_of_tunegate_eval(seen: Seen, project: Path):
    document = call_in(project, "eval", "suites/tickets", "--json").document
    results = {r["case_id"]: r for r in document["run"]["results"]}
    cases = {name[5:]: item for name, item in seen.items.items() if name.startswith("dev::")}
    assert set(cases) == set(results)
    for name, item in cases.items():
        scores = results[name]["scores"]
        assert item.properties.get("score") == (
            str(scores["accuracy"]["value"]) if scores else None
        ), name
    right = sum(item.state == "passed" for item in cases.values())
    assert right / (document["cases"] - document["errors"]) == pytest.approx(document["score"])
    assert (
        seen.items["baseline::accuracy"]
        .properties["tunegate"]
        .startswith(f"FAIL tickets: accuracy {100 * document['score']:.1f}% ")
    )
    assert document["run"]["id"] in seen.out


def test_one_case_without_an_output_alone_says_the_same_from_what_is_stored(
    seen: Seen, project: Path
):
    alone = run_pytest(project, "suites/tickets/suite.yaml::dev::dev-0005")
    assert alone.items == {"dev::dev-0005": seen.items["dev::dev-0005"]}


def test_collecting_lists_readable_node_ids_of_every_suite_and_runs_nothing(project: Path):
    seen = run_pytest(project, "suites", "--collect-only", "-q", "--tunegate-ledger=unused")
    ids = [line for line in seen.out.splitlines() if "::" in line]
    assert ids[0] == "suites/other/suite.yaml::check"
    assert "suites/other/suite.yaml::threshold::accuracy" in ids
    assert "suites/tickets/suite.yaml::dev::dev-0059" in ids
    assert ids[-1] == "suites/tickets/suite.yaml::baseline::accuracy"
    assert len(ids) == 30 + 60 + 8
    assert not (project / "unused").exists()


def test_an_undecided_threshold_fails_where_the_suite_says_so_and_else_warns(project: Path):
    seen = run_pytest(project, "suites/other", "-k", "threshold or baseline")
    assert seen.items["threshold::accuracy"].state == "failed"
    assert seen.items["threshold::accuracy"].message.startswith("inconclusive: accuracy is 66.7%")
    manifest = project / "suites" / "other" / "suite.yaml"
    text = manifest.read_text()
    manifest.write_text(text.replace("on_inconclusive: fail", "on_inconclusive: warn"))
    warned = run_pytest(project, "suites/other", "-k", "threshold or baseline")
    manifest.write_text(text)
    assert warned.code == 0
    assert warned.items["threshold::accuracy"].state == "passed"
    assert "suite.yaml:13: TunegateWarning: inconclusive: accuracy is 66.7%" in warned.out
    assert "accuracy: 0.6" in warned.out  # the line that states it


@pytest.mark.parametrize(("least", "state"), [("0.4", "passed"), ("0.9", "failed")])
def test_a_threshold_that_is_shown_to_hold_or_not_passes_or_fails(
    project: Path, least: str, state: str
):
    manifest = project / "suites" / "other" / "suite.yaml"
    text = manifest.read_text()
    manifest.write_text(text.replace("accuracy: 0.6\n", f"accuracy: {least}\n"))
    seen = run_pytest(project, "suites/other/suite.yaml::threshold")
    manifest.write_text(text)
    assert seen.states() == {"threshold::accuracy": state}
