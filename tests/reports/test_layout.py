"""The report as laid out: nothing lies over anything, nothing is cut off, bars tell shares."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reports import render_html
from tests.reports.browsing import browser, watch
from tests.reports.sample_job import sample_job
from tuning.records import JobRecord, LossPoint

__all__ = ["browser"]

pytestmark = pytest.mark.browser

OPEN = "for (const one of document.querySelectorAll('details')) one.open = true"
OVERLAPS = """() => [...document.querySelectorAll("svg.chart")].flatMap(chart => {
  const texts = [...chart.querySelectorAll("text")]
    .map(one => ({said: one.textContent, box: one.getBoundingClientRect()}))
    .filter(one => one.box.width > 0);
  const lie = (a, b) =>
    Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 &&
    Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;
  return texts.flatMap((a, i) => texts.slice(i + 1).filter(b => lie(a.box, b.box))
    .map(b => `${a.said} | ${b.said}`));
})"""
OUTSIDE = """() => [...document.querySelectorAll("svg.chart text")]
  .map(one => ({said: one.textContent, box: one.getBoundingClientRect()}))
  .filter(one => one.box.width > 0 && (one.box.left < 0 || one.box.right > innerWidth))
  .map(one => one.said)"""
SIZES = """() => [...document.querySelectorAll("svg.chart text")]
  .filter(one => one.getBoundingClientRect().width > 0)
  .map(one => parseFloat(getComputedStyle(one).fontSize))"""
CUT = """() => [...document.querySelectorAll(".scroll")]
  .filter(one => one.scrollWidth > one.clientWidth + 1)
  .map(one => `${one.getAttribute("aria-label")}: ${one.scrollWidth} of ${one.clientWidth}`)"""
LANES = """() => [...document.querySelectorAll("svg.chart rect.lane")].map(lane => {
  const room = lane.getBoundingClientRect();
  const words = [...lane.parentNode.querySelectorAll("text")].map(t => t.getBoundingClientRect());
  const whisker = lane.parentNode.querySelector(".whisker").getBoundingClientRect();
  return words.every(box => box.top >= room.top - 3 && box.bottom <= room.bottom + 3) &&
    whisker.top >= room.bottom - 1;
})"""


def crowded() -> JobRecord:
    """The sample with long names, a role on a long one, and a training of many steps."""
    job = sample_job(60)
    assert job.decision is not None
    assert job.training is not None
    trials = tuple(
        replace(trial, label=f"{trial.label} + reasoning + structured")
        for trial in job.decision.trials
    )
    curve = tuple(
        LossPoint(n, n / 100, loss=5 / n, held_out=1.0 if n % 40 == 0 else None)
        for n in range(1, 301)
    )
    decision = replace(job.decision, trials=trials)
    return replace(job, decision=decision, training=replace(job.training, curve=curve))


@pytest.fixture(scope="module", params=["sample", "crowded"])
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    job = crowded() if request.param == "crowded" else sample_job(60)
    path = tmp_path_factory.mktemp("layout") / "report.html"
    path.write_text(render_html(job), encoding="utf-8")
    return path


@pytest.mark.parametrize("width", [320, 768, 1280])
def test_words_of_a_chart_lie_over_nothing_and_inside(
    browser: Any, report: Path, width: int
) -> None:
    watched = watch(browser, report, viewport={"width": width, "height": 900})
    page = watched.page
    page.evaluate(OPEN)
    assert page.evaluate(OVERLAPS) == []
    assert page.evaluate(OUTSIDE) == []
    assert min(page.evaluate(SIZES)) >= 11
    lanes = page.evaluate(LANES)
    assert lanes
    assert all(lanes)
    watched.check()
    page.close()


def test_no_table_is_cut_off_on_a_wide_page_or_on_paper(browser: Any, report: Path) -> None:
    watched = watch(browser, report, viewport={"width": 1280, "height": 900})
    page = watched.page
    page.evaluate(OPEN)
    assert page.evaluate(CUT) == []
    page.set_viewport_size({"width": 688, "height": 1000})  # A4 less the margins
    page.emulate_media(media="print")
    assert page.evaluate(CUT) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 688
    page.close()


def test_bars_are_as_long_as_what_they_tell(browser: Any, report: Path) -> None:
    watched = watch(browser, report, viewport={"width": 1280, "height": 900})
    page = watched.page
    bars = page.locator(".phases rect.bar").evaluate_all(
        "all => all.map(one => [one.getBoundingClientRect().width,"
        " one.parentNode.getBoundingClientRect().width])"
    )
    told = page.locator(".phases rect.bar").evaluate_all(
        "all => all.map(one => parseFloat(one.getAttribute('width')))"
    )
    assert len({round(width) for width, _ in bars}) > 1
    assert [100 * width / room for width, room in bars] == pytest.approx(told, abs=0.5)
    page.close()


def test_printing_opens_short_tables_leaves_long_ones_and_closes_again(
    browser: Any, tmp_path: Path
) -> None:
    path = tmp_path / "report.html"
    path.write_text(render_html(crowded()), encoding="utf-8")
    page = watch(browser, path).page
    state = "all => all.map(one => one.open)"
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details.long").evaluate_all(state) == [False]
    assert all(page.locator("details:not(.case, .long)").evaluate_all(state))
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert not any(page.locator("details:not(.case)").evaluate_all(state))
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_marks_and_lines_of_charts_stand_out(browser: Any, report: Path, scheme: str) -> None:
    """3:1 for what carries meaning (WCAG 1.4.11); a band has an edge that does."""
    from tests.reports.test_browser import contrast

    page = watch(browser, report, color_scheme=scheme).page
    colours = page.evaluate(
        """() => Object.fromEntries(["paper", "accent-wash", "ink", "soft", "accent", "good", "bad"]
          .map(n => [n, getComputedStyle(document.documentElement)
            .getPropertyValue("--" + n).trim().replace(/^#(.)(.)(.)$/, "#$1$1$2$2$3$3")]))"""
    )
    for line in ("ink", "soft", "accent", "good", "bad"):
        for back in ("paper", "accent-wash"):
            assert contrast(colours[line], colours[back]) >= 3, (line, back)
    assert page.locator(".band-edge").count() >= 1
    page.close()
