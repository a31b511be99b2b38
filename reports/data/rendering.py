"""Reports as JSON text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evals.comparison import Comparison
from evals.records import Case, Run
from reports.data.comparison import comparison_data
from reports.data.document import report_data
from reports.data.encoding import encode
from reports.disclosure import SEALED, Disclosure
from tuning.records import JobRecord

SCHEMA = Path(__file__).parent.parent / "report.schema.json"


def render_json(job: JobRecord, told: Disclosure = SEALED) -> str:
    """The report on a job as JSON, of the shape that `report_schema` gives.

    The same records always give the same text. `told` says which texts of cases and outputs it
    may hold; by default none of the sealed split.

    Raises RecordError when the job names a run that it does not hold.
    """
    return encode(report_data(job, told))


def render_runs_json(
    runs: tuple[Run, Run],
    cases: Mapping[str, Case],
    found: Comparison,
    told: Disclosure = SEALED,
) -> str:
    """Two stored runs as JSON. `cases` are by fingerprint, `found` is how the runs compare."""
    return encode(comparison_data(runs, cases, found, told))


def report_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of what the two others write, as it is shipped.

    It allows further properties: they may be added within a version of `format`.
    """
    found: dict[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return found
