"""Size of a report, and how soon it can be read and searched in a browser, by its number of cases.

    python -m benchmarks.report_speed [--cases 250 2000 20000] [--repeats 3]

Each case has a question of about 40 words and two answers of about 60, drawn from 5,000 words,
which compress worse than language does. Times are those of the browser's own clock: first paint
from the beginning of loading, then how long a keystroke in the search field, a click on a filter
and a click on a column's head take until the list stands. Medians of several openings, in
brackets the fastest and the slowest. The table is written to `benchmarks/report_speed.md`.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from reports import Disclosure, render_pages
from tests.reports.browsing import ARGUMENTS, find_chromium
from tests.reports.sample_job import sample_job
from tuning.records import JobRecord

OUTPUT = Path(__file__).with_suffix(".md")
TIMED = """
([action, argument]) => {
  const begin = performance.now();
  if (action === "search") {
    const field = document.getElementById("needle");
    field.value = argument;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  } else {
    document.querySelector(argument).click();
  }
  document.body.getBoundingClientRect();
  return performance.now() - begin;
}
"""
ACTIONS = {
    "search": ("search", "word17"),
    "filter": ("click", "input[value=fixed]"),
    "sort": ("click", "#case-head th:nth-child(2) button"),
}


def main() -> None:
    """Measure and write the table."""
    options = _options()
    lines = [line_of(cases, options.repeats) for cases in options.cases]
    OUTPUT.write_text(_page(lines), encoding="utf-8")
    print(_page(lines))


def wordy_job(cases: int) -> JobRecord:
    """The sample job with long texts of its own for every sealed case."""
    job = sample_job(test_cases=cases)
    rng = random.Random(cases)

    def words(count: int) -> str:
        return " ".join(f"word{rng.randrange(5000)}" for _ in range(count))

    sealed = {key: case for key, case in job.cases.items() if case.split == "test"}
    told = {key: replace(case, input={"question": words(40)}) for key, case in sealed.items()}
    runs = dict(job.runs)
    for name in filter(None, (job.leader_test, job.adapter_test)):
        results = (
            replace(one, output=replace(one.output, text=words(60))) if one.output.text else one
            for one in runs[name].results
        )
        runs[name] = replace(runs[name], results=tuple(results))
    return replace(job, cases={**job.cases, **told}, runs=runs)


def line_of(cases: int, repeats: int) -> list[str]:
    """The cells of one row: sizes, and how long each step took."""
    job = wordy_job(cases)
    begin = time.perf_counter()
    pages = render_pages(job, Disclosure(sealed=True), ("report.html", "report-cases.html"))
    seconds = time.perf_counter() - begin
    with tempfile.TemporaryDirectory() as folder:
        report, beside = Path(folder, "report.html"), Path(folder, "report-cases.html")
        report.write_text(pages.report, encoding="utf-8")
        if pages.cases is not None:
            beside.write_text(pages.cases, encoding="utf-8")
        explored = beside if pages.cases is not None else report
        opened = [_opened(report, explored) for _ in range(repeats)]
    sizes = [len(text.encode()) / 1e6 for text in pages if text is not None]
    return [
        f"{cases:,}",
        " + ".join(f"{size:.1f}" for size in sizes),
        f"{seconds:.1f}",
        *(_median([one[name] for one in opened]) for name in opened[0]),
    ]


def _opened(report: Path, explored: Path) -> dict[str, float]:
    """Milliseconds of one opening, in a browser of its own."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        page = browser.new_page()
        page.goto(report.as_uri())
        times = {"paint": _paint(page)}
        page.goto(explored.as_uri())
        page.wait_for_selector("#explorer:not([hidden])", timeout=120_000)
        times["list"] = page.evaluate("performance.now()")
        page.wait_for_timeout(3_000)  # what the page does while nobody waits
        times |= {name: page.evaluate(TIMED, list(action)) for name, action in ACTIONS.items()}
        browser.close()
    return times


def _paint(page: Any) -> float:
    found = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
    while (at := page.evaluate(found)) is None:
        page.wait_for_timeout(20)
    return float(at)


def _median(values: list[float]) -> str:
    low, high = min(values), max(values)
    return f"{statistics.median(values):.0f} ({low:.0f} to {high:.0f})"


def _page(lines: list[list[str]]) -> str:
    head = ["cases", "MB", "rendered, s", "first paint, ms", "list, ms"]
    head += [f"{name}, ms" for name in ACTIONS]
    rows = [head, ["---:"] * len(head), *lines]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    said = "Written by `python -m benchmarks.report_speed`, which says what is measured and how."
    return f"# Size and speed of a report\n\n{said}\n\n{table}\n"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", nargs="+", type=int, default=[250, 2_000, 20_000])
    parser.add_argument("--repeats", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    main()
