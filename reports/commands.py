"""The command that asks a stored run's candidate about one case again."""

from __future__ import annotations

import shlex

from evals.errors import RecordError
from evals.imports.runs import PREFIX as IMPORTED
from evals.records import Run
from evals.regression.recipes import named_approach
from evals.stated import options_of


def eval_command(suite: str, run: Run, case_id: str) -> str:
    """`tunegate eval` for one case of a run.

    Empty where no options state its candidate, nobody knows where its adapter lies, or its
    results were imported.
    """
    try:
        stated = options_of(named_approach(run))
    except RecordError:
        return ""
    candidate = run.candidate
    if candidate.model.startswith(IMPORTED) or (candidate.adapter and not candidate.adapter_path):
        return ""
    words = ["tunegate", "eval", suite, "--model", candidate.model, "--prompt", candidate.prompt]
    words += stated
    if candidate.adapter:
        words += ["--adapter", candidate.adapter_path]
    return shlex.join([*words, "--split", run.split, "--case", case_id])
