"""Stored runs and decisions, rendered as HTML and Markdown. Calls no model."""

from reports.disclosure import Disclosure
from reports.html import render_html, render_index, render_pages, render_runs
from reports.markdown import render_markdown

__all__ = [
    "Disclosure",
    "render_html",
    "render_index",
    "render_markdown",
    "render_pages",
    "render_runs",
]
