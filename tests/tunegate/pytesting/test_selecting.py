"""Selecting: what runs is what was asked for, and nothing else is generated."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from tests.sample_suite import TOPICS, ticket
from tests.tunegate.pytesting.project import (
    add_suite,
    must_pass,
    outputs_stored,
    run_pytest,
    write_cases,
)
from tests.tunegate.pytesting.test_naming import HOSTILE

REFUSED = {"line\nbreak", "\ud800", "\u202egnp"}  # a suite may not have such ids


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "pytest.ini").write_text("[pytest]\n")
    add_suite(folder, change=must_pass("dev-0001"), dev=30)
    deep = folder / "a" / "very" / "deep folder"
    deep.mkdir(parents=True)
    (folder / "suites" / "tickets").rename(deep / "tickets")
    (folder / "suites").rmdir()
    return folder


def alone(text: str) -> list[str]:
    """What the `alone:` line of a failure says to run, without the program's name."""
    [line] = [line for line in text.splitlines() if line.startswith("alone:")]
    return shlex.split(line.removeprefix("alone:"))[1:]


def test_the_command_for_one_case_runs_it_alone_from_where_pytest_was_started(project: Path):
    here = project / "a" / "very"
    options = ("--tunegate-ledger=led ger", "--tunegate-prompt=terse", "--tunegate-repeats=2")
    first = run_pytest(here, "deep folder", "-k", "0001", *options)
    assert first.states() == {"dev::dev-0001": "failed"}
    assert outputs_stored(here / "led ger") == 2  # one case, twice
    command = alone(first.items["dev::dev-0001"].text)
    assert command[0] == "deep folder/tickets/suite.yaml::dev::dev-0001"
    assert set(command[1:]) == set(options)
    again = run_pytest(here, *command)
    assert again.states() == {"dev::dev-0001": "failed"}
    assert again.items == first.items
    assert outputs_stored(here / "led ger") == 2
    assert "tunegate show --ledger 'led ger' tickets-dev-" in again.out


def test_a_suite_named_by_its_file_stops_at_the_first_failure_and_goes_on_with_the_last(
    project: Path,
):
    suite = "a/very/deep folder/tickets/suite.yaml"
    stopped = run_pytest(project, suite, "-x", "-k", "not check")
    assert stopped.states() == {"dev::dev-0000": "passed", "dev::dev-0001": "failed"}
    assert outputs_stored(project / ".tunegate") == 30  # the baseline judges the whole split
    last = run_pytest(project, suite, "--lf")
    assert last.states() == {"dev::dev-0001": "failed"}
    assert outputs_stored(project / ".tunegate") == 30


def test_cases_by_option_leave_out_all_that_judges_the_whole(project: Path):
    chosen = ("--tunegate-case=dev-0003", "--tunegate-case=dev-0004", "--tunegate-ledger=few")
    seen = run_pytest(project, "a", *chosen)
    assert seen.states() == {"dev::dev-0003": "passed", "dev::dev-0004": "xfailed"}
    assert outputs_stored(project / "few") == 2


def test_a_case_that_no_suite_has_is_a_usage_error(project: Path):
    seen = run_pytest(project, "a", "--tunegate-case=dev-0003", "--tunegate-case=nope")
    assert seen.code == 4
    assert "no collected suite has a case 'nope'" in seen.err


@pytest.mark.parametrize(
    "option", ["--tunegate-split=deb", "--tunegate-repeats=0", "--tunegate-few-shot=many"]
)
def test_an_option_that_makes_no_sense_is_refused_before_anything_starts(
    tmp_path: Path, option: str
):
    seen = run_pytest(tmp_path, option)
    assert seen.code == 4
    assert f"argument {option.split('=', maxsplit=1)[0]}: invalid" in seen.err


def test_runxfail_shows_a_wrong_case_in_full(project: Path):
    seen = run_pytest(project, "a", "-k", "0004", "--runxfail", "--tunegate-ledger=few")
    item = seen.items["dev::dev-0004"]
    assert item.state == "failed"
    assert item.text.startswith("this case is wrong\ninput.text: ")


def test_another_split_model_and_adapter_are_run_where_they_are_named(project: Path):
    rules = [{"contains": TOPICS["login"], "adapter": "tuned", "reply": "login"}]
    (project / "tuned.json").write_text(json.dumps({"rules": rules, "default": "hm"}))
    adapter = project / "adapter"
    adapter.mkdir()
    (adapter / "scripted_adapter.json").write_text('{"name": "tuned"}')
    seen = run_pytest(
        project,
        "a",
        "--tunegate-model=scripted:tuned.json",
        f"--tunegate-adapter={adapter}",
        "--tunegate-split=train",
        "-k",
        "train-0000 or train-0001",
    )
    assert seen.code == 0
    states = {name: item.state for name, item in seen.items.items()}
    assert states == {"train-0000": "xfailed", "train-0001": "passed"}


def test_hostile_ids_are_each_selected_by_the_node_ids_that_are_listed(tmp_path: Path):
    suite = add_suite(tmp_path, dev=1)
    ids = [text for text in HOSTILE if text not in REFUSED]
    write_cases(suite / "dev.jsonl", [ticket("dev", n) | {"id": i} for n, i in enumerate(ids)])
    listed = run_pytest(tmp_path, "suites", "--collect-only", "-q", "-k", "dev and not check")
    nodes = [line for line in listed.out.splitlines() if "::dev::" in line]
    assert len(nodes) == len(ids), listed.out
    some = sorted([nodes[1], nodes[3], nodes[-1]])  # a::b; a, apart from a[1]; $(id)
    chosen = run_pytest(tmp_path, *some, "--collect-only", "-q")
    assert sorted(line for line in chosen.out.splitlines() if "::" in line) == some
    seen = run_pytest(tmp_path, *nodes)
    assert len(seen.items) == len(ids)
    assert set(seen.states().values()) == {"passed", "xfailed"}
