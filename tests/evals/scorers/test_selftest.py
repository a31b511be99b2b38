"""The self-test finds scorers that cannot tell right from wrong."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

import pytest

from evals.records import Case, Finding
from evals.scorers import self_test
from evals.scorers.selftest import derange
from evals.suite.spec import MetricSpec, Suite

LABELS = ["billing", "login", "other"]


def cases_of(n: int) -> list[Case]:
    return [
        Case(
            f"c{i}", {"text": f"t{i}"}, LABELS[i % 3], LABELS[i % 3], "dev",
            path="cases.jsonl", line=i + 1,
        )
        for i in range(n)
    ]  # fmt: skip


def suite_of(root: Path, cases: list[Case], scorer: str = "label@1", **options: Any) -> Suite:
    if scorer == "label@1":
        options = {"labels": LABELS} | options
    metrics = {"acc": MetricSpec("acc", scorer, options, 4)}
    return Suite("s", "t", root, tuple(cases), {}, metrics, "acc")


def own_scorer(root: Path, body: str, cases: list[Case], **options: Any) -> Suite:
    (root / "scorers.py").write_text(f"def judge(case, output):\n    {body}\n")
    return suite_of(root, cases, "python@1", function="scorers.py:judge", **options)


def codes(findings: tuple[Finding, ...]) -> set[tuple[str, str]]:
    return {(finding.level, finding.code) for finding in findings}


def test_a_sound_suite_has_no_findings(tmp_path: Path) -> None:
    assert self_test(suite_of(tmp_path, cases_of(30))) == ()


def test_a_scorer_that_gives_everything_full_marks_is_caught(tmp_path: Path) -> None:
    findings = self_test(own_scorer(tmp_path, "return 1", cases_of(30)))
    assert codes(findings) == {("error", "shuffled_full_marks"), ("error", "empty_full_marks")}
    assert "30 of 30" in findings[0].message


def test_a_scorer_that_gives_gold_answers_nothing_is_caught(tmp_path: Path) -> None:
    findings = self_test(own_scorer(tmp_path, "return 0", cases_of(30)))
    assert codes(findings) == {("error", "gold_not_full")}
    assert 'case "c0"' in findings[0].message
    assert findings[0].where == "cases.jsonl:1"
    assert len(findings) == 6  # five by name, the rest as a count
    assert "30 of 30" in findings[-1].message


def test_one_case_whose_own_answer_is_wrong_is_named(tmp_path: Path) -> None:
    cases = cases_of(30)
    cases[7] = Case("odd", {}, "login", "billing", "dev", path="cases.jsonl", line=8)
    (finding,) = self_test(suite_of(tmp_path, cases))
    assert (finding.code, finding.where) == ("gold_not_full", "cases.jsonl:8")
    assert "expected login, got billing" in finding.message


def test_a_scorer_that_raises_is_an_error_naming_case_metric_file_and_line(
    tmp_path: Path,
) -> None:
    findings = self_test(own_scorer(tmp_path, "raise ZeroDivisionError('oh')", cases_of(9)))
    assert codes(findings) == {("error", "scorer_raised")}
    assert f"{tmp_path / 'scorers.py'}:2: metrics.acc" in findings[0].where
    for part in ('case "c0"', '"acc"', "ZeroDivisionError: oh"):
        assert part in findings[0].message


def test_a_scorer_that_never_ends_is_given_up_after_a_few_cases(tmp_path: Path) -> None:
    started = time.monotonic()
    suite = own_scorer(tmp_path, "\n    while True: pass", cases_of(100), seconds=0.2)
    findings = self_test(suite)
    assert codes(findings) == {("error", "scorer_raised")}
    assert "TimeoutError" in findings[0].message
    assert time.monotonic() - started < 10


def test_a_scorer_that_raises_on_wrong_answers_only_is_caught(tmp_path: Path) -> None:
    body = "assert output.text == case.expected; return 1"
    findings = self_test(own_scorer(tmp_path, body, cases_of(9)))
    assert codes(findings) == {("error", "scorer_raised")}


def test_a_secondary_metric_of_form_may_accept_other_answers(tmp_path: Path) -> None:
    suite = suite_of(tmp_path, cases_of(30))
    form = MetricSpec("form", "regex@1", {"pattern": "^[a-z]+$"})
    low = MetricSpec("low", "regex@1", {"pattern": "^[0-9]+$"})
    metrics = {**suite.metrics, "form": form}
    sound = Suite("s", "t", tmp_path, suite.cases, {}, metrics, "acc")
    assert self_test(sound) == ()
    unsound = Suite("s", "t", tmp_path, suite.cases, {}, {**metrics, "low": low}, "acc")
    assert codes(self_test(unsound)) == {("warning", "gold_not_full")}


def test_a_coincidence_is_tolerated_and_a_lenient_pattern_is_not(tmp_path: Path) -> None:
    patterns = [f"^answer {i}$" for i in range(29)] + ["answer"]
    cases = [Case(f"c{i}", {}, pattern, f"answer {i}", "dev") for i, pattern in enumerate(patterns)]
    assert self_test(suite_of(tmp_path, cases, "regex@1")) == ()
    loose = [Case(f"c{i}", {}, f"answer ?{i}?", f"answer {i}", "dev") for i in range(30)]
    assert ("error", "shuffled_full_marks") in codes(
        self_test(suite_of(tmp_path, loose, "regex@1"))
    )


def test_choices_are_tested_with_their_own_wrong_options(tmp_path: Path) -> None:
    cases = [Case(f"c{i}", {}, "b", "b", "dev", choices=("a", "b")) for i in range(12)]
    assert self_test(suite_of(tmp_path, cases, "choice@1")) == ()


def test_a_blind_kind_of_case_under_by_tag_is_a_warning(tmp_path: Path) -> None:
    cases = [
        Case(f"w{i}", {}, f"word{i}", f"word{i}", "dev", tags={"kind": "copy"}) for i in range(60)
    ] + [Case(f"f{i}", {}, rf"\w{{1,{i + 9}}}", "ok", "dev", tags={"kind": "form"}) for i in (1, 2)]
    suite = suite_of(
        tmp_path,
        cases,
        "by_tag@1",
        tag="kind",
        scorers={"copy": {"scorer": "exact@1"}, "form": {"scorer": "regex@1"}},
    )
    (finding,) = self_test(suite)
    assert (finding.level, finding.code) == ("warning", "shuffled_full_marks")
    assert '"kind" is "form"' in finding.message


def test_cases_that_all_expect_the_same_are_noted(tmp_path: Path) -> None:
    cases = [Case(f"c{i}", {}, "login", "login", "dev") for i in range(12)]
    assert codes(self_test(suite_of(tmp_path, cases))) == {("note", "selftest_not_shuffled")}


def test_an_empty_suite_has_nothing_to_find(tmp_path: Path) -> None:
    assert self_test(suite_of(tmp_path, [])) == ()


def test_no_case_gets_an_answer_it_expects_and_order_does_not_matter() -> None:
    cases = cases_of(50)
    pairs, alike = derange(cases)
    assert not alike
    assert len(pairs) == 50
    assert all(output.text != case.expected for case, output in pairs)
    shuffled = list(cases)
    random.Random(1).shuffle(shuffled)
    assert derange(shuffled)[0] == pairs


@pytest.mark.parametrize(("blind", "caught"), [(3, False), (4, True)])
def test_wrong_answers_may_score_full_marks_in_one_case_of_ten(
    tmp_path: Path, blind: int, caught: bool
) -> None:
    body = f"return int(case.id[1:]) < {blind} or output.text == case.expected"
    findings = self_test(own_scorer(tmp_path, body, cases_of(30)))
    expected = {("error", "shuffled_full_marks"), ("error", "empty_full_marks")}
    assert codes(findings) == (expected if caught else set())


@pytest.mark.parametrize("n", [2, 3, 5])
def test_a_constant_scorer_is_caught_on_few_cases_too(tmp_path: Path, n: int) -> None:
    findings = self_test(own_scorer(tmp_path, "return True", cases_of(n)))
    assert ("error", "shuffled_full_marks") in codes(findings)
