"""JUnit that servers accept, and that never says less than the verdict does."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings

from evals.errors import NothingRunError
from evals.regression.records import Check, SuiteVerdict
from reports.ci import render_junit
from tests.reports.ci.hostile_texts import hostile_texts
from tests.reports.ci.sample_verdicts import (
    doubtful,
    failing,
    mixed,
    passing,
    poisoned,
    reviewing,
    verdict,
)
from tests.reports.hostile import PAYLOADS

COUNTS = {"tests", "failures", "errors", "skipped"}
CHILDREN = {
    "testsuites": ["testsuite"],
    "testsuite": ["properties", "testcase"],
    "properties": ["property"],
    "property": [],
    "testcase": ["skipped", "failure", "system-out"],
    "skipped": [],
    "failure": [],
    "system-out": [],
}
ATTRIBUTES = {
    "testsuites": COUNTS | {"name"},
    "testsuite": COUNTS | {"name"},
    "properties": set(),
    "property": {"name", "value"},
    "testcase": {"classname", "name"},
    "skipped": {"message"},
    "failure": {"type", "message"},
    "system-out": set(),
}


def read(verdicts: list[SuiteVerdict]) -> ET.Element:
    """The document as a strict reader takes it: known elements in their order, right counts."""
    root = ET.fromstring(render_junit(verdicts).encode("utf-8"))
    assert root.tag == "testsuites"
    for element in root.iter():
        places = [CHILDREN[element.tag].index(child.tag) for child in element]
        assert places == sorted(places)
        assert set(element.attrib) == ATTRIBUTES[element.tag]
    for suite in root:
        cases = suite.findall("testcase")
        assert cases
        assert int(suite.attrib["tests"]) == len(cases)
        assert int(suite.attrib["failures"]) == len(suite.findall("testcase/failure"))
        assert int(suite.attrib["skipped"]) == len(suite.findall("testcase/skipped"))
    for name in COUNTS:
        assert int(root.attrib[name]) == sum(int(suite.attrib[name]) for suite in root)
    return root


def outcomes(suite: SuiteVerdict) -> dict[str, list[str]]:
    return {case.attrib["name"]: [c.tag for c in case] for case in read([suite]).iter("testcase")}


def test_there_is_one_suite_a_suite_and_one_case_a_check() -> None:
    root = read(mixed())
    assert [suite.attrib["name"] for suite in root] == [v.suite for v in mixed()]
    assert outcomes(failing()) == {
        "baseline: label_accuracy": ["failure"],
        "must_pass: t-002": ["failure"],
        "must_pass: t-100": [],
        "must_pass: t-101": [],
        "threshold: label_accuracy": [],
    }
    assert {case.attrib["classname"] for case in root[2].iter("testcase")} == {"ticket_routing"}


def test_a_review_fails_and_names_every_change() -> None:
    failure = read([reviewing()]).find(".//failure")
    assert failure is not None
    assert failure.attrib["type"] == "review"
    assert "rules: max_loss was 0.05 and is 0.15" in (failure.text or "")


def test_what_is_inconclusive_fails_only_where_the_suite_says_so() -> None:
    assert outcomes(doubtful()) == {"baseline: label_accuracy": ["system-out"]}
    assert outcomes(doubtful(on_inconclusive="fail")) == {"baseline: label_accuracy": ["failure"]}
    said = read([doubtful()]).findtext(".//system-out") or ""
    assert said.startswith("INCONCLUSIVE: ")
    assert "about 410 cases would settle it; there were 120" in said


def test_a_skipped_check_is_skipped() -> None:
    check = Check("target", "label_accuracy", "skipped", "the suite names no target")
    assert outcomes(verdict("a", "pass", check)) == {"target: label_accuracy": ["skipped"]}


def test_a_failure_that_no_check_carries_is_still_a_failure() -> None:
    assert outcomes(replace(passing(), result="fail"))["verdict"] == ["failure"]
    assert outcomes(verdict("a", "pass")) == {"verdict": []}
    with pytest.raises(NothingRunError):
        render_junit([])


def test_properties_say_score_bounds_and_runs() -> None:
    found = {p.attrib["name"]: p.attrib["value"] for p in read([failing()]).iter("property")}
    assert (found["score"], found["low"], found["high"]) == ("0.784", "0.729", "0.83")
    assert found["runs"] == "ticket_routing-dev-4f2a9c1be07d3355"
    assert found["errors"] == "1"


def shape(verdicts: list[SuiteVerdict]) -> list[str]:
    return [element.tag for element in read(verdicts).iter()]


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_known_hostile_texts_stay_texts(payload: str) -> None:
    assert shape(poisoned(payload)) == shape(poisoned("x"))


@settings(max_examples=100, deadline=None)
@given(hostile_texts)
def test_any_text_stays_text(text: str) -> None:
    assert shape(poisoned(text)) == shape(poisoned("x"))


def test_what_xml_forbids_is_made_visible() -> None:
    document = render_junit([replace(failing(), suite="a\x00\x1b\ud800\ufffe\nb")])
    suite = ET.fromstring(document.encode("utf-8"))[0]
    assert suite.attrib["name"] == r"a\x00\x1b\ud800\ufffe\nb"
