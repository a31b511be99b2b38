from __future__ import annotations

from dataclasses import replace

from evals.codec import decode, encode
from evals.records import Finding
from reports import render_html
from reports.trained import MOST_NAMED, PREVIEW_CHARACTERS, TrainedView, trained_view
from tests.reports.sample_job import sample_job
from tuning.records import JobRecord, TrainingRecord


def job_with(**changes: object) -> JobRecord:
    """The sample job, its training changed."""
    job = sample_job()
    assert job.training is not None
    return replace(job, training=replace(job.training, **changes))


def view_of(job: JobRecord) -> TrainedView:
    view = trained_view(job)
    assert isinstance(view, TrainedView)
    return view


def test_the_trained_stretch_is_marked_by_more_than_its_colour() -> None:
    page = render_html(sample_job())
    start = page.index('<mark class="trained">')
    marked = page[start : page.index("</mark>", start)]
    assert "⟦P95(duration_ms)" in marked
    assert "⟧" in marked
    assert "trained: " in marked
    assert "end of what is trained" in marked
    assert "Translate the question." not in marked


def test_a_preview_that_is_cut_inside_a_trained_stretch_is_marked_to_its_end() -> None:
    preview = "read ⟦" + "w" * 2 * PREVIEW_CHARACTERS + "⟧ read"
    *_, last = view_of(job_with(preview=preview)).preview
    assert last.part == "added"
    assert last.text.startswith("⟦w")
    assert view_of(job_with(preview=preview)).preview_rest


def test_every_source_is_counted_and_old_records_say_nothing_of_it() -> None:
    assert view_of(sample_job()).sources == (("suite", "310"), ("file extra.jsonl", "90"))
    assert ">file extra.jsonl</th>" in render_html(sample_job())
    older = job_with(sources={})
    assert view_of(older).sources == ()
    assert "Examples by who made them" not in render_html(older)


def test_a_record_from_before_sources_were_counted_is_read() -> None:
    training = sample_job().training
    assert training is not None
    stored = encode(training)
    without = stored.replace(encode({"sources": training.sources})[1:-1], "").replace(",}", "}")
    assert "sources" not in without
    read = decode(without.replace(",,", ","), TrainingRecord)
    assert read == replace(training, sources={})


def test_a_finding_lists_its_rows_and_says_how_many_are_not_shown() -> None:
    rows = tuple(f"x.jsonl:{n}" for n in range(MOST_NAMED + 3))
    job = job_with(findings=(Finding("warning", "duplicate", "many repeat", "", rows),))
    (found,) = view_of(job).findings
    assert found.rows == rows[:MOST_NAMED]
    assert (found.rows_title, found.hidden) == (f"{MOST_NAMED + 3} rows", 3)
    assert f"<li>{rows[7]}</li>" in render_html(job)


def test_a_finding_whose_message_names_all_its_rows_lists_none() -> None:
    found = Finding("warning", "truncated", "2 prompts cut: a, b", "", ("a", "b"))
    assert [f.rows for f in view_of(job_with(findings=(found,))).findings] == [()]


def test_what_a_person_let_pass_is_shown_as_such() -> None:
    assert [f.level for f in view_of(sample_job()).findings].count("let pass") == 1
    assert ">let pass</strong> the same prompt has" in render_html(sample_job())
