"""A job's records as one self-contained HTML file.

Three things keep hostile text harmless: every value passes `visible` and then Jinja2's
escaping, whatever the template does; the content security policy allows only the style
and the script that stand in the file, by their hashes; and nothing is ever marked safe
but those two.
"""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from evals.text import visible
from reports.case_data import encode_cases
from reports.disclosure import SEALED, Disclosure
from reports.excerpts import Passage
from reports.outcome import SingleView
from reports.stored import NotRun
from reports.views import page_view
from tuning.records import JobRecord

TEMPLATES = Path(__file__).parent / "templates"

SCRIPTS = ("report.js", "explorer.js")

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


def render_html(job: JobRecord, told: Disclosure = SEALED) -> str:
    """The report on a job: the same records always give the same text, valid as UTF-8.

    `told` says which texts of cases and outputs it may hold; by default none of the sealed split.

    Raises RecordError when the job names a run that it does not hold.
    """
    style, script = _asset("report.css"), "\n".join(map(_asset, SCRIPTS))
    page = page_view(job, told)
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            page=page,
            case_data=Passage("" if isinstance(page.cases, NotRun) else encode_cases(page.cases)),
            sections=[s for s in SECTIONS if s[0] != "judge" or page.judges],
            policy=content_policy(style, script),
            # The project's own files, not data: the only texts that are not escaped.
            style=Markup(style),  # noqa: S704
            script=Markup(script),  # noqa: S704
        )
    )


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
