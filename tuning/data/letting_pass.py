"""Errors of the data lint that a person has looked at and lets pass, shown as such."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from evals.errors import SuiteError
from evals.records import Finding
from evals.suite.load import MANIFEST
from evals.suite.section import suggestion
from evals.suite.source import dotted
from evals.suite.spec import Suite
from evals.suite.tune_data import why_never
from evals.suite.yaml_source import read_yaml
from tuning.data.lint import CODES

MAY_PASS = tuple(code.name for code in CODES if code.level == "error" and not why_never(code.name))
"""Errors of the lint that can be let pass."""

TOLD_FIRST = "let pass by tune.allow: "
"""How the message of such an error begins."""

_ORDER = {"error": 0, "warning": 1, "note": 2}


def let_pass(findings: Iterable[Finding], suite: Suite) -> tuple[Finding, ...]:
    """The findings, errors first, where those that `tune.allow` names refuse no more.

    They become warnings that say who let them pass. Raises SuiteError for a code in it that is
    no error of the lint.
    """
    for number, code in enumerate(suite.tune.allow):
        if code not in MAY_PASS:
            manifest, place = suite.root / MANIFEST, ("tune", "allow", number)
            raise SuiteError(
                f"{code!r} is no error of the data lint",
                path=manifest,
                line=read_yaml(manifest).lines.get(place),
                key=dotted(place),
                hint=suggestion(code, MAY_PASS),
            )
    told = [_told(finding, suite.tune.allow) for finding in findings]
    return tuple(sorted(told, key=lambda finding: _ORDER[finding.level]))


def _told(finding: Finding, allowed: tuple[str, ...]) -> Finding:
    """A finding with its level; a leak stays an error whatever the manifest says."""
    if finding.level != "error" or finding.code not in allowed or why_never(finding.code):
        return finding
    return replace(finding, level="warning", message=TOLD_FIRST + finding.message, allowed=True)
