"""A job's records as one self-contained HTML file.

Three things keep hostile text harmless: every value passes `visible` and then Jinja2's
escaping, whatever the template does; the content security policy allows only the style
and the script that stand in the file, by their hashes; and nothing is ever marked safe
but those two.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from evals.comparison import Comparison
from evals.records import Case, Run
from evals.text import visible
from reports.case_data import encode_cases
from reports.disclosure import SEALED, Disclosure
from reports.excerpts import Passage
from reports.glossary import GLOSSARY
from reports.index import HEIGHT, IndexView, index_view
from reports.outcome import SingleView
from reports.stored import NotRun
from reports.two_runs import TwoRuns, two_runs_view
from reports.views import Page, page_view
from tuning.records import JobRecord

TEMPLATES = Path(__file__).parent / "templates"

SCRIPTS = ("report.js", "case_panel.js", "case_filter.js", "explorer.js")

MOST_INLINE = 6_000_000
"""Characters of packed cases that a report holds itself."""

LONGEST_NAME = 1_000  # characters

SECTIONS = (
    ("verdict", "Verdict"),
    ("why", "Why"),
    ("judge", "Judge"),
    ("outcome", "Before and after"),
    ("guards", "What must not be lost"),
    ("prompting", "How prompting was tried"),
    ("cost", "Cost"),
    ("failures", "What goes wrong"),
    ("training", "Training"),
    ("cases", "Cases"),
    ("reproduce", "How to reproduce"),
)


SECTIONS_OF_TWO = (
    ("verdict", "Result"),
    ("outcome", "A and B"),
    ("cost", "Cost of a call"),
    ("failures", "What goes wrong"),
    ("cases", "Cases"),
    ("reproduce", "The runs"),
)


class Pages(NamedTuple):
    """A report, and its cases as a page of their own where one file would be too large."""

    report: str
    cases: str | None


def render_html(job: JobRecord, told: Disclosure = SEALED) -> str:
    """The report on a job: the same records always give the same text, valid as UTF-8.

    `told` says which texts of cases and outputs it may hold; by default none of the sealed split.

    Raises RecordError when the job names a run that it does not hold.
    """
    return _render("page.html.j2", page := page_view(job, told), case_data=_packed(page))


def render_pages(job: JobRecord, told: Disclosure, names: tuple[str, str]) -> Pages:
    """The report, as `render_html` has it unless its cases take more than `MOST_INLINE`.

    Then they are a page beside it. The two are to be written under `names`, to which they lead.
    """
    return _pages("page.html.j2", page_view(job, told), names)


def render_runs(
    runs: tuple[Run, Run],
    cases: Mapping[str, Case],
    found: Comparison,
    told: Disclosure = SEALED,
    named: str = "",
) -> str:
    """Two stored runs side by side as one file.

    `cases` are by fingerprint; `found` is how the runs compare, `named` how a person names the
    suite.
    """
    page = two_runs_view(runs, cases, found, told, named)
    return _render("two_runs.html.j2", page, case_data=_packed(page))


def render_run_pages(
    runs: tuple[Run, Run],
    cases: Mapping[str, Case],
    found: Comparison,
    told: Disclosure,
    *,
    named: str,
    names: tuple[str, str],
) -> Pages:
    """The same, with the cases beside it where they take more than `MOST_INLINE`."""
    return _pages("two_runs.html.j2", two_runs_view(runs, cases, found, told, named), names)


def _pages(template: str, page: Page | TwoRuns, names: tuple[str, str]) -> Pages:
    report_file, cases_file = names
    data = _packed(page)
    if len(data) <= MOST_INLINE:
        return Pages(_render(template, page, case_data=data), None)
    return Pages(
        _render(template, page, cases_file=cases_file, cases_link=link_to(cases_file)),
        _render("cases_page.html.j2", page, case_data=data, report_link=link_to(report_file)),
    )


def render_index(
    runs: Mapping[tuple[str, str], Sequence[Run]],
    jobs: Mapping[tuple[str, str], JobRecord],
    links: Mapping[str, str],
) -> str:
    """All suites of a ledger as one page; see `reports.index.index_view`."""
    return _render("index.html.j2", index_view(runs, jobs, links), height=str(HEIGHT))


def link_to(name: str) -> str:
    """A file beside the page as the target of a link."""
    return quote(os.fsencode(name))


def _packed(page: Page | TwoRuns) -> Passage:
    return Passage("" if isinstance(page.cases, NotRun) else encode_cases(page.cases))


def _render(template: str, page: Page | TwoRuns | IndexView, **more: str) -> str:
    style, script = _asset("report.css"), "\n".join(map(_asset, SCRIPTS))
    return (
        _environment()
        .get_template(template)
        .render(
            page=page,
            **{"case_data": "", "cases_file": "", "cases_link": "", **more},
            sections=_sections(page),
            glossary=GLOSSARY,
            policy=content_policy(style, script),
            # The project's own files, not data: the only texts that are not escaped.
            style=Markup(style),  # noqa: S704
            script=Markup(script),  # noqa: S704
        )
    )


def _sections(page: Page | TwoRuns | IndexView) -> list[tuple[str, str]]:
    if not isinstance(page, Page):
        return list(SECTIONS_OF_TWO) if isinstance(page, TwoRuns) else []
    return [s for s in SECTIONS if s[0] != "judge" or page.judges]


def content_policy(style: str, script: str) -> str:
    """A content security policy that forbids everything but these two inline texts."""
    return (
        f"default-src 'none'; script-src '{_source(script)}'; style-src '{_source(style)}'; "
        "base-uri 'none'; form-action 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )


def _source(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return "sha256-" + base64.b64encode(digest).decode("ascii")


def _show(value: Any) -> Any:
    """What every template expression passes: text with its invisible parts made visible.

    Names and sentences are cut, because a browser takes seconds to lay out long unbroken
    ones; only a `Passage`, whose rest is counted beside it, is shown at its full length.
    """
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    if isinstance(value, Passage) or len(value) <= LONGEST_NAME:
        return visible(value, layout=True)
    return visible(value, LONGEST_NAME, layout=True)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_show,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    environment.tests["not_run"] = lambda value: isinstance(value, NotRun)
    environment.tests["single"] = lambda value: isinstance(value, SingleView)
    return environment


def _asset(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")
