"""Two stored runs side by side: what is said is the comparison's own, and the rest agrees."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evals.comparison import compare_runs
from evals.records import Candidate, Case, Output, Run
from reports import Disclosure, render_runs
from reports.disclosure import EVERYTHING
from reports.two_runs import two_runs_view
from tests.reports.browsing import browser, watch
from tests.reports.case_reader import packed_cases
from tests.reports.hostile import PAYLOADS, poisoned
from tests.reports.page_reader import PageReader
from tests.reports.sample_job import make_cases, make_run, sample_job

__all__ = ["browser"]

Pair = tuple[tuple[Run, Run], dict[str, Case]]


def pair(first: float = 0.3, second: float = 0.6, count: int = 120, **options: Any) -> Pair:
    cases = make_cases(count, "dev", 5)
    a = make_run("one", cases, Candidate("m", "m1", "terse", "p1"), first, 1, **options)
    b = make_run("two", cases, Candidate("m", "m1", "spec", "p2"), second, 2, **options)
    return (a, b), {case.fingerprint: case for case in cases}


def page_of(made: Pair, told: Disclosure = EVERYTHING, **asked: float) -> str:
    runs, cases = made
    return render_runs(runs, cases, compare_runs(*runs, **asked), told)


@pytest.mark.parametrize(
    ("made", "asked", "headline"),
    [
        (pair(0.3, 0.6), {}, "B is better than A"),
        (pair(0.6, 0.3), {}, "B is worse than A"),
        (pair(0.5, 0.5), {}, "No difference shown"),
        (pair(0.6, 0.3), {"margin": 0.05}, "B is worse by more than the margin"),
        (pair(0.3, 0.6), {"margin": 0.05}, "A loss beyond the margin is ruled out"),
        (pair(0.3, 0.6), {"min_gain": 0.1}, "B gains what was asked for"),
        (pair(0.6, 0.3), {"min_gain": 0.1}, "The gain asked for is ruled out"),
        (pair(0.5, 0.5, 24), {"min_gain": 0.05}, "Not decided: the evidence is not enough"),
        (pair(0.3, 0.6, errors=40), {}, "Nothing is claimed: too many errors"),
    ],
)
def test_the_headline_answers_what_was_asked(
    made: Pair, asked: dict[str, float], headline: str
) -> None:
    runs, cases = made
    found = compare_runs(*runs, **asked)
    view = two_runs_view(runs, cases, found, EVERYTHING)
    assert (view.headline, view.sentence) == (headline, found.verdict)


def test_the_primary_metric_has_the_comparisons_own_numbers() -> None:
    runs, cases = pair()
    found = compare_runs(*runs)
    (row, *_) = two_runs_view(runs, cases, found, EVERYTHING).metrics
    assert (row.wins, row.losses) == (str(found.wins), str(found.losses))
    assert row.difference == f"{found.estimate:+.3f}"


def test_every_case_is_there_with_both_outputs_and_its_slices() -> None:
    made = pair(count=70)
    text = page_of(made)
    (shown,) = packed_cases(text)["sets"]
    assert len(shown["cases"]) == 70
    assert shown["sides"] == ["A: terse", "B: spec"]
    assert "origin: generated" in PageReader(text).text


def test_texts_may_be_left_out() -> None:
    made = pair()
    question = next(iter(made[1].values())).input["question"]
    assert isinstance(question, str)
    for told, there in ((EVERYTHING, True), (Disclosure(texts=False), False)):
        page = page_of(made, told)
        assert (question in page + str(packed_cases(page))) is there


def test_of_imported_results_neither_cost_nor_a_command_is_made_up() -> None:
    runs, cases = pair()

    def imported(run: Run) -> Run:
        candidate = replace(run.candidate, model="imported:x")
        results = (replace(r, output=Output(r.output.text, "stop")) for r in run.results)
        return replace(run, candidate=candidate, results=tuple(results))

    made = (imported(runs[0]), imported(runs[1])), cases
    page = page_of(made)
    assert "Neither tokens nor time are known" in page
    side = packed_cases(page)["sets"][0]["cases"][0]["sides"][0]
    assert (side["command"], side["cost"]) == ("", "")


@pytest.mark.parametrize("payload", PAYLOADS[::6])
def test_hostile_text_never_becomes_markup(payload: str) -> None:
    def of(text: str) -> PageReader:
        job = poisoned(text, sample_job(test_cases=14, dev_cases=4, guard_cases=4))
        runs = (job.runs[job.leader_test or ""], job.runs[job.adapter_test or ""])
        return PageReader(render_runs(runs, job.cases, compare_runs(*runs), EVERYTHING))

    page, allowed = of(payload), of("harmless ")
    assert set(page.tags) <= set(allowed.tags) | {"ins", "del"}
    assert page.attributes <= allowed.attributes
    assert page.classes <= allowed.classes


@pytest.mark.browser
def test_the_page_is_quiet_narrow_and_explores(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "two.html"
    path.write_text(page_of(pair(count=70), margin=0.1), encoding="utf-8")
    watched = watch(browser, path, viewport={"width": 320, "height": 700})
    page = watched.page
    page.wait_for_selector("#explorer:not([hidden])")
    assert page.inner_text("#shown") == "70 of 70 shown (1 to 50)."
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    watched.check()
    page.close()
