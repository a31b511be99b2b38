"""`check` says what is wrong and what the cases can show, without a model."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from evals.records import Finding
from evals.stats.power import cases_for_gain
from evals.suite import CheckReport, check_suite, load_suite
from evals.suite.not_used_yet import CASE_KEYS, SUITE_KEYS
from evals.suite.spec import Suite
from tests.evals.suite.small_suite import MANIFEST, PROMPT, MakeSuite, rows

DOCS = Path(__file__).parents[3] / "docs" / "suites.md"
ROUNDS = """\
rounds:
  - {family: wording, prompts: [terse, spec]}
  - {family: few_shot, prompts: [terse, spec], k: [2, 4]}
  - {family: nearest, prompts: [terse, spec], k: [2, 4]}
"""


def codes(report: CheckReport, level: str) -> set[str]:
    return {finding.code for finding in report.findings if finding.level == level}


def test_a_sound_suite_has_no_errors_and_hears_what_it_can_show(make_suite: MakeSuite) -> None:
    report = check_suite(load_suite(make_suite(extra=ROUNDS)))
    assert report.passed
    assert codes(report, "warning") == {"few_dev_cases", "few_train_cases"}
    assert report.counts == {"train": 4, "dev": 3, "test": 3}
    assert report.cases_needed == 250
    messages = {f.code: f.message for f in report.findings}
    assert "3 dev cases are few: min_gain 0.1 needs about 250" in messages["few_dev_cases"]


def test_the_gain_dev_can_settle_follows_the_planning_formula(make_suite: MakeSuite) -> None:
    cases = [
        {"id": f"c{n}", "input": f"{n:05d} {n * 7919 % 10007}", "expected": "login", "split": "dev"}
        for n in range(250)
    ]
    report = check_suite(load_suite(make_suite(cases=cases)))
    assert report.plateau_gain == pytest.approx(0.10, abs=0.001)
    assert "few_dev_cases" not in codes(report, "warning")


def test_the_gain_test_can_show_is_that_of_its_first_look(make_suite: MakeSuite) -> None:
    cases = [
        {
            "id": f"c{n}",
            "input": f"{n:05d} {n * 7919 % 10007}",
            "expected": "login",
            "split": "test",
        }
        for n in range(180)
    ]
    gain = check_suite(load_suite(make_suite(cases=cases))).detectable_gain
    assert gain is not None
    assert (
        cases_for_gain(gain + 0.001, alpha=0.025) <= 180 < cases_for_gain(gain - 0.001, alpha=0.025)
    )


def test_clusters_are_counted_and_mentioned(make_suite: MakeSuite) -> None:
    cases = [{**row, "cluster": row["split"]} for row in rows()]
    report = check_suite(load_suite(make_suite(cases=cases)))
    assert report.clusters == {"train": 1, "dev": 1, "test": 1}
    assert any("there are 1 clusters" in finding.message for finding in report.findings)


def test_a_template_that_fails_for_one_case_is_an_error_naming_both(
    make_suite: MakeSuite,
) -> None:
    cases = rows()
    cases[5]["input"] = {"txt": "no text here"}
    report = check_suite(load_suite(make_suite(cases=cases)))
    (finding, _) = [f for f in report.findings if f.code == "template"]
    assert finding.where.endswith("terse.j2:4")
    assert "for case 't5': 'text' is undefined; available here: txt" in finding.message
    assert not report.passed


def test_a_demonstration_that_cannot_be_shown_is_found_too(make_suite: MakeSuite) -> None:
    prompt = PROMPT.replace("demo.expected", "demo.expected.label")
    report = check_suite(load_suite(make_suite(files={"prompts/spec.j2": prompt})))
    assert "template" in codes(report, "error")


def test_a_prompt_that_ignores_demonstrations_or_the_input_is_an_error(
    make_suite: MakeSuite,
) -> None:
    blind = '{% message "user" %}{{ labels[0] }}{% endmessage %}'
    report = check_suite(load_suite(make_suite(extra=ROUNDS, files={"prompts/spec.j2": blind})))
    assert codes(report, "error") == {"no_demos", "no_input"}
    assert any(finding.where.endswith("suite.yaml:14") for finding in report.findings)


def test_nearest_demonstrations_of_nothing_are_an_error(make_suite: MakeSuite) -> None:
    blank = [row | {"input": {"text": " "}} if row["split"] == "train" else row for row in rows()]
    report = check_suite(load_suite(make_suite(extra=ROUNDS, cases=blank)))
    assert "nearest_to_nothing" in codes(report, "error")


def test_more_demonstrations_than_train_has_are_an_error(make_suite: MakeSuite) -> None:
    report = check_suite(load_suite(make_suite(extra=ROUNDS.replace("4]", "8]"))))
    assert codes(report, "error") == {"few_demonstrations"}


@pytest.mark.parametrize(
    ("rounds", "words"),
    [
        (ROUNDS.replace("[terse, spec]", "[spec]").replace("[2, 4]", "[2]"), "3 candidates"),
        (ROUNDS.replace("few_shot", "nearest"), "of the same family"),
        (ROUNDS.replace("spec], k: [2, 4]", "], k: [2]"), "at least 2 candidates each"),
    ],
)
def test_rounds_that_can_never_show_a_plateau_warn(
    make_suite: MakeSuite, rounds: str, words: str
) -> None:
    report = check_suite(load_suite(make_suite(extra=rounds)))
    assert any(f.code == "little_effort" and words in f.message for f in report.findings)


def test_missing_splits_are_named(make_suite: MakeSuite) -> None:
    only_test = [{**row, "split": "test"} for row in rows()]
    report = check_suite(load_suite(make_suite(cases=only_test)))
    assert "no_dev" in codes(report, "warning")
    assert {"no_train", "no_rounds"} <= codes(report, "note")
    assert report.plateau_gain is None


def test_a_suite_with_rounds_and_no_dev_is_an_error(make_suite: MakeSuite) -> None:
    cases = [{**row, "split": "train"} for row in rows()]
    assert "no_dev" in codes(
        check_suite(load_suite(make_suite(extra=ROUNDS, cases=cases))), "error"
    )


def test_an_unused_prompt_and_a_blank_input_are_mentioned(make_suite: MakeSuite) -> None:
    cases = rows()
    cases[0]["input"] = {"text": "  "}
    extra = "rounds: [{family: wording, prompts: [terse]}]\n"
    report = check_suite(load_suite(make_suite(extra=extra, cases=cases)))
    assert "unused_prompt" in codes(report, "note")
    assert "blank_input" in codes(report, "warning")


def test_leaks_reach_the_report(make_suite: MakeSuite) -> None:
    cases = [*rows(), {**rows()[0], "id": "copy", "split": "test"}]
    report = check_suite(load_suite(make_suite(cases=cases)))
    assert codes(report, "error") == {"leak"}
    assert report.findings[0].where.endswith("cases.jsonl:11")


def test_the_scorer_self_test_is_run_where_given(make_suite: MakeSuite) -> None:
    def self_test(suite: Suite) -> tuple[Finding, ...]:
        return (Finding("error", "selftest", f"{suite.name} is broken"),)

    suite = load_suite(make_suite(MANIFEST))
    assert check_suite(suite).passed
    assert codes(check_suite(suite, self_test=self_test), "error") == {"selftest"}


EVERYTHING = """\
candidate: {model: "hf:org/small", prompt: spec}
compare_models: ["openai:large"]
operation: {calls_per_month: 100, facts_change: never, retrain_months: 6}
ci: {split: dev}
"""


def unused(suite: Suite) -> list[str]:
    findings = check_suite(suite).findings
    assert all(f.level == "note" for f in findings if f.code == "not_used_yet")
    return [f.message for f in findings if f.code == "not_used_yet"]


def test_keys_that_are_read_and_not_used_are_named_in_one_finding(make_suite: MakeSuite) -> None:
    cases = rows()
    cases[0] |= {"must_pass": True, "documents": ["faq-1"]}
    assert unused(load_suite(make_suite(extra=EVERYTHING, cases=cases))) == [
        "read but not used yet: documents (of cases)"
    ]


def test_keys_that_work_and_cases_that_ask_for_nothing_are_not_named(
    make_suite: MakeSuite,
) -> None:
    cases = rows()
    cases[0] |= {"must_pass": False, "documents": []}
    extra = "candidate: {prompt: spec}\noperation: {calls_per_month: 100}\n"
    assert unused(load_suite(make_suite(extra=extra, cases=cases))) == []


def test_every_key_that_is_not_used_is_documented_as_such() -> None:
    rows_of = [
        line
        for line in DOCS.read_text().splitlines()
        if line.startswith("|") and "**not used in this version**" in line
    ]
    documented = {
        name for line in rows_of for name in re.findall(r"`([a-z_.]+)`", line.split("|")[1])
    }
    assert documented == {".".join(keys) for keys in SUITE_KEYS} | set(CASE_KEYS)


def test_where_nothing_tells_form_from_content_check_says_so(make_suite: MakeSuite) -> None:
    exact = MANIFEST.replace("label@1, labels: [billing, login]", "exact@1")
    rounds = "rounds: [{family: wording, prompts: [terse]}]\n"
    found = check_suite(load_suite(make_suite(exact, extra=rounds))).findings
    assert [f.level for f in found if f.code == "form_unknown"] == ["note"]


def test_a_scorer_whose_kinds_tell_form_needs_no_more(make_suite: MakeSuite) -> None:
    rounds = "rounds: [{family: wording, prompts: [terse]}]\n"
    found = check_suite(load_suite(make_suite(extra=rounds))).findings
    assert not any(f.code == "form_unknown" for f in found)
