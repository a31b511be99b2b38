"""axe-core finds nothing in any state of the report that breaks WCAG 2.2 AA."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from evals.comparison import compare_runs
from reports import render_html, render_index, render_runs
from reports.disclosure import EVERYTHING
from tests.reports.browsing import browser
from tests.reports.partial_jobs import gate_only, nothing_run, trained_not_judged
from tests.reports.sample_job import sample_job
from tests.reports.test_index import PAIR, stored
from tuning.records import JobRecord

__all__ = ["browser"]

pytestmark = pytest.mark.browser

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WIDTHS = {"wide": 1280, "narrow": 320}


@contextmanager
def opened(browser: Any, folder: Path, text: str, **options: Any) -> Iterator[Any]:
    """A page whose policy is not held to: it would refuse the checker's own script."""
    path = folder / "page.html"
    path.write_text(text, encoding="utf-8")
    context = browser.new_context(bypass_csp=True, **options)
    page = context.new_page()
    page.goto(path.as_uri())
    yield page
    context.close()


def violations(page: Any) -> list[str]:
    """What axe-core objects to, with where, once all that can be opened is open."""
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    found = axe.run(page, options={"runOnly": RULES}).response["violations"]
    return [f"{one['id']}: {node['target']}" for one in found for node in one["nodes"]]


def whole() -> JobRecord:
    return sample_job(test_cases=70, dev_cases=20, guard_cases=20)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_the_whole_report(browser: Any, tmp_path: Path, scheme: str, width: int) -> None:
    size = {"width": width, "height": 900}
    text = render_html(whole(), EVERYTHING)
    with opened(browser, tmp_path, text, color_scheme=scheme, viewport=size) as page:
        page.wait_for_selector("#explorer:not([hidden])")
        assert violations(page) == []
        page.click("#case-rows a >> nth=0")
        page.wait_for_selector("#one-case:not([hidden])")
        assert violations(page) == []


@pytest.mark.parametrize("make", [nothing_run, gate_only, trained_not_judged])
def test_a_report_of_an_unfinished_job(
    browser: Any, tmp_path: Path, make: Callable[[], JobRecord]
) -> None:
    with opened(browser, tmp_path, render_html(make())) as page:
        assert violations(page) == []


def test_two_runs_side_by_side(browser: Any, tmp_path: Path) -> None:
    job = whole()
    runs = (job.runs[job.leader_test or ""], job.runs[job.adapter_test or ""])
    text = render_runs(runs, job.cases, compare_runs(*runs), EVERYTHING)
    with opened(browser, tmp_path, text) as page:
        page.wait_for_selector("#explorer:not([hidden])")
        assert violations(page) == []


def test_the_page_of_all_suites(browser: Any, tmp_path: Path) -> None:
    runs, job = stored()
    with opened(browser, tmp_path, render_index(runs, {PAIR: job}, {PAIR[0]: "q.html"})) as page:
        assert violations(page) == []


def test_without_a_script(browser: Any, tmp_path: Path) -> None:
    """The checker needs scripts itself, so the page's own is taken out."""
    text = render_html(whole(), EVERYTHING)
    bare = text[: text.rindex("<script>")] + "</body></html>"
    with opened(browser, tmp_path, bare) as page:
        assert violations(page) == []
