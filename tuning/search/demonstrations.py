# ruff: noqa: ARG001 - a seam: the search that is to stand here uses all of them
"""The search for a set of demonstrations, scored on the train split. Not written yet."""

from __future__ import annotations

from collections.abc import Callable

from evals.approach import Approach, Found
from evals.errors import SuiteError
from evals.ledger import Ledger
from evals.models.protocol import Model
from evals.suite.spec import Suite
from tuning.search.evaluating import Evaluate


def search_demonstrations(
    suite: Suite,
    model: Model,
    prompt: str,
    approach: Approach,
    *,
    ledger: Ledger,
    evaluate: Evaluate,
    note: Callable[[str], None],
) -> Found:
    """Find the `approach.k` train cases that serve `prompt` best. Raises SuiteError."""
    raise SuiteError("demonstrations cannot be searched for yet", key="rounds")
