"""The report in a real browser, opened as a file: quiet, safe, and usable at any width."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evals.records import Score
from reports import render_html, render_pages
from reports.disclosure import EVERYTHING
from tests.reports.browsing import Watched, browser, watch
from tests.reports.hostile import PAYLOADS, poisoned
from tests.reports.partial_jobs import PARTIAL
from tests.reports.sample_job import sample_job

__all__ = ["browser"]

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render_html(sample_job(60), EVERYTHING), encoding="utf-8")
    return path


def test_hostile_text_does_nothing_at_all(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "hostile.html"
    path.write_text("<!doctype html><title>empty</title>", encoding="utf-8")
    watched = watch(browser, path, viewport={"width": 320, "height": 700})
    page = watched.page
    for payload in PAYLOADS:
        path.write_text(render_html(poisoned(payload), EVERYTHING), encoding="utf-8")
        page.reload()
        page.wait_for_selector("#explorer:not([hidden])")
        page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, payload[:40]
        page.evaluate("location.hash = document.querySelector('#case-rows a').hash")
        page.wait_for_selector("#one-case:not([hidden])")
        page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, payload[:40]
        watched.check()
    page.close()


@pytest.mark.parametrize("width", [320, 768, 1280])
def test_the_page_never_scrolls_sideways(browser: Any, report: Path, width: int) -> None:
    watched = watch(browser, report, viewport={"width": width, "height": 800})
    watched.page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    assert watched.page.evaluate("document.documentElement.scrollWidth") <= width
    watched.check()
    watched.page.close()


@pytest.mark.parametrize("make", PARTIAL, ids=lambda make: make.__name__)
def test_a_partial_report_is_quiet_and_fits(browser: Any, tmp_path: Path, make: Any) -> None:
    path = tmp_path / "partial.html"
    path.write_text(render_html(make()), encoding="utf-8")
    watched = watch(browser, path, viewport={"width": 320, "height": 700})
    assert watched.page.evaluate("document.documentElement.scrollWidth") <= 320
    watched.check()
    watched.page.close()


def explored(browser: Any, path: Path, fragment: str = "", **options: Any) -> Watched:
    """The report once its script shows all cases."""
    watched = watch(browser, path, fragment, **options)
    watched.page.wait_for_selector("#explorer:not([hidden])")
    return watched


def shown(page: Any) -> list[str]:
    """The ids of the cases in the list."""
    return page.locator("#case-rows a").all_inner_texts()


def test_the_filter_shows_what_is_asked_for(browser: Any, report: Path) -> None:
    watched = explored(browser, report)
    page = watched.page
    assert page.inner_text("#shown") == "60 of 60 shown (1 to 50)."
    assert len(shown(page)) == 50
    page.click("#later")
    assert len(shown(page)) == 10
    others = ("error", "fixed", "still_wrong", "still_right")
    for status in others:
        page.uncheck(f"input[value={status}]")
    found = page.locator("#case-rows .status").all_inner_texts()
    assert len(found) == page.locator("#first-cases [data-status=broken]").count() > 0
    assert set(found) == {"broken"}
    for status in others:
        page.check(f"input[value={status}]")
    page.fill("#needle", "TEST-007")
    assert shown(page) == ["test-007"]
    page.fill("#needle", "no such text anywhere")
    assert shown(page) == []
    assert page.is_visible("#none-shown")
    page.click("#reset")
    assert page.inner_text("#shown") == "60 of 60 shown (1 to 50)."
    watched.check()
    page.close()


def test_cases_are_picked_by_their_tags_and_by_how_they_fail(browser: Any, report: Path) -> None:
    watched = explored(browser, report)
    page = watched.page
    origin = page.locator("#picks label", has_text="origin").locator("select")
    origin.select_option("handwritten")
    by_hand = len(shown(page))
    origin.select_option("generated")
    assert len(shown(page)) + by_hand == 60
    page.locator("#picks label", has_text="failure").locator("select").select_option("grammar")
    kinds = page.locator("#case-rows tr td:last-child").all_inner_texts()
    assert kinds
    assert set(kinds) == {"grammar"}
    watched.check()
    page.close()


def test_cases_are_picked_by_what_became_of_them_by_another_metric(
    browser: Any, tmp_path: Path
) -> None:
    path, job = tmp_path / "metrics.html", sample_job(40)
    values = {}
    for name, shift in ((job.leader_test, 0), (job.adapter_test, 1)):
        assert name is not None
        run = job.runs[name]
        scored = [
            replace(r, scores={**r.scores, "tone": Score(0.9998 + (place + shift) % 4 / 15_000)})
            for place, r in enumerate(run.results)
            if not r.failed
        ]
        values[name] = {r.case_id: r.scores["tone"].value for r in scored}
        job = replace(job, runs=job.runs | {name: replace(run, results=tuple(scored))})
    old, new = values.values()
    both = old.keys() & new.keys()
    path.write_text(render_html(job, EVERYTHING), encoding="utf-8")
    watched = explored(browser, path, "#cases?of=sealed&metric.tone=worse")
    page = watched.page
    assert sorted(shown(page)) == sorted(one for one in both if new[one] < old[one])
    tone = page.locator("#picks label", has_text="by tone").locator("select")
    assert tone.input_value() == "worse"
    tone.select_option("full marks")
    right = sorted(one for one in both if new[one] >= 1)
    assert sorted(shown(page)) == right, "by the scores, not by the digits that are shown"
    assert 0 < len(right) < len(both)
    page.click("#reset")
    assert tone.input_value() == ""
    assert page.locator("#picks label", has_text="by correct").count() == 0
    watched.check()
    page.close()


def test_what_differs_from_what_was_expected_is_marked_where_it_is_asked_for(
    browser: Any, report: Path
) -> None:
    watched = explored(browser, report, "#cases?status=broken,still_wrong")
    page = watched.page
    page.locator("#case-rows a").first.click()
    wanted = page.locator("#one-case .fields dd").last.inner_text()
    sides = page.locator("#one-case .sides .side")
    assert page.is_checked("input[name=marked][value=other]")
    page.check("input[name=marked][value=expected]")
    for place in range(sides.count()):
        side = sides.nth(place)
        if side.locator("text=what this output lacks").count() == 0:
            continue
        expected = side.locator(".output").nth(1)
        assert expected.inner_text() == wanted
        kept = side.locator(".output").first.evaluate(
            "one => [...one.childNodes].filter((part) => part.nodeName !== 'DEL')"
            ".map((part) => part.textContent).join('')"
        )
        same = expected.evaluate(
            "one => [...one.childNodes].filter((part) => part.nodeName !== 'INS')"
            ".map((part) => part.textContent).join('')"
        )
        assert kept.split() == same.split(), "what is not marked is in both"
        assert side.locator(".output del, .output ins").count() > 0
    assert page.locator("text=what this output lacks").count() > 0
    page.get_by_role("link", name="Next").click()
    page.wait_for_function(
        "() => document.querySelector('#one-case .steps').textContent.includes('2 of')"
    )
    assert page.is_checked("input[name=marked][value=expected]"), "what is chosen stays"

    page.goto(f"{watched.address}#cases?status=still_right,fixed")
    page.wait_for_selector("#case-list:not([hidden])")
    page.click("#case-rows a >> nth=-1")
    page.wait_for_selector("#one-case:not([hidden])")
    assert page.locator("#one-case .status").first.inner_text().endswith("still right")
    assert page.locator("input[name=marked]").count() == 0
    assert "underlined" not in page.inner_text("#one-case"), "nothing is held against full marks"
    watched.check()
    page.close()


def test_the_head_of_the_list_sorts_it(browser: Any, report: Path) -> None:
    watched = explored(browser, report)
    page = watched.page
    page.get_by_role("button", name="Case", exact=True).click()
    assert shown(page) == [f"test-{number:03}" for number in range(1, 51)]
    assert page.locator("#case-head th").nth(1).get_attribute("aria-sort") == "ascending"
    page.get_by_role("button", name="Case", exact=True).click()
    assert shown(page)[0] == "test-060"
    page.get_by_role("button", name="After").click()
    after = page.locator("#case-rows tr td:nth-child(4)").all_inner_texts()
    assert after == sorted(after, key=lambda text: -1 if text == "error" else float(text))[::-1]
    watched.check()
    page.close()


def test_a_link_to_a_case_shows_it_and_its_neighbours(browser: Any, report: Path) -> None:
    watched = explored(browser, report, "#case-test-030")
    page = watched.page
    assert page.inner_text("#one-case .id") == "test-030"
    assert page.evaluate("document.activeElement.id") == "one-case"
    assert not page.is_visible("#filter")
    page.evaluate("location.hash = '#case-test-031'")
    page.wait_for_function(
        "() => document.querySelector('#one-case .id').textContent == 'test-031'"
    )
    page.get_by_role("link", name="All cases").click()
    page.fill("#needle", "checkout")
    order = shown(page)
    page.click("#case-rows a >> nth=0")
    for expected in order[1:3]:
        page.get_by_role("link", name="Next").click()
        page.wait_for_function(f"() => location.hash == '#case-{expected}'")
        assert page.inner_text("#one-case .id") == expected
    page.get_by_role("link", name="Previous").click()
    page.wait_for_function(f"() => location.hash == '#case-{order[1]}'")
    page.go_back()
    page.wait_for_function(f"() => location.hash == '#case-{order[2]}'")
    watched.check()
    page.close()


def test_a_link_to_no_case_is_said_and_leaving_a_case_leads_back_to_its_row(
    browser: Any, report: Path
) -> None:
    watched = explored(browser, report, "#case-none")
    page = watched.page
    assert page.is_visible("#no-such")
    page.click("#case-rows a >> nth=2")
    page.wait_for_selector("#one-case:not([hidden])")
    assert not page.is_visible("#no-such")
    left = page.inner_text("#one-case .id")
    assert page.is_visible("text=To run it is a look at a sealed case, and written down as one:")
    page.get_by_role("link", name="All cases").click()
    page.wait_for_selector("#case-list:not([hidden])")
    assert page.evaluate("document.activeElement.textContent") == left
    watched.check()
    page.close()


def test_the_list_is_what_the_address_says(browser: Any, report: Path) -> None:
    watched = explored(browser, report)
    page = watched.page
    page.goto(f"{watched.address}#cases?status=broken")
    page.wait_for_function("() => !document.querySelector('#shown').textContent.startsWith('60')")
    for leave in (page.go_back, lambda: page.goto(f"{watched.address}#case-none")):
        leave()
        page.wait_for_function(
            "() => document.querySelector('#shown').textContent.startsWith('60 of 60')"
        )
        page.goto(f"{watched.address}#cases?status=broken")
        page.wait_for_function(
            "() => !document.querySelector('#shown').textContent.startsWith('60')"
        )
    watched.check()
    page.close()


@pytest.mark.parametrize("fragment", ["#%", "#%E0%A4%A", "#__proto__"])
def test_a_junk_link_shows_all_cases(browser: Any, report: Path, fragment: str) -> None:
    watched = explored(browser, report, fragment)
    assert watched.page.inner_text("#shown") == "60 of 60 shown (1 to 50)."
    assert len(shown(watched.page)) == 50
    watched.check()
    watched.page.close()


def test_coming_back_the_list_and_the_filter_agree(browser: Any, report: Path) -> None:
    watched = explored(browser, report)
    page = watched.page
    page.uncheck("input[value=broken]")
    page.fill("#needle", "checkout")
    page.goto("about:blank")
    page.go_back()
    page.wait_for_selector("#explorer:not([hidden])")
    boxes = page.locator("input[name=status]:checked").evaluate_all("a => a.map(b => b.value)")
    counted = page.inner_text("#shown").split(" of ")[0]
    page.fill("#needle", page.input_value("#needle") + " ")
    assert page.inner_text("#shown").split(" of ")[0] == counted
    assert page.locator("#case-rows tr").count() == min(50, int(counted))
    assert len(boxes) in {4, 5}
    page.close()


def test_the_filter_stands_in_the_link(browser: Any, report: Path) -> None:
    watched = explored(browser, report)
    page = watched.page
    for status in ("error", "fixed", "still_wrong", "still_right"):
        page.uncheck(f"input[value={status}]")
    page.locator("#picks label", has_text="failure").locator("select").select_option("grammar")
    page.fill("#needle", "grammar: expected")
    page.fill("#needle", "p")
    page.get_by_role("button", name="Tokens").click()
    found = shown(page)
    assert 0 < len(found) < 60
    page.wait_for_function("() => location.hash.includes('sort=Tokens')")
    page.goto(f"{watched.address}{page.evaluate('location.hash')}")
    page.reload()
    page.wait_for_selector("#explorer:not([hidden])")
    assert shown(page) == found
    assert page.input_value("#needle") == "p"
    assert page.locator("input[name=status]:checked").count() == 1
    page.click("#case-rows a >> nth=0")
    page.wait_for_selector("#one-case:not([hidden])")
    page.get_by_role("link", name="All cases").click()
    page.wait_for_selector("#case-list:not([hidden])")
    assert shown(page) == found
    watched.check()
    page.close()


@pytest.mark.parametrize(
    "fragment",
    [
        "#cases?",
        "#cases?of=%00&status=%&page=-9&sort=x",
        "#cases?status=,,none2&tag.=&page=9e9",
        "#cases?tag.nosuch=x&tag.origin=nosuch&failure=nosuch",
        "#cases?metric.correct=better",
    ],
)
def test_a_link_to_a_filter_that_is_none_shows_all(
    browser: Any, report: Path, fragment: str
) -> None:
    watched = explored(browser, report, fragment)
    assert watched.page.inner_text("#shown").startswith("60 of 60 shown")
    watched.check()
    watched.page.close()


@pytest.mark.parametrize(("word", "status"), [("better", "fixed"), ("worse", "broken")])
def test_a_count_leads_to_the_cases_it_counts(
    browser: Any, report: Path, word: str, status: str
) -> None:
    watched = explored(browser, report)
    page = watched.page
    counted = int(page.inner_text(f".balance .{status} b"))
    page.locator(".balance a", has_text=word).click()
    page.wait_for_function(
        "text => document.getElementById('shown').textContent != text",
        arg="60 of 60 shown (1 to 50).",
    )
    assert len(shown(page)) == counted > 0
    assert set(page.locator("#case-rows .status").all_inner_texts()) == {status}
    watched.check()
    page.close()


def test_a_status_that_no_case_has_shows_none_of_them(browser: Any, tmp_path: Path) -> None:
    path, job = tmp_path / "unbroken.html", sample_job(20)
    assert job.leader_test is not None
    assert job.adapter_test is not None
    after = job.runs[job.adapter_test]
    unbroken = replace(job.runs[job.leader_test], results=after.results)
    path.write_text(
        render_html(replace(job, runs=job.runs | {job.leader_test: unbroken}), EVERYTHING),
        encoding="utf-8",
    )
    watched = explored(browser, path, "#cases?of=sealed&status=broken")
    assert watched.page.inner_text("#shown") == "0 of 20 shown."
    assert watched.page.is_visible("#none-shown")
    assert watched.page.is_checked("input[value=broken]")
    watched.check()
    watched.page.close()


def test_a_slice_leads_to_its_cases(browser: Any, report: Path) -> None:
    watched = explored(browser, report)
    page = watched.page
    row = page.locator("#outcome tr", has_text="origin: generated")
    counted = int(row.locator("td").last.inner_text())
    row.locator("a").click()
    page.wait_for_function("() => location.hash.includes('tag.origin=generated')")
    page.wait_for_function("() => document.getElementById('shown').textContent.length < 20")
    assert len(shown(page)) in {counted, counted + 1}  # one without a score is not compared
    watched.check()
    page.close()


def test_dev_and_sealed_cases_stand_in_turn(browser: Any, report: Path) -> None:
    watched = explored(browser, report, "#case-dev-007")
    page = watched.page
    assert page.inner_text("#one-case .id") == "dev-007"
    page.get_by_role("link", name="All cases").click()
    page.wait_for_selector("#filter:not([hidden])")
    assert page.inner_text("#shown") == "200 of 200 shown (1 to 50)."
    page.check("input[value=sealed]")
    assert page.inner_text("#shown") == "60 of 60 shown (1 to 50)."
    assert page.evaluate("document.activeElement.value") == "sealed"
    watched.check()
    page.close()


def test_a_case_of_the_list_says_what_the_page_says_without_a_script(
    browser: Any, report: Path
) -> None:
    watched = explored(browser, report)
    page = watched.page
    for anchor in page.locator("#first-cases details").evaluate_all("a => a.map(d => d.id)"):
        page.evaluate(f"location.hash = '#{anchor}'")
        page.wait_for_function(
            f"() => document.querySelector('#one-case h3').dataset.anchor == '{anchor}'"
        )
        for part in (".output", ".fields dd", ".scores", ".side > .fine"):
            written = "a => a.map(one => one.textContent)"
            static = page.locator(f"#first-cases details[id='{anchor}'] {part}")
            made = page.locator(f"#one-case {part}")
            assert made.evaluate_all(written) == static.evaluate_all(written), (anchor, part)
        for mark in ("ins", "del"):
            static = page.locator(f"#first-cases details[id='{anchor}'] {mark}")
            assert page.locator(f"#one-case {mark}").all_text_contents() == (
                static.all_text_contents()
            )
    watched.check()
    page.close()


def test_the_command_that_runs_a_case_is_copied(browser: Any, report: Path) -> None:
    context = browser.new_context()
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(f"{report.as_uri()}#case-test-030")
    page.click("#one-case button >> nth=0")
    page.get_by_text("Copied.").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == (
        "tunegate eval query_assistant --model smollm2-135m --prompt spec --nearest 4 "
        "--split test --case test-030"
    )
    context.close()


def test_a_large_report_leads_to_its_cases_and_back(
    browser: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reports.html.MOST_INLINE", 100)
    names = ("a report.html", "a report-cases.html")
    pages = render_pages(sample_job(90), EVERYTHING, names)
    assert pages.cases is not None
    (tmp_path / "a report.html").write_text(pages.report, encoding="utf-8")
    (tmp_path / "a report-cases.html").write_text(pages.cases, encoding="utf-8")
    watched = watch(browser, tmp_path / "a report.html")
    page = watched.page
    assert page.locator("#first-cases details").count() == 60
    assert page.locator("#first-cases details").first.is_visible()
    assert not page.is_visible("#explorer")
    watched.check()
    page.get_by_role("link", name="a report-cases.html").click()
    page.wait_for_selector("#explorer:not([hidden])")
    assert page.inner_text("#shown") == "90 of 90 shown (1 to 50)."
    page.get_by_role("link", name="the report").click()
    page.wait_for_selector("#verdict")
    counted = page.inner_text(".balance .broken b")
    page.locator(".balance .broken a").click()
    page.wait_for_selector("#explorer:not([hidden])")
    assert page.inner_text("#shown") == f"{counted} of 90 shown."
    assert watched.messages == []
    page.close()


def test_everything_is_there_without_javascript(browser: Any, report: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report.as_uri())
    assert page.is_visible("text=Better than prompting, below the target")
    assert not page.is_visible("#explorer")
    assert page.locator("details.case").count() == 60
    assert page.locator("details.case").nth(59).is_visible()
    page.locator("details.case summary").first.click()
    assert page.locator("details.case .side").first.is_visible()
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_enough_contrast(browser: Any, report: Path, scheme: str) -> None:
    watched = watch(browser, report, color_scheme=scheme)
    colours = watched.page.evaluate(
        """() => {
          const style = getComputedStyle(document.documentElement);
          const names = ["paper", "card", "wash", "ink", "soft", "accent", "accent-wash",
                         "good", "good-wash", "bad", "bad-wash", "wait", "wait-wash"];
          return Object.fromEntries(names.map(n => [n, style.getPropertyValue("--" + n).trim()]));
        }"""
    )
    pairs = [(a, b) for a in ("ink", "soft", "accent") for b in ("paper", "card", "wash")]
    pairs += [(tone, f"{tone}-wash") for tone in ("accent", "good", "bad", "wait")]
    pairs += [(a, "accent-wash") for a in ("ink", "soft")]
    pairs += [(tone, "paper") for tone in ("good", "bad", "wait")]
    for front, back in pairs:
        assert contrast(colours[front], colours[back]) >= 4.5, (front, back)
    watched.page.close()


def contrast(first: str, second: str) -> float:
    """Contrast ratio of WCAG 2.2 between two `#rrggbb` colours."""
    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_printing_gives_pages_with_the_sections_opened(browser: Any, report: Path) -> None:
    watched = watch(browser, report)
    document = watched.page.pdf(format="A4")
    assert document.startswith(b"%PDF")
    watched.page.emulate_media(media="print")
    assert not watched.page.is_visible(".contents")
    watched.check()
    watched.page.close()
