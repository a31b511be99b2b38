"""A file that promptfoo really wrote: two prompts with two providers, one of which fails once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evals.errors import UsageError
from evals.imports import ImportedResults, read_results, select
from tests.evals.imports.result_files import PROMPTFOO, PROMPTFOO_REPEATED, changed

LEGS = "How-many-legs-does-a-spider-have-d1cc570b"


def pick(name: str, path: Path = PROMPTFOO) -> ImportedResults:
    return select(read_results(path), name, path)


def test_every_prompt_with_every_provider_is_a_candidate() -> None:
    assert [each.candidate for each in read_results(PROMPTFOO)] == [
        "strong: Answer shortly: {{question}}",
        "strong: {{question}} One word.",
        "weak: Answer shortly: {{question}}",
        "weak: {{question}} One word.",
    ]


def test_without_a_choice_the_candidates_are_listed() -> None:
    with pytest.raises(UsageError, match="4 candidates: 'strong: Answer") as caught:
        select(read_results(PROMPTFOO), None, PROMPTFOO)
    assert "--select" in str(caught.value)
    with pytest.raises(UsageError, match="2 candidates called 'weak'"):
        pick("weak")
    with pytest.raises(UsageError, match="no candidate called 'none such': 'strong"):
        pick("none such")
    assert pick("WEAK: answer").candidate == "weak: Answer shortly: {{question}}"


def test_scores_are_pass_score_and_the_named_metrics() -> None:
    found = pick("strong: answer")
    assert found.primary == "pass"
    assert [case.scores["pass"] for case in found.cases] == [1, 1, 1, 0]
    sky = found.cases[0]
    assert sky.scores == {"pass": 1.0, "score": 1.0, "right": 1.0, "short": 1.0}
    assert (sky.output, sky.prompt_tokens, sky.completion_tokens) == ("Blue", 10, 2)
    assert sky.input == {"question": "What colour is the sky?", "answer": "blue"}
    assert sky.expected[0]["type"] == "icontains"


def test_a_provider_that_failed_is_an_error_and_a_failed_assertion_is_a_zero() -> None:
    cases = {case.id: case for case in pick("weak: answer").cases}
    assert cases[LEGS].error == "the model fell over"
    assert cases[LEGS].scores == {}
    wrong = [case for case in cases.values() if case.scores.get("pass") == 0]
    assert len(wrong) == 2
    assert all(case.error is None for case in wrong)


def test_an_added_test_and_another_order_move_no_other_id(tmp_path: Path) -> None:
    def add_in_front(document: Any) -> None:
        results = document["results"]["results"]
        for row in results:
            row["testIdx"] += 1
        new = dict(results[0], testIdx=0)
        new["testCase"] = dict(new["testCase"], description="new", vars={"question": "Why?"})
        results.insert(0, new)
        results.reverse()

    before = [case.id for case in pick("strong: answer").cases]
    path = changed(PROMPTFOO, tmp_path / "more.json", add_in_front)
    after = [case.id for case in pick("strong: answer", path).cases]
    assert after[1:] == before


def test_the_same_test_with_other_assertions_is_another_case(tmp_path: Path) -> None:
    def change(document: Any) -> None:
        results = document["results"]["results"]
        twin = dict(results[0], testCase=dict(results[0]["testCase"], **{"assert": []}))
        results.append(twin)

    found = pick("strong: answer", changed(PROMPTFOO, tmp_path / "a.json", change))
    assert len({case.id for case in found.cases}) == 5


def test_repeats_are_attempts_at_the_same_case() -> None:
    found = pick("strong: answer", PROMPTFOO_REPEATED)
    assert len(found.cases) == 4
    assert len({case.id for case in found.cases}) == 2


def test_files_of_versions_without_a_failure_reason_tell_errors_apart(tmp_path: Path) -> None:
    def older(document: Any) -> None:
        for row in document["results"]["results"]:
            del row["failureReason"], row["promptIdx"]

    path = changed(PROMPTFOO, tmp_path / "older.json", older)
    assert [each.candidate for each in read_results(path)] == [
        each.candidate for each in read_results(PROMPTFOO)
    ]
    assert [c.id for c in pick("weak: answer", path).cases if c.error] == [LEGS]


def test_named_metrics_cannot_take_the_place_of_pass_and_score(tmp_path: Path) -> None:
    def change(document: Any) -> None:
        for row in document["results"]["results"]:
            row["namedScores"] = {"pass": 0.3, "score": 0.2}

    found = pick("strong: answer", changed(PROMPTFOO, tmp_path / "a.json", change))
    assert found.cases[0].scores == {"pass": 1.0, "score": 1.0}
