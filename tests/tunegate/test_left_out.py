"""A verdict says which stored runs it does not rest on, in the terminal and in the report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from reports import render_html, render_markdown
from tests.reports.sample_job import sample_job
from tests.sample_suite import write_suite
from tests.tunegate.command_line import CommandLine
from tests.tunegate.scenes import KNOWN, SIZES, write_model


def test_gate_says_how_many_runs_of_other_weights_and_older_prompts_it_left_out(
    tmp_path: Path, tunegate: CommandLine
) -> None:
    suite = write_suite(tmp_path / "tickets", sizes=SIZES)
    evaluate = ("eval", suite, "--model", "scripted:model.json", "--prompt")
    write_model(Path("model.json"))
    assert tunegate(*evaluate, "terse").code == 0
    write_model(Path("model.json"), [*KNOWN, {"contains": "nothing", "reply": "else"}])
    assert tunegate(*evaluate, "terse").code == 0
    template = suite / "prompts" / "spec.j2"
    assert tunegate(*evaluate, "spec").code == 0
    template.write_text(template.read_text() + " ")
    told = tunegate("gate", suite, "--model", "scripted:model.json")
    words = " ".join(told.out.split())
    assert "1 run of 1 other model fingerprint left out: this verdict is of" in words
    assert "1 run of older versions of the suite left out" in words
    document = tunegate("gate", suite, "--model", "scripted:model.json", "--json").document
    assert len(document["left_out"]) == 2


def test_the_report_says_what_was_left_out() -> None:
    job = sample_job()
    assert job.decision is not None
    said = "3 runs of 1 other model fingerprint left out: this verdict is of abc alone."
    told = replace(job, decision=replace(job.decision, left_out=(said,)))
    assert said in render_html(told)
    assert said in render_markdown(told)
    assert said not in render_html(job)
