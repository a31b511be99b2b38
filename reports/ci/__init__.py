"""Verdicts of the regression gate as continuous integration reads them."""

from reports.ci.annotations import render_annotations
from reports.ci.junit import render_junit
from reports.ci.markdown import MARKER, render_ci_markdown

__all__ = ["MARKER", "render_annotations", "render_ci_markdown", "render_junit"]
