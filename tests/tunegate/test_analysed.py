"""`show --failures`, and what is said of failures after a verdict."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sample_suite import ROUNDS, write_suite
from tests.tunegate.command_line import CommandLine, call_in
from tests.tunegate.scenes import TUNE, named_suite, write_model

SLICES = "slices: [topic]\n"


def tagged(case):
    return case | {"tags": {"topic": case["expected"]}}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a suite, a model that never says `login`, and the whole search."""
    folder = tmp_path_factory.mktemp("scene")
    sizes = {"train": 30, "dev": 240, "test": 60}
    write_suite(folder / "tickets", sizes=sizes, extra=ROUNDS + TUNE + SLICES, change=tagged)
    write_model(folder / "model.json", default="\x1b[31m<b>hm</b>")
    told = call_in(folder, "run", "tickets", "--model", "scripted:model.json", "--no-tune")
    assert told.code == 0, told.err
    (folder / "told.txt").write_text(told.out)
    return folder


def leader(scene: Path) -> str:
    told = call_in(scene, "gate", "tickets", "--model", "scripted:model.json", "--json")
    return str(told.document["leader"])


def test_run_and_gate_say_in_a_few_lines_what_goes_wrong(scene: Path) -> None:
    told = call_in(scene, "gate", "tickets", "--model", "scripted:model.json")
    for text in (told.out, (scene / "told.txt").read_text()):
        lines = text[text.index("what goes wrong") : text.index("gate: ")].splitlines()
        assert 3 <= len(lines) <= 6
        assert lines[0] == "what goes wrong with the leader (dev): 80 of 240 cases"
        assert lines[1] == "  invalid format 80"
        assert lines[2] == "  form is told by the kinds of label@1"
        assert lines[3] == "  fails more: topic login: 80 of 80 (100%), elsewhere 0%"
        assert f"tunegate show {leader(scene)} --failures" in lines[4]


def test_the_leader_is_told_as_suite_yaml_states_it(scene: Path) -> None:
    gate = call_in(scene, "gate", "tickets", "--model", "scripted:model.json", "--json").document
    line = gate["stated"]
    assert line.startswith("candidate: {prompt: ")
    told = call_in(scene, "gate", "tickets", "--model", "scripted:model.json")
    for text in (told.out, (scene / "told.txt").read_text()):
        assert line in text
    assert line in call_in(scene, "show", gate["leader"]).out
    assert line in (scene / "tickets-report.html").read_text()
    model = ("--model", "scripted:model.json", "--format", "markdown", "--output", "r.md")
    assert call_in(scene, "report", "tickets", *model).code == 0
    assert line in (scene / "r.md").read_text()


def test_show_failures_tells_kinds_slices_and_topics(scene: Path) -> None:
    told = call_in(scene, "show", leader(scene), "--failures")
    assert told.code == 0
    assert "80 of 240 cases fail" in told.out
    assert "invalid format" in told.out
    assert "topic login" in told.out
    assert "fails more" in told.out
    assert "\x1b[31m" not in told.out


def test_its_json_is_the_whole_analysis(scene: Path) -> None:
    document = call_in(scene, "show", leader(scene), "--failures", "--json").document
    assert (document["failed"], document["form_known"], document["constrainable"]) == (80, True, 80)
    analysis = document["analysis"]
    assert len(analysis["failures"]) == 80
    assert {failure["kind"] for failure in analysis["failures"]} == {"invalid_format"}
    assert analysis["slices"][0]["contrast"]["differs"] is True


def test_a_suite_that_has_gone_is_said_and_what_is_stored_is_analysed(
    scene: Path, tunegate: CommandLine
) -> None:
    told = tunegate("show", leader(scene), "--failures", "--ledger", scene / ".tunegate", "--json")
    assert told.code == 0
    assert "the suite tickets is not found here" in told.err
    assert told.document["failed"] == 80
    assert told.document["analysis"]["slices"] == []


@pytest.mark.parametrize("asked", ["--failures", "--prompt"])
def test_of_suites_that_share_their_cases_each_run_finds_its_own(
    tmp_path: Path, tunegate: CommandLine, asked: str
) -> None:
    name = write_model(Path("model.json"))
    runs = {}
    for suite in ("one", "two"):
        root = named_suite(tmp_path / "in" / suite, suite, sizes={"train": 9, "dev": 12})
        runs[suite] = tunegate("eval", root, "--model", name, "--json").document["id"]
    for run in runs.values():
        told = tunegate("show", run, asked)
        assert told.code == 0, told.err
        assert "not found" not in told.err


def test_the_suite_can_be_named(scene: Path, tunegate: CommandLine) -> None:
    ledger = ("--ledger", scene / ".tunegate")
    named = tunegate("show", leader(scene), "--failures", "--suite", scene / "tickets", *ledger)
    assert "topic login" in named.out
    other = tunegate("show", leader(scene), "--failures", "--suite", "query_assistant", *ledger)
    assert other.code == 2
    assert "name the suite of this run" in other.err


@pytest.mark.parametrize(
    "arguments", [("c1", "--failures"), ("--suite", "tickets"), ("c1", "--suite", "tickets")]
)
def test_options_that_mean_nothing_together_are_refused(scene: Path, arguments) -> None:
    assert call_in(scene, "show", leader(scene), *arguments).code == 2


def test_the_report_has_the_analysis(scene: Path) -> None:
    assert call_in(scene, "report", "tickets", "--model", "scripted:model.json").code == 0
    page = (scene / "tickets-report.html").read_text()
    assert "Best prompt, dev: 80 of 240 cases fail" in page
    assert "<b>hm</b>" not in page
