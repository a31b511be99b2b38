"""Regression verdicts as JUnit XML: one test suite a suite, one test case a check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.etree import ElementTree as ET

from evals.regression.records import Check, SuiteVerdict
from evals.text import visible
from reports import numbers
from reports.ci import views

_TEXT = 4_000
_MOST_CASES = 20


def render_junit(verdicts: Sequence[SuiteVerdict]) -> str:
    """The whole document, in the order and with the attributes that CI servers agree on.

    What fails is what the suite's exit code fails for: a failed check, one for review, and an
    inconclusive one where the suite says so. Raises NothingRunError where there is no verdict.
    """
    views.overall(verdicts)
    root = ET.Element("testsuites", {"name": "tunegate"})
    for verdict in verdicts:
        root.append(_suite(verdict))
    for count in ("tests", "failures", "errors", "skipped"):
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in root)))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _suite(verdict: SuiteVerdict) -> ET.Element:
    suite = ET.Element("testsuite", {"name": visible(verdict.suite, _TEXT)})
    properties = ET.SubElement(suite, "properties")
    for name, value in _properties(verdict).items():
        ET.SubElement(properties, "property", {"name": name, "value": visible(value, _TEXT)})
    cases = [_case(check, verdict) for check in verdict.checks]
    if _unsaid(verdict, cases):
        cases.append(_verdict_case(verdict))
    suite.extend(cases)
    suite.set("tests", str(len(cases)))
    suite.set("failures", str(sum(case.find("failure") is not None for case in cases)))
    suite.set("errors", "0")
    suite.set("skipped", str(sum(case.find("skipped") is not None for case in cases)))
    return suite


def _properties(verdict: SuiteVerdict) -> Mapping[str, str]:
    return {
        "result": verdict.result,
        "split": verdict.split,
        "candidate": verdict.recipe.label,
        "model": verdict.recipe.model,
        "metric": verdict.primary,
        "score": f"{verdict.score:.6g}",
        "low": f"{verdict.low:.6g}",
        "high": f"{verdict.high:.6g}",
        "cases": str(verdict.cases),
        "errors": str(verdict.errors),
        "runs": " ".join(verdict.runs),
    }


def _case(check: Check, verdict: SuiteVerdict) -> ET.Element:
    name = f"{check.kind}: {check.name}" if check.name else check.kind
    case = _named(verdict, name)
    if _fails(check, verdict):
        failure = {"type": check.result, "message": visible(check.sentence, _TEXT)}
        ET.SubElement(case, "failure", failure).text = _text(check, verdict)
    elif check.result == "skipped":
        ET.SubElement(case, "skipped", {"message": visible(check.sentence, _TEXT)})
    elif check.result != "pass":
        said = f"{views.RESULT_WORDS[check.result]}: {_text(check, verdict)}"
        ET.SubElement(case, "system-out").text = said
    return case


def _fails(check: Check, verdict: SuiteVerdict) -> bool:
    if check.result == "inconclusive":
        return verdict.on_inconclusive == "fail"
    return check.result in ("fail", "review")


def _unsaid(verdict: SuiteVerdict, cases: Sequence[ET.Element]) -> bool:
    """Whether the checks alone would tell a server less than the verdict does."""
    failed = any(case.find("failure") is not None for case in cases)
    return not cases or (verdict.exit_code != 0 and not failed)


def _verdict_case(verdict: SuiteVerdict) -> ET.Element:
    case = _named(verdict, "verdict")
    if verdict.exit_code:
        failure = {"type": verdict.result, "message": f"the suite's result is {verdict.result}"}
        ET.SubElement(case, "failure", failure)
    return case


def _named(verdict: SuiteVerdict, name: str) -> ET.Element:
    attributes = {"classname": visible(verdict.suite, _TEXT), "name": visible(name, _TEXT)}
    return ET.Element("testcase", attributes)


def _text(check: Check, verdict: SuiteVerdict) -> str:
    """What a person needs who sees only this: the sentence, figures, changes, lost cases."""
    lines = [check.sentence]
    if check.value is not None:
        bounds = f"{_figure(check.low)} to {_figure(check.high)}"
        lines.append(f"value {_figure(check.value)} ({bounds}), limit {_figure(check.limit)}")
    if check.cases_needed:
        needed = numbers.plural(check.cases_needed, "case")
        lines.append(f"about {needed} would settle it; there were {check.cases}")
    if check.kind == "definition":
        lines += [f"{change.part}: {change.what}" for change in verdict.changes]
    if check.kind in ("baseline", "must_pass"):
        lost = [c for c in verdict.lost if check.kind == "baseline" or c.id == check.name]
        lines += [
            f"{change.id}: {views.case_score(change.before)} → {views.case_score(change.after)}"
            f" {views.place(change)}"
            for change in lost[:_MOST_CASES]
        ]
        more = len(lost) - _MOST_CASES
        lines += [f"and {numbers.plural(more, 'more case')}"] if more > 0 else []
    return "\n".join(visible(line, _TEXT) for line in lines)


def _figure(value: float | None) -> str:
    return numbers.NOTHING if value is None else f"{value:.4g}"
