# ruff: noqa: ARG001 - a seam: the search that is to stand here uses all of them
"""The search for a better prompt through an optimiser. Not written yet."""

from __future__ import annotations

from collections.abc import Callable

from evals.approach import Approach, Found
from evals.errors import SuiteError
from evals.ledger import Ledger
from evals.models.protocol import Model
from evals.suite.spec import Suite
from tuning.search.evaluating import Evaluate
from tuning.stronger.running import OpenModel


def optimise_prompt(
    suite: Suite,
    model: Model,
    prompt: str,
    approach: Approach,
    *,
    ledger: Ledger,
    evaluate: Evaluate,
    open_proposer: OpenModel | None,
    note: Callable[[str], None],
) -> Found:
    """Have `approach.technique.optimiser` write `prompt` anew. Raises SuiteError."""
    raise SuiteError("prompts cannot be optimised yet", key="rounds")
