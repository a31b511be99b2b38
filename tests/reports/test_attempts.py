"""What was tried: candidates that were stopped early, prompts, and what training would take."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reports import render_html, render_markdown
from reports.attempts import AttemptsView, attempts_view
from tests.reports.partial_jobs import gate_only
from tests.reports.sample_job import sample_job
from tuning.records import Interval, JobRecord, TrialLine


@pytest.fixture(scope="module")
def job() -> JobRecord:
    """The sample job, whose weakest candidate was stopped with the highest score of all."""
    whole = sample_job()
    assert whole.decision is not None
    *others, last = whole.decision.trials
    stopped = replace(last, stopped=True, cases=60, errors=2, score=Interval(0.99, 0.9, 1.0))
    return replace(whole, decision=replace(whole.decision, trials=(stopped, *others)))


def stopped_of(job: JobRecord) -> TrialLine:
    assert job.decision is not None
    return job.decision.trials[0]


def test_a_stopped_candidate_stands_last_with_its_case_count_and_is_not_drawn(
    job: JobRecord,
) -> None:
    view = attempts_view(job)
    assert isinstance(view, AttemptsView)
    assert job.decision is not None
    row = view.rows[-1]
    assert row.label == stopped_of(job).label
    assert row.cases == f"62 of {job.decision.cases}"
    assert f"stopped after 62 of {job.decision.cases} cases" in row.standing
    assert "1 candidate stopped early" in view.sentence
    assert view.forest is not None
    assert f"{row.label}:" not in view.forest.description
    assert f"{view.rows[0].label}:" in view.forest.description
    assert view.forest_hidden == 1
    assert view.plateau is not None
    assert "0.99" not in view.plateau.description


def test_both_reports_mark_it(job: JobRecord) -> None:
    assert job.decision is not None
    said = f"stopped after 62 of {job.decision.cases} cases"
    assert said in render_html(job)
    assert said in render_markdown(job)


def test_each_prompt_stands_once_with_all_that_it_was_tried_as() -> None:
    whole = sample_job()
    source = "Ask {{ question }}"
    shared = {"dev00002": source, "dev00003": source, "dev00000": "Other"}
    names = {"dev00002": "one", "dev00003": "one", "dev00000": "other"}
    runs = {
        key: replace(run, candidate=replace(run.candidate, prompt=names.get(key, "")))
        for key, run in whole.runs.items()
    }
    found = attempts_view(replace(whole, runs=runs, templates=shared))
    assert isinstance(found, AttemptsView)
    assert [(one.name, one.source.text) for one in found.prompts] == [
        ("one", source), ("other", "Other")
    ]  # fmt: skip
    assert found.prompts[0].used_by.count("spec") == 2


def test_before_training_it_is_told_what_that_would_take() -> None:
    page = render_html(gate_only())
    assert "training would take" in page
    assert "about 10 min 0 s" in page
    assert "training would take" not in render_html(sample_job())
