"""Suites: read, validated, split, linted, and begun."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

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
    "CheckReport": "check",
    "CsvSuite": "from_csv",
    "PromptTemplate": "templates",
    "Suite": "spec",
    "check_suite": "check",
    "compile_prompt": "templates",
    "init_from_csv": "from_csv",
    "init_suite": "scaffold",
    "load_suite": "load",
    "resolve_suite": "shipped",
    "shipped_names": "shipped",
}


def __getattr__(name: str) -> Any:
    """Import a public name from its module on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
