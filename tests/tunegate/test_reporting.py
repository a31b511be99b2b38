"""`tunegate report`: which texts it tells, and what is written down for it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import tuning.trainer
from evals.looks import read_looks
from tests.reports.case_reader import case_set, packed_cases
from tests.sample_suite import TOPICS
from tests.tunegate.command_line import CommandLine
from tests.tunegate.scenes import KNOWN, case_text, guarded_suite, pretended_training, write_model

MODEL = "scripted:model.json"
TUNED = [{"adapter": "tuned", "contains": t, "reply": n} for n, t in TOPICS.items()]
LOOKS = Path("tickets/looks.jsonl")


@pytest.fixture(autouse=True)
def whole_job(tunegate: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job with an adapter, judged on the sealed split."""
    monkeypatch.setattr(tuning.trainer, "tune_suite", pretended_training("tuned"))
    write_model(Path("model.json"), [*TUNED, *KNOWN], adapters=["tuned"])
    guarded_suite(Path())
    assert tunegate("run", "tickets", "--model", MODEL).code == 0


def page_of(tunegate: CommandLine, *options: str) -> str:
    assert tunegate("report", "tickets", "--model", MODEL, *options, "-o", "r.html").code == 0
    return Path("r.html").read_text(encoding="utf-8")


def test_sealed_cases_stay_sealed_unless_asked_for(tunegate: CommandLine) -> None:
    sealed = case_text("test", 0)
    ran = Path("tickets-report.html").read_text(encoding="utf-8")
    for page in (ran, page_of(tunegate)):
        assert sealed not in page + str(packed_cases(page))
        assert f"tunegate report tickets --model {MODEL} --show-sealed" in page
    assert len(read_looks(LOOKS)) == 1
    shown = page_of(tunegate, "--show-sealed")
    assert sealed in shown
    assert sealed in str(packed_cases(shown))


def test_showing_sealed_outputs_is_one_look_however_often(tunegate: CommandLine) -> None:
    page_of(tunegate, "--show-sealed")
    page_of(tunegate, "--show-sealed")
    first, shown = read_looks(LOOKS)
    assert shown.purpose.endswith("shown in a report")
    assert shown.subject != first.subject


def test_redacted_it_tells_no_case(tunegate: CommandLine) -> None:
    page = page_of(tunegate, "--redact")
    assert "This report leaves out texts" in page
    for split in ("train", "dev", "test"):
        assert case_text(split, 0) not in page + str(packed_cases(page))
    assert len(read_looks(LOOKS)) == 1


def test_the_cases_of_a_large_report_stand_beside_it(
    tunegate: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reports.html.MOST_INLINE", 100)
    page = page_of(tunegate)
    assert 'href="r-cases.html"' in page
    assert "case-data" not in page.partition("<script>")[0]
    beside = Path("r-cases.html").read_text(encoding="utf-8")
    assert len(packed_cases(beside)["sets"][0]["cases"]) == 60
    assert 'href="r.html"' in beside


def two_sealed_runs(tunegate: CommandLine) -> tuple[str, str]:
    runs = tunegate("runs", "tickets", "--json").document
    first, second = (run["id"] for run in runs if run["split"] == "test")
    return first, second


def test_two_runs_stand_side_by_side(tunegate: CommandLine) -> None:
    runs = tunegate("runs", "tickets", "--json").document
    dev = [run["id"] for run in runs if run["split"] == "dev"][:2]
    told = tunegate("report", *dev, "-o", "two.html", "--json")
    assert told.code == 0
    assert told.document == {
        "report": "two.html", "format": "html", **tunegate("compare", *dev, "--json").document
    }  # fmt: skip
    page = Path("two.html").read_text(encoding="utf-8")
    assert told.document["verdict"] in page.replace("&#39;", "'")
    assert len(packed_cases(page)["sets"][0]["cases"]) == 60
    assert case_text("dev", 0) in page + str(packed_cases(page))


def test_many_cases_of_two_runs_stand_beside_their_page(
    tunegate: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reports.html.MOST_INLINE", 100)
    runs = tunegate("runs", "tickets", "--json").document
    dev = [run["id"] for run in runs if run["split"] == "dev"][:2]
    assert tunegate("report", *dev, "-o", "two.html").code == 0
    assert 'href="two-cases.html"' in Path("two.html").read_text(encoding="utf-8")
    beside = Path("two-cases.html").read_text(encoding="utf-8")
    assert len(packed_cases(beside)["sets"][0]["cases"]) == 60
    assert 'href="two.html"' in beside


def test_cases_of_an_earlier_large_report_do_not_stay(
    tunegate: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as small:
        small.setattr("reports.html.MOST_INLINE", 100)
        page_of(tunegate, "--show-sealed")
    assert Path("r-cases.html").exists()
    page_of(tunegate, "--redact")
    assert not Path("r-cases.html").exists()


@pytest.mark.parametrize("make", ["file", "folder", "pipe"])
def test_what_is_in_the_way_of_the_cases_stays(
    tunegate: CommandLine, monkeypatch: pytest.MonkeyPatch, make: str
) -> None:
    monkeypatch.setattr("reports.html.MOST_INLINE", 100)
    beside = Path("r-cases.html")
    {
        "file": lambda: beside.write_text("mine"),
        "folder": beside.mkdir,
        "pipe": lambda: os.mkfifo(beside),
    }[make]()
    told = tunegate("report", "tickets", "--model", MODEL, "-o", "r.html")
    assert told.code == 2
    assert "r-cases.html" in told.err
    assert not Path("r.html").exists()
    assert make != "file" or beside.read_text() == "mine"


@pytest.mark.parametrize("file", ["dev.jsonl", "prompts/terse.j2", "suite.yaml"])
def test_a_comparison_replaces_no_file_of_a_suite(tunegate: CommandLine, file: str) -> None:
    runs = tunegate("runs", "tickets", "--json").document
    dev = [run["id"] for run in runs if run["split"] == "dev"][:2]
    before = Path("tickets", file).read_bytes()
    for command in (("report", *dev, "-o"), ("compare", *dev, "--markdown")):
        told = tunegate(*command, f"tickets/{file}")
        assert told.code == 2
        assert Path("tickets", file).read_bytes() == before


def test_a_name_that_is_not_text_is_written(tunegate: CommandLine) -> None:
    name = os.fsdecode(b"\xff.html")
    assert tunegate("report", "tickets", "--model", MODEL, "-o", name).code == 0
    assert Path(name).exists()


def test_two_sealed_runs_are_shown_as_a_look_only(tunegate: CommandLine) -> None:
    runs = two_sealed_runs(tunegate)
    assert tunegate("report", *runs, "-o", "two.html").code == 0
    page = Path("two.html").read_text(encoding="utf-8")
    assert case_text("test", 0) not in page + str(packed_cases(page))
    assert len(read_looks(LOOKS)) == 1
    assert tunegate("report", *runs, "--show-sealed", "-o", "two.html").code == 0
    page = Path("two.html").read_text(encoding="utf-8")
    assert case_text("test", 0) in page + str(packed_cases(page))
    assert len(read_looks(LOOKS)) == 2
    Path("tickets").rename("elsewhere")
    told = tunegate("report", *runs, "--show-sealed", "-o", "other.html")
    assert told.code == 2
    assert "a look at its sealed cases cannot be written down" in told.err
    assert not Path("other.html").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("tickets-dev-none", "tickets-dev-other"), "tickets-dev-none"),
        (("a", "b", "--format", "markdown"), "two runs are reported as HTML"),
    ],
)
def test_what_is_no_pair_of_runs_is_said(
    tunegate: CommandLine, arguments: tuple[str, ...], message: str
) -> None:
    told = tunegate("report", *arguments)
    assert told.code != 0
    assert message in told.err
    assert "Traceback" not in told.err


def test_without_a_name_it_is_an_index_that_leads_to_the_reports(tunegate: CommandLine) -> None:
    told = tunegate("report", "--json")
    assert (told.code, told.document) == (0, {"index": "tunegate-index.html", "suites": 2})
    page = Path("tunegate-index.html").read_text(encoding="utf-8")
    assert 'href="tickets-report.html"' in page
    assert "ship_adapter" in page
    assert case_text("dev", 0) not in page


def test_both_at_once_are_refused(tunegate: CommandLine) -> None:
    told = tunegate("report", "tickets", "--redact", "--show-sealed")
    assert told.code == 2
    assert "not allowed with" in told.err


def test_the_case_says_what_was_asked_and_how_to_run_it_again(tunegate: CommandLine) -> None:
    document = packed_cases(page_of(tunegate, "--show-sealed"))
    one = case_set(document, "sealed")["cases"][0]
    for side in one["sides"]:
        texts = [document["texts"][place] for _, place, _ in side["asked"]]
        assert any(document["texts"][one["fields"][0][1]] in text for text in texts)
    command = one["sides"][0]["command"]
    assert command.startswith(f"tunegate eval tickets --model {MODEL} --prompt ")
    assert command.endswith(f"--split test --case {one['id']}")
    again = tunegate(*command.split()[1:])
    assert again.code == 0
