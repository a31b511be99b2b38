"""What a person can do about training data that the lint refuses."""

from __future__ import annotations

from collections.abc import Iterable

from evals.records import Finding
from evals.suite.tune_data import why_never


def advice_for(findings: Iterable[Finding]) -> tuple[str, ...]:
    """One line for each kind of error: which keys of the suite, or which rows, to change."""
    codes = list(dict.fromkeys(f.code for f in findings if f.level == "error"))
    lines = [f"{code}: {hint}" for code in codes if (hint := why_never(code))]
    if others := [code for code in codes if not why_never(code)]:
        lines.append(
            f"{', '.join(others)}: mend or take out the rows that are named; what you have looked "
            f"at and want all the same: tune: {{allow: [{', '.join(others)}]}} in suite.yaml"
        )
    return tuple(lines)
