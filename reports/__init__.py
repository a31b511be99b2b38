"""Stored runs and decisions, rendered as HTML, Markdown and JSON. Calls no model."""

from reports.data.rendering import render_json, render_runs_json, report_schema
from reports.disclosure import Disclosure
from reports.html import (
    render_html,
    render_index,
    render_pages,
    render_run_pages,
    render_runs,
)
from reports.markdown import render_markdown

__all__ = [
    "Disclosure",
    "render_html",
    "render_index",
    "render_json",
    "render_markdown",
    "render_pages",
    "render_run_pages",
    "render_runs",
    "render_runs_json",
    "report_schema",
]
