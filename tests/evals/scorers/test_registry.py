"""Building scorers from what a suite says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import evals.scorers
from evals.errors import ScorerError
from evals.records import Case, Output
from evals.scorers import build_scorer, build_scorers, scorer_names
from evals.suite.spec import MetricSpec, Suite


def refusal(scorer: str, options: dict[str, Any], root: Path = Path("suite")) -> str:
    with pytest.raises(ScorerError) as caught:
        build_scorer(MetricSpec("acc", scorer, options, 7), root)
    return str(caught.value)


def suite_of(cases: list[Case], root: Path, **metric: Any) -> Suite:
    scorer = metric.pop("scorer")
    metrics = {"acc": MetricSpec("acc", scorer, metric, 7)}
    return Suite("s", "t", root, tuple(cases), {}, metrics, "acc")


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("lable@1", {}, 'did you mean "label@1"'),
    ("label", {}, 'did you mean "label@1"'),
    ("label@2", {}, 'did you mean "label@1"'),
    ("exact@1", {"stripp": True}, 'did you mean "strip"'),
    ("normalized@1", {"x": 1}, 'unknown option "x"'),
    ("exact@1", {"strip": "yes"}, "expected true or false, not 'yes'"),
    ("label@1", {}, 'needs the option "labels"'),
    ("label@1", {"labels": []}, "non-empty list"),
    ("label@1", {"labels": "a"}, "list of strings, not 'a'"),
    ("label@1", {"labels": ["a", True]}, "quote it"),
    ("label@1", {"labels": ["a", "a"]}, "repeated"),
    ("label@1", {"labels": ["a", "A"]}, "same in normal form"),
    ("contains@1", {"any": ["a"], "match": "any"}, "match says how"),
    ("contains@1", {"match": "some"}, '"all" or "any"'),
    ("regex@1", {"pattern": "("}, "not a valid pattern"),
    ("regex@1", {"seconds": 0}, "greater than 0"),
    ("numeric@1", {"abs": -1}, "at least 0"),
    ("numeric@1", {"rel": float("nan")}, "finite number"),
    ("numeric@1", {"rel": True}, "finite number"),
    ("numeric@1", {"which": "second"}, '"last" or "first" or "only"'),
    ("json_schema@1", {}, 'needs the option "schema"'),
    ("json_schema@1", {"schema": {"type": "objekt"}}, "not a valid JSON schema"),
    ("json_schema@1", {"schema": 5}, "expected a schema"),
    ("json_schema@1", {"schema": "none.json"}, "not an existing .json file"),
    ("python@1", {"function": "scorers.py"}, "file.py:name"),
    ("python@1", {"function": "none.py:f"}, "not an existing .py file"),
    ("python@1", {"function": "../x.py:f"}, "outside the suite"),
    ("python@1", {"function": "\0.py:f"}, "not a usable path"),
    ("by_tag@1", {"tag": "k"}, 'needs the option "scorers"'),
    ("by_tag@1", {"tag": "k", "scorers": {"a": "exact@1"}}, "expected a mapping with a scorer"),
    ("by_tag@1", {"tag": "k", "scorers": {True: {"scorer": "exact@1"}}}, "not a string"),
    ("by_tag@1", {"tag": "k", "scorers": {"a": {"scorer": "exat@1"}}}, "acc.scorers.a.scorer"),
]


@pytest.mark.parametrize(("scorer", "options", "said"), REFUSED)
def test_what_cannot_be_built_is_refused_with_file_line_and_key(
    scorer: str, options: dict[str, Any], said: str
) -> None:
    message = refusal(scorer, options)
    assert said in message
    assert "suite.yaml:7: metrics.acc" in message


def test_a_schema_may_lie_in_a_file_of_the_suite_but_not_outside(tmp_path: Path) -> None:
    suite = tmp_path / "suite"
    suite.mkdir()
    (tmp_path / "out.json").write_text("{}")
    (suite / "link.json").symlink_to(tmp_path / "out.json")
    (suite / "broken.json").write_text("{")
    (suite / "good.json").write_text('{"type": "integer"}')
    assert "outside" in refusal("json_schema@1", {"schema": "link.json"}, suite)
    assert "not one JSON document" in refusal("json_schema@1", {"schema": "broken.json"}, suite)
    build_scorer(MetricSpec("m", "json_schema@1", {"schema": "good.json"}), suite)


def test_by_tag_hands_each_case_to_the_scorer_of_its_tag(tmp_path: Path) -> None:
    exact = Case("a", {}, "x", "x", "dev", tags={"kind": "copy"})
    number = Case("b", {}, 5, "5", "dev", tags={"kind": "sum"})
    other = Case("c", {}, "yes", "yes", "dev")
    suite = suite_of(
        [exact, number, other],
        tmp_path,
        scorer="by_tag@1",
        tag="kind",
        scorers={"copy": {"scorer": "exact@1"}, "sum": {"scorer": "numeric@1", "abs": 1}},
        default={"scorer": "normalized@1"},
    )
    with build_scorers(suite) as scorers:
        judge = scorers["acc"]
        assert judge(exact, Output("X", "stop")).value == 0.0
        assert judge(number, Output("it is 6", "stop")).value == 1.0
        assert judge(other, Output("YES", "stop")).value == 1.0


def test_a_tag_value_without_a_scorer_is_refused_before_anything_runs(tmp_path: Path) -> None:
    case = Case("a", {}, "x", "x", "dev", tags={"kind": "copi"}, path="c.jsonl", line=3)
    suite = suite_of(
        [case], tmp_path, scorer="by_tag@1", tag="kind", scorers={"copy": {"scorer": "exact@1"}}
    )
    with pytest.raises(ScorerError, match=r'c\.jsonl:3.*"copi".*did you mean "copy"'):
        build_scorers(suite)


def test_a_case_its_scorer_cannot_judge_is_refused_before_anything_runs(tmp_path: Path) -> None:
    case = Case("a", {}, "c", "c", "dev", path="c.jsonl", line=3)
    with pytest.raises(ScorerError, match=r"c\.jsonl:3: metrics\.acc.*not one of"):
        build_scorers(suite_of([case], tmp_path, scorer="label@1", labels=["a", "b"]))


def test_the_public_names_are_sorted_and_all_there() -> None:
    assert list(scorer_names()) == sorted(scorer_names())
    assert evals.scorers.__all__ == sorted(evals.scorers.__all__, key=lambda n: (n.islower(), n))
    for name in evals.scorers.__all__:
        assert getattr(evals.scorers, name) is not None
    with pytest.raises(AttributeError):
        _ = evals.scorers.nothing_of_the_kind
