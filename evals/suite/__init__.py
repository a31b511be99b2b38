"""Suites: read, validated, split, linted, and begun."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evals.lazy import importing

if TYPE_CHECKING:
    from evals.suite.check import CheckReport, check_suite
    from evals.suite.from_csv import CsvSuite, init_from_csv
    from evals.suite.load import load_suite
    from evals.suite.scaffold import init_suite
    from evals.suite.shipped import resolve_suite, shipped_names
    from evals.suite.spec import Suite
    from evals.suite.templates import PromptTemplate, compile_prompt

__all__ = [
    "CheckReport",
    "CsvSuite",
    "PromptTemplate",
    "Suite",
    "check_suite",
    "compile_prompt",
    "init_from_csv",
    "init_suite",
    "load_suite",
    "resolve_suite",
    "shipped_names",
]

# Loaded when asked for: importing one part of this package costs nothing of the others.
_HOMES = {
    "CheckReport": "evals.suite.check",
    "CsvSuite": "evals.suite.from_csv",
    "PromptTemplate": "evals.suite.templates",
    "Suite": "evals.suite.spec",
    "check_suite": "evals.suite.check",
    "compile_prompt": "evals.suite.templates",
    "init_from_csv": "evals.suite.from_csv",
    "init_suite": "evals.suite.scaffold",
    "load_suite": "evals.suite.load",
    "resolve_suite": "evals.suite.shipped",
    "shipped_names": "evals.suite.shipped",
}

__getattr__ = importing(__name__, _HOMES, globals())


def __dir__() -> list[str]:
    return __all__
