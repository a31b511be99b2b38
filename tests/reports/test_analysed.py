"""The error analysis on the page: its own numbers, links that lead somewhere, hostile text."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from evals.failures import KINDS
from evals.suite.spec import MetricSpec, Suite
from reports import Disclosure, render_html, render_markdown
from reports.analysed import AnalysedView, analysed_view
from tests.reports.hostile import PAYLOADS, poisoned
from tests.reports.markdown_reader import foreign_kinds
from tests.reports.page_reader import PageReader
from tests.reports.partial_jobs import gate_only, nothing_run
from tests.reports.sample_job import sample_job
from tuning.failures import job_failures
from tuning.records import JobRecord


def with_failures(job: JobRecord) -> JobRecord:
    """The job with the analyses that a suite of its cases would give."""
    suite = Suite(
        name=job.suite,
        task=job.task,
        root=Path(),
        cases=tuple(job.cases.values()),
        prompts={},
        metrics={job.primary: MetricSpec(job.primary, "python@1")},
        primary=job.primary,
        slices=job.slices,
    )
    return replace(job, failures=job_failures(suite, job))


@cache
def job() -> JobRecord:
    return with_failures(sample_job())


@cache
def page() -> str:
    return render_html(job())


def section(text: str) -> str:
    """The part of the page that says what goes wrong."""
    return text[text.index('<section id="failures"') : text.index('<section id="training"')]


def view(of: JobRecord) -> AnalysedView:
    found = analysed_view(of)
    assert found is not None
    return found


def test_both_arms_are_analysed_on_dev_and_on_the_sealed_split() -> None:
    runs = ["dev00005", "devafter", "testbefore", "testafter"]
    assert [found.run for found in job().failures] == runs
    roles = [role for role, _ in view(job()).columns]
    assert roles == ["Best prompt, dev", "Adapter, dev", "Best prompt, sealed", "Adapter, sealed"]


def test_kinds_before_and_after_training_stand_side_by_side_with_their_own_numbers() -> None:
    text = PageReader(section(page())).text
    for number, found in enumerate(job().failures):
        assert sum(found.counts.values()) == found.failed
        for kind, count in found.counts.items():
            row = next(r for r in view(job()).kinds if r.name == kind.replace("_", " "))
            assert row.cells[number].count == str(count)
            assert f"{row.name} {row.meaning}" in text
    before, after = job().failures[2:]
    assert f"Best prompt, sealed: {before.failed} of 250 cases fail" in text
    assert f"Adapter, sealed: {after.failed} of 250 cases fail" in text


def test_a_bar_is_as_long_as_the_share_of_all_cases() -> None:
    found = job().failures[0]
    widths = re.findall(r'<rect class="bar" width="([\d.]+)%" height="6"', section(page()))
    assert f"{100 * found.counts['wrong_content'] / found.cases:.2f}" in widths
    assert all(0 <= float(width) <= 100 for width in widths)


def test_kinds_that_nothing_fails_by_have_no_row() -> None:
    shown = {row.name for row in view(job()).kinds}
    present = {kind for found in job().failures for kind in found.counts}
    assert shown == {kind.replace("_", " ") for kind in present}
    assert len(present) < len(KINDS)


def test_examples_lead_to_the_cases_they_name() -> None:
    links = re.findall(r'<a href="#(case-[^"]+)">([^<]+)</a>', section(page()))
    assert links
    failing = {failure.case_id for failure in job().failures[1].failures}
    for anchor, name in links:
        assert f'id="{anchor}"' in page()
        assert name in failing


def test_what_to_mend_is_read_off_dev_unless_sealed_texts_are_shown() -> None:
    found = analysed_view(job(), Disclosure())
    assert found is not None
    assert found.shown == "Adapter, dev"
    assert view(job()).shown == "Adapter, sealed"


def test_slices_and_what_tells_the_form_are_said() -> None:
    text = PageReader(section(page())).text
    assert "Form is told by the kinds of python@1." in text
    assert "origin: handwritten" in text
    assert "origin: generated" in text
    assert "topics of the inputs" in text


def test_without_an_analysis_the_section_is_as_it_was() -> None:
    assert analysed_view(sample_job()) is None
    assert "Failures as the scorer names them" in section(render_html(sample_job()))


def test_before_training_the_leader_stands_alone() -> None:
    found = view(with_failures(gate_only()))
    assert (found.shown, len(found.columns)) == ("Best prompt, dev", 1)
    assert with_failures(nothing_run()).failures == ()


def test_the_markdown_has_the_same_counts() -> None:
    text = render_markdown(job())
    part = text[text.index(">What goes wrong<") : text.index("## How to reproduce")]
    for found in job().failures:
        for count in found.counts.values():
            assert re.search(rf"\| {count} \(", part)


@cache
def hostile(payload: str) -> JobRecord:
    return with_failures(poisoned(payload, sample_job(test_cases=30, dev_cases=30)))


@pytest.mark.parametrize("payload", PAYLOADS[::4])
def test_hostile_text_stays_text_in_both(payload: str) -> None:
    found, allowed = (
        PageReader(section(render_html(hostile(text)))) for text in (payload, "harmless ")
    )
    assert set(found.tags) <= set(allowed.tags)
    assert found.attributes <= allowed.attributes
    assert "\x1b" not in found.text
    markdown = render_markdown(hostile(payload))
    assert "<summary>What goes wrong</summary>" in markdown
    assert not foreign_kinds(markdown)


def test_long_names_and_terms_are_cut() -> None:
    text = section(render_html(hostile("A" * 5_000)))
    assert "A" * 1_500 not in text
