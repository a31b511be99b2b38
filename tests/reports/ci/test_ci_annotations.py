"""Workflow commands: at most ten, the worst first, and exactly those that we meant."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings

from reports.ci import render_annotations
from tests.reports.ci.hostile_texts import hostile_texts
from tests.reports.ci.runner_log import Command, commands
from tests.reports.ci.sample_verdicts import (
    doubtful,
    failing,
    lost_case,
    mixed,
    passing,
    poisoned,
    reviewing,
)
from tests.reports.hostile import PAYLOADS

ROOT = Path()


def read(lines: list[str]) -> list[Command]:
    """What the runner makes of them; each line is one command and nothing else."""
    for line in lines:
        assert line.splitlines() == [line]
        line.encode("utf-8")
        assert "##" not in line
    found = commands("\n".join(lines))
    assert len(found) == len(lines)
    return found


def test_the_worst_come_first_and_there_are_ten_at_most() -> None:
    found = read(render_annotations(mixed(), ROOT))
    assert [command.name for command in found] == ["error"] * 3 + ["warning"] * 7
    titles = [command.properties["title"] for command in found]
    assert titles[:4] == [
        "ticket_routing: baseline label_accuracy: FAIL",
        "ticket_routing: must-pass t-002: FAIL",
        "query_assistant: gate definition changed: review",
        "ticket_routing: t-001 lost",
    ]
    assert titles[-1] == "style_guard: baseline label_accuracy: INCONCLUSIVE"
    assert found[-1].data.endswith("About 410 cases would settle it.")


def test_a_case_is_told_where_it_stands_and_a_check_at_its_suite() -> None:
    found = read(render_annotations(mixed(), ROOT))
    assert found[0].properties["file"] == "suites/ticket_routing/suite.yaml"
    assert "line" not in found[0].properties
    assert found[1].properties["file"] == "suites/ticket_routing/cases.jsonl"
    assert found[1].properties["line"] == "2"
    assert found[3].data == "1 → 0: expected billing, got login"


def test_a_must_pass_case_that_no_check_names_is_an_error_too() -> None:
    suite = failing()
    quiet = replace(suite, checks=tuple(c for c in suite.checks if c.kind != "must_pass"))
    second = read(render_annotations([quiet], ROOT))[1]
    assert second.name == "error"
    assert second.properties["title"] == "ticket_routing: must-pass case t-002 lost"


def test_the_largest_losses_of_all_suites_come_first() -> None:
    small = replace(lost_case(50), before=0.6, after=0.5)
    first = replace(failing(), lost=(small,), suite="first")
    found = read(render_annotations([first, replace(failing(3), suite="second")], ROOT))
    lost = [c.properties["title"] for c in found if c.properties["title"].endswith(" lost")]
    assert lost[-1] == "first: t-050 lost"


def test_passing_suites_say_nothing_and_reviewed_changes_are_a_notice() -> None:
    assert render_annotations([passing()], ROOT) == []
    assert render_annotations([], ROOT) == []
    [notice] = read(render_annotations([reviewing(reviewed=True)], ROOT))
    assert notice.name == "notice"


def test_what_fails_the_job_is_an_error() -> None:
    assert read(render_annotations([doubtful()], ROOT))[-1].name == "warning"
    assert read(render_annotations([doubtful(on_inconclusive="fail")], ROOT))[-1].name == "error"


def test_more_than_ten_failures_end_in_a_count() -> None:
    many = [replace(failing(), suite=f"s{n}") for n in range(8)]
    found = read(render_annotations(many, ROOT))
    assert [command.name for command in found] == ["error"] * 9 + ["notice"]
    assert found[-1].data == "7 more findings: see the summary of this job"


def test_files_are_relative_to_the_root_where_they_lie_in_it(tmp_path: Path) -> None:
    inside = replace(reviewing(), path=str(tmp_path / "a" / ".." / "b" / "suite.yaml"))
    assert read(render_annotations([inside], tmp_path))[0].properties["file"] == "b/suite.yaml"
    outside = replace(reviewing(), path="/elsewhere/suite.yaml")
    assert read(render_annotations([outside], tmp_path))[0].properties["file"] == (
        "/elsewhere/suite.yaml"
    )
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "real")
    (tmp_path / "real").mkdir()
    linked = replace(reviewing(), path=str(tmp_path / "real" / "suite.yaml"))
    assert read(render_annotations([linked], link))[0].properties["file"] == "suite.yaml"


def test_a_relative_file_is_seen_from_where_the_command_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    [found] = read(render_annotations([reviewing()], tmp_path))
    assert found.properties["file"] == "work/suites/query_assistant/suite.yaml"


def test_escapes_are_those_of_the_runner() -> None:
    suite = replace(reviewing(), suite="100%,a:b%0A")
    [line] = render_annotations([suite], ROOT)
    assert "title=100%25%2Ca%3Ab%250A%3A gate" in line
    assert commands(line)[0].properties["title"].startswith("100%,a:b%0A: ")


def check_hostile(text: str) -> None:
    found = read(render_annotations(poisoned(text), ROOT))
    plain = read(render_annotations(poisoned("x"), ROOT))
    assert [command.name for command in found] == [command.name for command in plain]
    assert [sorted(command.properties) for command in found] == [
        sorted(command.properties) for command in plain
    ]


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_known_hostile_texts_make_no_command_of_their_own(payload: str) -> None:
    check_hostile(payload)


@settings(max_examples=100, deadline=None)
@given(hostile_texts)
def test_no_text_makes_a_command_of_its_own(text: str) -> None:
    check_hostile(text)
