"""The page of all suites: verdicts as they stand, runs over time, and what is not there said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evals.records import Run
from reports import render_index
from reports.index import MOST_POINTS, index_view
from tests.reports.browsing import browser, watch
from tests.reports.hostile import PAYLOADS, poisoned
from tests.reports.page_reader import PageReader
from tests.reports.sample_job import sample_job
from tuning.records import JobRecord

__all__ = ["browser"]

PAIR = ("query_assistant", "smollm2-135m")


def stored(job: JobRecord | None = None) -> tuple[dict[tuple[str, str], list[Run]], JobRecord]:
    job = job or sample_job(20, 20, 20)
    runs: dict[tuple[str, str], list[Run]] = {}
    for run in job.runs.values():
        runs.setdefault((run.suite, run.candidate.model), []).append(run)
    return runs, job


def test_verdicts_come_first_with_their_scores_and_a_link() -> None:
    runs, job = stored()
    first, *rest = index_view(runs, {PAIR: job}, {PAIR[0]: "q.html"}).suites
    assert (first.suite, first.verdict, first.link) == (PAIR[0], "ship_adapter", "q.html")
    assert job.shipping is not None
    assert f"{job.shipping.sealed.after.estimate:.3f}" in first.sealed
    assert first.sealed_gain.startswith("+")
    assert rest
    assert {(row.headline, row.verdict, row.link) for row in rest} == {("No verdict", "", "")}


def test_runs_stand_over_time_and_the_line_is_the_best_so_far() -> None:
    runs, job = stored()
    row = index_view(runs, {PAIR: job}, {}).suites[0]
    dev = [run for run in runs[PAIR] if run.split == "dev"]
    assert len(row.line) == len(dev)
    assert row.told.startswith(f"{len(dev)} runs on dev: the first scored")
    heights = [float(there.y) for _, there in row.best]
    assert heights == sorted(heights, reverse=True)
    for (here, _), point in zip(row.best, row.line, strict=False):
        assert float(here.y) <= float(point.y)


def test_of_many_runs_the_newest_are_shown_and_the_rest_counted() -> None:
    runs, job = stored()
    many = [replace(runs[PAIR][0], id=f"r{n}", created=f"2026-01-{n:03}") for n in range(100)]
    row = index_view({PAIR: many}, {PAIR: job}, {}).suites[0]
    assert (len(row.runs), row.runs_hidden) == (MOST_POINTS, 100 - MOST_POINTS)
    assert row.runs[0].when == "2026-01-099"
    assert row.newest == "2026-01-09"


def test_a_suite_with_errors_alone_or_one_run_is_told() -> None:
    runs, _ = stored()
    (one, *_) = runs[PAIR]
    alone = index_view({PAIR: [one]}, {}, {}).suites[0]
    assert (len(alone.line), alone.best) == (1, ())
    failed = tuple(
        replace(r, output=replace(r.output, text=None, error="no"), scores={}) for r in one.results
    )
    none = index_view({PAIR: [replace(one, results=failed)]}, {}, {}).suites[0]
    assert (none.line, none.told, none.score) == ((), "No run on dev.", "–")


@pytest.mark.parametrize("payload", PAYLOADS[::8])
def test_hostile_names_never_become_markup(payload: str) -> None:
    def of(text: str) -> PageReader:
        runs, job = stored(poisoned(text, sample_job(14, 4, 4)))
        return PageReader(render_index(runs, {(job.suite, job.model): job}, {}))

    page, allowed = of(payload), of("harmless ")
    assert set(page.tags) <= set(allowed.tags)
    assert page.attributes <= allowed.attributes
    assert page.classes <= allowed.classes


@pytest.mark.browser
@pytest.mark.parametrize("width", [320, 1280])
def test_the_page_is_quiet_and_fits(browser: Any, tmp_path: Path, width: int) -> None:
    runs, job = stored()
    path = tmp_path / "index.html"
    path.write_text(render_index(runs, {PAIR: job}, {PAIR[0]: "q.html"}), encoding="utf-8")
    watched = watch(browser, path, viewport={"width": width, "height": 700})
    watched.page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    assert watched.page.evaluate("document.documentElement.scrollWidth") <= width
    watched.check()
    watched.page.close()
