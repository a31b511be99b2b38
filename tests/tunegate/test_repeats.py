"""Repeats with k-of-n, with a model whose answers hang on the seed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.sample_suite import TOPICS, write_suite
from tests.tunegate.command_line import CommandLine
from tests.tunegate.repository import KEPT_OUT
from tests.tunegate.scenes import Rules, write_model

REPEATS = "repeats: {times: 5, pass_at_least: 3}\n"


@pytest.fixture(autouse=True)
def _outside_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(KEPT_OUT):
            monkeypatch.delenv(name)


def wavering(often: dict[str, int]) -> Rules:
    """Rules that are right for a topic with so many of the first seeds."""
    rules: list[Any] = [
        {"contains": TOPICS[topic], "seed": seed, "reply": topic}
        for topic, count in often.items()
        for seed in range(count)
    ]
    return rules


def make(folder: Path, extra: str = REPEATS, often: dict[str, int] | None = None) -> Path:
    """`tickets`: billing right in 5 of 5 repeats, login in 3 of 5, shipping in 2 of 5."""
    write_model(folder / "model.json", wavering(often or {"billing": 5, "login": 3, "shipping": 2}))
    must = {"dev-0000", "dev-0001", "dev-0002"}
    return write_suite(
        folder / "tickets",
        sizes={"train": 6, "dev": 60},
        extra=f"candidate: {{model: 'scripted:model.json', prompt: spec}}\n{extra}",
        change=lambda case: case | ({"must_pass": True} if case["id"] in must else {}),
    )


def test_the_suite_says_how_often_and_the_command_line_wins(
    tunegate: CommandLine, tmp_path: Path
) -> None:
    make(tmp_path)
    document = tunegate("eval", "tickets", "--json").document
    assert len({run["id"] for run in document["runs"]}) == 5
    assert "over_repeats" not in tunegate("eval", "tickets", "--repeats", 1, "--json").document
    found = tunegate("eval", "tickets", "--repeats", 10, "--json").document["over_repeats"]
    assert (found["times"], found["least"]) == (10, 6)


def test_repeats_are_summed_up_over_cases(tunegate: CommandLine, tmp_path: Path) -> None:
    make(tmp_path)
    found = tunegate("eval", "tickets", "--json").document["over_repeats"]
    assert found["score"] == pytest.approx((1 + 3 / 5 + 2 / 5) / 3)
    assert found["low"] < found["score"] < found["high"]
    shares = [round(level["share"] * 3) for level in found["levels"]]
    assert shares == [3, 3, 2, 1, 1]
    assert found["levels"][1]["pass_at"] == pytest.approx((1 + 0.9 + 0.7) / 3)
    assert found["levels"][1]["pass_all"] == pytest.approx((1 + 0.3 + 0.1) / 3)
    assert len(found["wavered"]) == 40
    out = " ".join(tunegate("eval", "tickets").out.split())
    assert "Right in all 5 repeats in 33.3% of the cases, at least 3 in 66.7%" in out
    assert "40 cases wavered" in out
    assert "temperature 0" not in out


def test_a_model_that_cannot_waver_is_said_to_be_one(tunegate: CommandLine, tmp_path: Path) -> None:
    make(tmp_path, extra="", often={"billing": 5})
    out = " ".join(tunegate("eval", "tickets", "--repeats", 2).out.split())
    assert "at temperature 0 a model that runs here answers every repeat alike" in out
    checked = " ".join(tunegate("check", "tickets").out.split())
    assert "at temperature 0" not in checked
    manifest = tmp_path / "tickets" / "suite.yaml"
    manifest.write_text(manifest.read_text() + REPEATS)
    checked = " ".join(tunegate("check", "tickets").out.split())
    assert "each case is run 5 times at temperature 0" in checked


def test_ci_counts_how_often_a_case_that_must_pass_is_right(
    tunegate: CommandLine, tmp_path: Path
) -> None:
    make(tmp_path)
    assert tunegate("eval", "tickets").code == 0
    assert tunegate("accept", "tickets", "--why", "the first").code == 0
    told = tunegate("ci", "tickets", "--junit", "out.xml", "--markdown", "out.md", "--json")
    assert told.code == 1
    (suite,) = told.document["suites"]
    musts = {c["name"]: c for c in suite["checks"] if c["kind"] == "must_pass"}
    # dev-0000 asks of billing, dev-0001 of login, dev-0002 of shipping.
    results = {name: check["result"] for name, check in musts.items()}
    assert results == {"dev-0000": "pass", "dev-0001": "pass", "dev-0002": "fail"}
    said = "right in 2 of 5, at least 3 needed"
    assert said in musts["dev-0002"]["sentence"]
    assert suite["recipe"]["repeats"] == 5
    assert suite["over_repeats"]["levels"][2]["share"] == pytest.approx(2 / 3)
    (failure,) = ET.parse(tmp_path / "out.xml").getroot().iter("failure")
    assert said in str(failure.get("message"))
    markdown = (tmp_path / "out.md").read_text()
    assert said in markdown
    assert "all 5 repeats in 33.3% of the cases" in markdown


def test_all_repeats_are_needed_where_the_suite_does_not_say(
    tunegate: CommandLine, tmp_path: Path
) -> None:
    make(tmp_path, extra="repeats: {times: 5}\n")
    tunegate("eval", "tickets")
    tunegate("accept", "tickets", "--why", "the first")
    (suite,) = tunegate("ci", "tickets", "--json").document["suites"]
    failed = [c["name"] for c in suite["checks"] if c["result"] == "fail"]
    assert failed == ["dev-0001", "dev-0002"]


def test_accept_takes_all_repeats_that_the_suite_states(
    tunegate: CommandLine, tmp_path: Path
) -> None:
    make(tmp_path)
    runs = tunegate("eval", "tickets", "--json").document["runs"]
    # A later look at one case is no baseline, and no reason to take fewer repeats.
    assert tunegate("eval", "tickets", "--case", "dev-0004").code == 0
    told = tunegate("accept", "tickets", "--why", "the first", "--json")
    assert told.code == 0
    baseline = told.document["baseline"]
    assert baseline["runs"] == [run["id"] for run in runs]
    assert baseline["recipe"]["repeats"] == 5
    assert baseline["definition"]["rules"]["repeats.pass_share"] == pytest.approx(0.6)
    one = tunegate("accept", "tickets", runs[0]["id"], "--why", "one")
    assert one.code == 2
    assert "states repeats.times 5, and 1 run would be the baseline" in " ".join(one.err.split())


def test_accept_without_stated_repeats_takes_as_many_as_the_baseline_has(
    tunegate: CommandLine, tmp_path: Path
) -> None:
    make(tmp_path, extra="")
    ids = [
        run["id"] for run in tunegate("eval", "tickets", "--repeats", 3, "--json").document["runs"]
    ]
    first = tunegate("accept", "tickets", "--why", "once", "--json").document["baseline"]
    assert first["runs"] == ids[:1]
    assert tunegate("accept", "tickets", *ids, "--why", "three").code == 0
    again = tunegate("accept", "tickets", "--why", "again", "--json").document["baseline"]
    assert again["runs"] == ids


def test_asking_less_of_the_repeats_is_a_looser_gate(tunegate: CommandLine, tmp_path: Path) -> None:
    make(tmp_path, extra="repeats: {times: 5}\n")
    tunegate("eval", "tickets")
    tunegate("accept", "tickets", "--why", "the first")
    manifest = tmp_path / "tickets" / "suite.yaml"
    manifest.write_text(manifest.read_text().replace("times: 5", "times: 5, pass_at_least: 3"))
    (suite,) = tunegate("ci", "tickets", "--json").document["suites"]
    (change,) = suite["changes"]
    assert change["what"] == "repeats.pass_share: 1 -> 0.6 (looser)"
    # Until it is reviewed, it is judged as before.
    failed = [c["name"] for c in suite["checks"] if c["result"] == "fail"]
    assert failed == ["dev-0001", "dev-0002"]


def test_another_number_of_repeats_than_accepted_is_a_note_and_no_drift(
    tunegate: CommandLine, tmp_path: Path
) -> None:
    make(tmp_path)
    tunegate("eval", "tickets")
    tunegate("accept", "tickets", "--why", "the first")
    (suite,) = tunegate("ci", "tickets", "--repeats", 2, "--json").document["suites"]
    assert [f["message"] for f in suite["drift"]] == [
        "each case is run 2 times, accepted was 5 times"
    ]


def test_an_error_in_a_repeat_leaves_open_only_what_hangs_on_it(
    tunegate: CommandLine, tmp_path: Path
) -> None:
    failing = [
        {"contains": TOPICS["login"], "seed": 4, "error": "timed out"},
        {"contains": TOPICS["shipping"], "seed": 4, "error": "timed out"},
    ]
    make(tmp_path)
    rules = wavering({"billing": 5, "login": 3, "shipping": 2})
    write_model(tmp_path / "model.json", [*failing, *rules])
    found = tunegate("eval", "tickets", "--repeats", 4, "--json").document["over_repeats"]
    assert found["errors"] == []
    assert tunegate("eval", "tickets").code == 4  # most cases of the fifth repeat have none
    few = failing[1:]
    write_model(tmp_path / "model.json", [*few, *rules])
    found = tunegate("eval", "tickets", "--json").document["over_repeats"]
    assert len(found["errors"]) == 20
    (suite,) = tunegate("ci", "tickets", "--json").document["suites"]
    sentences = [c["sentence"] for c in suite["checks"] if c["name"] == "dev-0002"]
    assert sentences == [
        "case dev-0002 must pass and was right in 2 of 5, 1 without a score, at least 3 needed "
        "(timed out)"
    ]


def test_compare_averages_repeats_joined_by_commas(tunegate: CommandLine, tmp_path: Path) -> None:
    make(tmp_path, extra="")
    a = tunegate("eval", "tickets", "--repeats", 2, "--json").document["runs"]
    b = tunegate("eval", "tickets", "--repeats", 2, "--prompt", "terse", "--json").document["runs"]
    sides = [",".join(run["id"] for run in side) for side in (a, b)]
    told = tunegate("compare", *sides, "--json")
    assert (told.code, told.document["cases"]) == (0, 60)
    assert told.document["mean_a"] == pytest.approx(sum(run["score"] for run in a) / 2)
    mixed = tunegate("compare", f"{a[0]['id']},{b[0]['id']}", b[0]["id"])
    assert (mixed.code, "different candidates" in mixed.err) == (2, True)


def test_repeats_are_no_runs_of_another_suite_to_the_gate(
    tunegate: CommandLine, tmp_path: Path
) -> None:
    make(tmp_path)
    runs = tunegate("eval", "tickets", "--json").document["runs"]
    document = tunegate("gate", "tickets", "--json").document
    assert document["left_out"] == []
    assert [trial["run_id"] for trial in document["trials"]] == [runs[0]["id"]]


def test_the_report_says_how_steady_the_leader_is(tunegate: CommandLine, tmp_path: Path) -> None:
    make(tmp_path)
    # The leader of equals is the one with the shortest prompt.
    assert tunegate("eval", "tickets", "--prompt", "terse").code == 0
    assert tunegate("run", "tickets", "--no-tune").code in (0, 3)
    for form, name in (("html", "out.html"), ("markdown", "out.md")):
        assert tunegate("report", "tickets", "--format", form, "-o", name).code == 0
        text = (tmp_path / name).read_text()
        assert "leader" in text
        assert "right in all 5 repeats in 33.3% of the cases, at least 3 in 66.7%" in text
