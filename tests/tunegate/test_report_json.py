"""`tunegate report --format json`: which texts it tells, and what it replaces."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evals.looks import read_looks
from tests.reports.data.reading import read
from tests.tunegate.command_line import CommandLine
from tests.tunegate.scenes import case_text
from tests.tunegate.test_reporting import LOOKS, MODEL, two_sealed_runs, whole_job

__all__ = ["whole_job"]


def text_of(tunegate: CommandLine, *options: str) -> str:
    told = tunegate("report", "tickets", "--model", MODEL, "--format", "json", *options, "--json")
    assert told.code == 0
    assert told.document == {"report": "tickets-report.json", "format": "json"}
    return Path("tickets-report.json").read_text(encoding="ascii")


def test_it_says_what_was_decided_and_seals_what_is_sealed(tunegate: CommandLine) -> None:
    text = text_of(tunegate)
    assert case_text("test", 0) not in text
    document = read(text)
    assert document["verdict"]["stage"] == "after_training"
    assert document["verdict"]["sealed_split"]["texts_shown"] is False
    dev, sealed = document["cases"]
    assert (dev["texts"], sealed["texts"]) == ("told", "sealed")
    for cases in (dev, sealed):
        assert [side["role"] for side in cases["sides"]] == ["best_prompt", "adapter"]
        assert len(cases["cases"]) == 60
    assert len(read_looks(LOOKS)) == 1
    assert text_of(tunegate) == text


def test_showing_sealed_texts_is_written_down_as_a_look(tunegate: CommandLine) -> None:
    text = text_of(tunegate, "--show-sealed")
    assert case_text("test", 0) in text
    assert read(text)["verdict"]["sealed_split"]["texts_shown"] is True
    assert read_looks(LOOKS)[-1].purpose.endswith("shown in a report")


def test_redacted_it_tells_no_case(tunegate: CommandLine) -> None:
    text = text_of(tunegate, "--redact")
    for split in ("train", "dev", "test"):
        assert case_text(split, 0) not in text


def test_two_runs_are_compared_as_data(tunegate: CommandLine) -> None:
    runs = two_sealed_runs(tunegate)
    told = tunegate("report", *runs, "--format", "json", "--margin", "0.05", "--json")
    assert told.code == 0
    assert told.document["report"] == "tickets-comparison.json"
    text = Path("tickets-comparison.json").read_text(encoding="ascii")
    document = read(text)
    assert document["difference"]["estimate"] == told.document["estimate"]
    assert document["margin"]["result"] == told.document["margin"]["result"]
    assert [document["a"]["id"], document["b"]["id"]] == list(runs)
    assert case_text("test", 0) not in text
    looks = len(read_looks(LOOKS))
    assert tunegate("report", *runs, "--format", "json", "--show-sealed").code == 0
    assert case_text("test", 0) in Path("tickets-comparison.json").read_text(encoding="ascii")
    assert len(read_looks(LOOKS)) == looks + 1


def test_an_index_is_no_data(tunegate: CommandLine) -> None:
    told = tunegate("report", "--format", "json")
    assert told.code == 2
    assert "tunegate runs --json" in told.err
    assert not Path("tunegate-index.html").exists()


@pytest.mark.parametrize("before", [None, "report", {"mine": True}])
def test_in_a_suites_folder_it_replaces_an_earlier_report_alone(
    tunegate: CommandLine, before: Any
) -> None:
    output = Path("tickets/out.json")
    if before == "report":
        output.write_text(text_of(tunegate), encoding="utf-8")
    elif before:
        output.write_text(json.dumps(before), encoding="utf-8")
    told = tunegate("report", "tickets", "--model", MODEL, "--format", "json", "-o", str(output))
    assert told.code == (2 if isinstance(before, dict) else 0)
    kept = json.loads(output.read_text(encoding="utf-8"))
    assert kept == before if isinstance(before, dict) else kept["suite"] == "tickets"
