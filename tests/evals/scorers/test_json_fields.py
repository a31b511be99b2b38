"""Fields of JSON answers: what is right, wrong, missing, extra, and what cannot be read."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.errors import ScorerError
from evals.records import Case, Output, Part, Score
from evals.scorers import build_scorer, build_scorers
from evals.scorers.structured.field_paths import leaves, read, without_indices, written
from evals.suite.spec import MetricSpec, Suite


def score(expected: Any, answer: Any, **options: Any) -> Score:
    scorer = build_scorer(MetricSpec("m", "json_fields@1", options, 9), Path("suite"))
    case = Case("c1", {}, expected, "", "dev", path="cases.jsonl", line=4)
    text = answer if isinstance(answer, str) else json.dumps(answer)
    return scorer(case, Output(text, "stop"))


def refusal(**options: Any) -> str:
    with pytest.raises(ScorerError) as caught:
        score({}, {}, **options)
    return str(caught.value)


def test_the_score_is_f1_over_the_fields() -> None:
    expected = {"a": 1, "b": 2, "c": 3}
    # right: a; wrong: b; missing: c; extra: d: 2 * 1 / (3 expected + 3 answered)
    assert score(expected, {"a": 1, "b": 0, "d": 4}).value == pytest.approx(2 / 6)
    assert score(expected, {"a": 1, "b": 0, "d": 4}, ignore_extra=True).value == pytest.approx(
        2 / 5
    )
    assert score(expected, expected).value == 1.0


def test_each_field_is_a_part_that_says_what_was_wanted_and_found() -> None:
    found = score({"a": 1, "b": [None, "x"]}, {"a": 1, "b": [0], "z": {}})
    assert found.parts == (
        Part("field", "a", 1.0, "1", "1"),
        Part("field", "b[0]", 0.0, "null", "0"),
        Part("field", "b[1]", 0.0, '"x"', None),
        Part("field", "z", 0.0, None, "{}"),
    )
    assert found.kind == "wrong_fields"
    assert "b[0] is '0', expected 'null'; b[1] is missing; z is not expected" in found.reason


def test_an_answer_that_cannot_be_read_lacks_every_expected_field() -> None:
    for answer in (
        "",
        "no",
        "[1] [2]",
        '{"a": NaN}',
        '{"a": 1, "a": 1}',
        "[" * 200_000,
        "9" * 5000,
    ):
        found = score({"a": 1}, answer)
        assert (found.value, found.kind) == (0.0, "not_json")
        assert found.parts == (Part("field", "a", 0.0, "1", None),)


def test_only_chosen_fields_count() -> None:
    expected = {"team": "a", "items": [{"sku": 1, "note": "x"}, {"sku": 2, "note": "y"}]}
    answer = {"team": "b", "items": [{"sku": 1}, {"sku": 2, "more": 5}]}
    assert score(expected, answer, fields=["items[].sku"]).value == 1.0
    assert score(expected, answer, fields=["items[1].sku", "team"]).value == 0.5
    assert [part.name for part in score(expected, answer, fields=["items[].sku"]).parts] == [
        "items[0].sku",
        "items[1].sku",
    ]


def checked(expected: Any, **options: Any) -> None:
    cases = (Case("c1", {}, expected, "", "dev", path="cases.jsonl", line=4),)
    metrics = {"m": MetricSpec("m", "json_fields@1", options)}
    build_scorers(Suite("s", "t", Path(), cases, {}, metrics, "m"))


def test_a_case_without_any_field_that_counts_is_refused_before_a_model_runs() -> None:
    with pytest.raises(ScorerError, match=r'jsonl:4: .*"c1": .*none of the fields .*: taem'):
        checked({"team": "a"}, fields=["taem"])
    with pytest.raises(ScorerError, match=r"items\[\]\.sku"):
        checked({"items": []}, fields=["items[].sku"])
    checked({"team": None}, fields=["team"])
    checked({}, lists="any_order")


def test_a_field_that_a_case_lacks_beside_one_that_it_has_must_not_be_answered() -> None:
    checked({"team": "a"}, fields=["team", "urgent"])
    expected, fields = {"team": "a", "x": 1}, ["team", "urgent"]
    assert score(expected, {"team": "a"}, fields=fields).value == 1.0
    assert score(expected, {"team": "a", "urgent": True}, fields=fields).kind == "extra_fields"


def test_lists_in_any_order_are_paired_so_that_most_is_right() -> None:
    expected = [{"n": "a", "v": 1}, {"n": "b", "v": 2}, {"n": "c", "v": 3}]
    answer = [{"n": "c", "v": 3}, {"n": "b", "v": 9}, {"n": "a", "v": 1}, {"n": "d", "v": 4}]
    assert score(expected, answer).value == pytest.approx(2 * 1 / 14)  # only b stands in place
    found = score(expected, answer, lists="any_order")
    assert found.value == pytest.approx(2 * 5 / 14)
    assert [p.name for p in found.parts if p.expected is None] == ["[3].n", "[3].v"]


def test_lists_in_any_order_are_multisets_also_inside_each_other() -> None:
    assert score([1, 1, 2], [2, 1, 1], lists="any_order").value == 1.0
    assert score([1, 1, 2], [1, 2, 2], lists="any_order").value == pytest.approx(4 / 6)
    assert score([[1, 2], [3, 4]], [[4, 3], [2, 1]], lists="any_order").value == 1.0
    assert score([1, 2, 3], [3], lists="any_order").value == 0.5
    assert score({"a": []}, {"a": [1]}, lists="any_order").value == 0.0


def test_fields_that_do_not_count_do_not_pair_elements() -> None:
    expected = [{"id": 1, "v": "x"}, {"id": 2, "v": "y"}]
    answer = [{"id": 2, "v": "x"}, {"id": 1, "v": "y"}]
    assert score(expected, answer, lists="any_order", fields=["[].v"]).value == 1.0


SAME = [
    (1, 1.0, "exact", True),
    (1, True, "exact", False),
    (False, 0, "exact", False),
    ("A", "a", "exact", False),
    (None, None, "exact", True),
    ("A b", " a  b. ", "normalized", True),
    (5, "5", "normalized", False),
    (5, "5", "numeric", True),
    ("1,200 EUR", 1200, "numeric", True),
    (5, "5 or 6", "numeric", False),
    (None, 0, "numeric", False),
    (100, 101, {"as": "numeric", "rel": 0.01}, True),
    (100, 102, {"as": "numeric", "rel": 0.01}, False),
    (100, 102, {"as": "numeric", "rel": 0.01, "abs": 2}, True),
    (2**60, 2**60 + 1, "numeric", False),
    (str(2**60 + 1), 2**60 + 1, "numeric", True),
    (2**60, 2**60 + 1, {"as": "numeric", "abs": 1}, True),
    (10**400, 10**400, "numeric", True),
    (1, 10**400, "numeric", False),
]


@pytest.mark.parametrize(("wanted", "got", "how", "same"), SAME)
def test_values_are_compared_as_the_suite_says(wanted: Any, got: Any, how: Any, same: bool) -> None:
    assert score({"a": wanted}, {"a": got}, compare={"a": how}).value == float(same)
    assert score({"a": wanted}, {"a": got}, compare={"*": how}).value == float(same)


def test_the_first_pattern_that_fits_says_how_and_the_star_comes_last() -> None:
    compare = {"*": "exact", "a.b": "exact", "a": "normalized"}
    assert (
        score({"a": {"b": "X", "c": "X"}}, {"a": {"b": "x", "c": "x"}}, compare=compare).value
        == 0.5
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fields": ["a..b"]}, "not a path at character 2"),
        ({"fields": []}, "non-empty list"),
        ({"compare": {"a": "fuzzy"}}, "expected exact or normalized or numeric, not 'fuzzy'"),
        ({"compare": {"a": {"as": "exact", "abs": 1}}}, "exact takes no options"),
        ({"compare": {"a": {"as": "numeric", "tolerance": 1}}}, "numeric takes abs and rel"),
        ({"compare": {"a": {"as": "numeric", "abs": -1}}}, "a finite number of at least 0"),
        ({"lists": "set"}, '"index" or "any_order"'),
    ],
)
def test_options_that_mean_nothing_are_refused(options: dict[str, Any], message: str) -> None:
    assert message in refusal(**options)


def test_too_many_fields_are_refused_in_a_suite_and_score_nothing_in_an_answer() -> None:
    many = list(range(501))
    with pytest.raises(ScorerError, match="more than 500 fields"):
        score(many, [])
    assert score([1], many).kind == "too_many_fields"
    assert score(many[:500], many[500:0:-1], lists="any_order").value == pytest.approx(499 / 500)


@pytest.mark.parametrize("how", ["exact", "normalized", {"as": "numeric", "abs": 0.5}])
def test_long_texts_in_any_order_are_paired_in_good_time(how: Any) -> None:
    texts = [("So it is. " * 200)[:1_995] + f" {n:04}" for n in range(400)]
    numbers = ["about " * 150 + str(n) for n in range(400)]
    wanted = numbers if isinstance(how, dict) else texts
    started = time.process_time()
    found = score(wanted, wanted[::-1], lists="any_order", compare={"*": how})
    assert found.value == 1.0
    assert time.process_time() - started < 3.0  # 0.5 s; several times that if each pair is read


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(alphabet=st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON_VALUES, st.sampled_from(["index", "any_order"]))
def test_every_document_is_full_marks_for_itself(document: Any, lists: str) -> None:
    assert score(document, json.dumps(document), lists=lists).value == 1.0


@given(JSON_VALUES, JSON_VALUES)
def test_any_order_is_never_worse_than_the_given_order(expected: Any, answer: Any) -> None:
    in_order = score(expected, json.dumps(answer)).value
    assert score(expected, json.dumps(answer), lists="any_order").value >= in_order - 1e-12


@given(JSON_VALUES)
def test_paths_can_be_read_back(document: Any) -> None:
    for path, _ in leaves(document):
        if path:
            assert read(written(path)) == path


def test_indices_are_left_out_but_not_inside_keys() -> None:
    assert without_indices('a[0].b[12]["x[3]\\"[4]"]') == 'a[].b[]["x[3]\\"[4]"]'
