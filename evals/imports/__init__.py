"""Results of other harnesses: read, checked, and made into runs of the ledger."""

from __future__ import annotations

from evals.imports.plain import Fields
from evals.imports.recognise import FORMATS, FormatName, read_results, select
from evals.imports.records import ImportedCase, ImportedResults
from evals.imports.runs import ImportedRun, run_of_name, run_of_suite

__all__ = [
    "FORMATS",
    "Fields",
    "FormatName",
    "ImportedCase",
    "ImportedResults",
    "ImportedRun",
    "read_results",
    "run_of_name",
    "run_of_suite",
    "select",
]
