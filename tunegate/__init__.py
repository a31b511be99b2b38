"""tunegate: evals first, prompts second, fine-tuning only when the evidence says so.

The public facade: import from `tunegate`, not from the packages behind it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evals.approach import Approach, Technique
    from evals.comparison import Comparison, compare_runs, compare_scores, read_scores
    from evals.errors import TunegateError
    from evals.ledger import Ledger
    from evals.models import ScriptedModel, open_model
    from evals.prompting import make_candidate
    from evals.records import Candidate, Case, Output, Part, Run, Score
    from evals.runner import Runner
    from evals.scorers import build_scorers
    from evals.suite import Suite, check_suite, load_suite
    from reports import render_html, render_json, render_markdown, report_schema
    from tunegate.pytesting.records import Evaluation, TunegateWarning
    from tuning.gate.deciding import decide
    from tuning.gate.evidence import Evidence, Policy
    from tuning.job import Job
    from tuning.records import Decision, JobRecord, ShipDecision
    from tuning.stored import load_job

__version__ = "0.1.0"

_HOMES = {
    "Approach": "evals.approach",
    "Candidate": "evals.records",
    "Case": "evals.records",
    "Comparison": "evals.comparison",
    "Decision": "tuning.records",
    "Evaluation": "tunegate.pytesting.records",
    "Evidence": "tuning.gate.evidence",
    "Job": "tuning.job",
    "JobRecord": "tuning.records",
    "Ledger": "evals.ledger",
    "Output": "evals.records",
    "Part": "evals.records",
    "Policy": "tuning.gate.evidence",
    "Run": "evals.records",
    "Runner": "evals.runner",
    "Score": "evals.records",
    "ScriptedModel": "evals.models.scripted",
    "ShipDecision": "tuning.records",
    "Suite": "evals.suite",
    "Technique": "evals.approach",
    "TunegateError": "evals.errors",
    "TunegateWarning": "tunegate.pytesting.records",
    "build_scorers": "evals.scorers",
    "check_suite": "evals.suite",
    "compare_runs": "evals.comparison",
    "compare_scores": "evals.comparison",
    "decide": "tuning.gate.deciding",
    "load_job": "tuning.stored",
    "load_suite": "evals.suite",
    "make_candidate": "evals.prompting",
    "open_model": "evals.models",
    "read_scores": "evals.comparison",
    "render_html": "reports",
    "render_json": "reports",
    "render_markdown": "reports",
    "report_schema": "reports",
}

__all__ = [
    "Approach",
    "Candidate",
    "Case",
    "Comparison",
    "Decision",
    "Evaluation",
    "Evidence",
    "Job",
    "JobRecord",
    "Ledger",
    "Output",
    "Part",
    "Policy",
    "Run",
    "Runner",
    "Score",
    "ScriptedModel",
    "ShipDecision",
    "Suite",
    "Technique",
    "TunegateError",
    "TunegateWarning",
    "build_scorers",
    "check_suite",
    "compare_runs",
    "compare_scores",
    "decide",
    "load_job",
    "load_suite",
    "make_candidate",
    "open_model",
    "read_scores",
    "render_html",
    "render_json",
    "render_markdown",
    "report_schema",
]


def __getattr__(name: str) -> Any:
    """Import a public name from its home on first use: `import tunegate` stays instant."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
