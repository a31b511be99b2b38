"""The structure of JSON answers that a suite does not state: it never forbids a right answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from evals.models.constrained import Form
from evals.models.guidance import Acceptor
from evals.records import Case, Json
from evals.regression.definition import define_gate
from evals.suite import Suite, load_suite
from evals.suite.answer_shape import LEAST_ANSWERS, right_answers, shared_schema
from evals.suite.cases import compact_json
from evals.suite.check import check_suite
from evals.suite.spec import Structure
from evals.suite.structure_check import _writing

FIELDS = "{scorer: json_fields@1}"
RECORD = {"team": "a", "size": 3}
KEYS: dict[str, Any] = {
    "type": "object",
    "properties": {"team": {"type": "string"}, "size": {"type": "number"}},
    "required": ["team", "size"],
}

Rows = Sequence[Json | dict[str, Json]]


def write(
    folder: Path,
    train: Rows,
    dev: Rows,
    *,
    metric: str = FIELDS,
    more: str = "",
    test: Rows = (),
    **case: Json,
) -> Suite:
    """A suite whose cases expect these documents, in order; `case` is added to the dev cases."""
    folder.mkdir(exist_ok=True)
    (folder / "ask.j2").write_text('{% message "user" %}{{ input.text }}{% endmessage %}')
    named = {"train": train, "dev": dev, "test": test}
    for split, rows in named.items():
        lines = [
            {"id": f"{split}{n}", "input": {"text": f"{split} {n}"}, "expected": row}
            | (case if split == "dev" else {})
            for n, row in enumerate(rows)
        ]
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(each) + "\n" for each in lines))
    files = ", ".join(f"{split}: {split}.jsonl" for split, rows in named.items() if rows)
    (folder / "suite.yaml").write_text(
        f"format: 1\nname: s\ntask: T.\ncases: {{{files}}}\nprompts: {{ask: ask.j2}}\n"
        f"metrics: {{m: {metric}}}\nprimary: m\n{more}"
    )
    return load_suite(folder)


def records(count: int = LEAST_ANSWERS, **other: Json) -> list[Json]:
    return [RECORD | other | {"size": n} for n in range(count)]


def form_of(suite: Suite) -> Structure:
    assert suite.structure is not None
    return suite.structure


def schema_of(suite: Suite) -> Json:
    return form_of(suite).schema


# --- the promise -------------------------------------------------------------------------------

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
NAMES = st.sampled_from(["team", "size", "odd key", 'say "hi"', "", "é", "\t", "nul\x00"]) | TEXT
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=8,
)
DOCUMENTS = st.dictionaries(NAMES, VALUES, max_size=5) | st.lists(VALUES, max_size=3)


def case_of(number: int, document: Json) -> Case:
    split = "train" if number % 2 else "dev"
    return Case(str(number), {"text": "x"}, document, compact_json(document), split)


@settings(max_examples=150, deadline=None)
@given(st.lists(DOCUMENTS, min_size=1, max_size=5), st.integers(1, 2 * LEAST_ANSWERS))
def test_every_right_answer_of_train_and_dev_is_allowed_and_can_be_written(
    documents: list[Json], count: int
) -> None:
    cases = [case_of(n, documents[n % len(documents)]) for n in range(count)]
    schema = shared_schema(right_answers(cases, expected=True), lambda _: True)
    assert schema is not None
    Draft202012Validator.check_schema(schema)
    valid = Draft202012Validator(schema)
    accepts = Acceptor(Form(schema), key="structure").accepts
    for case in cases[: len(documents)]:
        assert valid.is_valid(case.expected)
        if "\x7f" not in case.answer:  # which the library writes only as an escape, and in no key
            assert _writing(accepts, Structure(schema), case.answer, 1e12) != "never"


@settings(max_examples=100, deadline=None)
@given(DOCUMENTS, DOCUMENTS)
def test_one_more_answer_only_ever_loosens(known: Json, other: Json) -> None:
    some = [case_of(n, known) for n in range(LEAST_ANSWERS)]
    more = [*some, case_of(LEAST_ANSWERS, other)]
    one, two = (
        shared_schema(right_answers(each, expected=True), lambda _: True) for each in (some, more)
    )
    assert one is not None
    assert two is not None
    assert Draft202012Validator(two).is_valid(known)
    assert Draft202012Validator(two).is_valid(other)
    kept = set(two.get("required", ()))
    assert kept <= set(one.get("required", ()))


def test_check_finds_nothing_that_a_derived_structure_forbids(tmp_path: Path) -> None:
    odd = {"size": 1, "extra": [{"sku": "x"}, {}], "team": None, "\x7f": "\x7f"}
    suite = write(tmp_path / "s", records(), [odd, {"team": "b", "size": 1e-7, "é": {}}])
    assert schema_of(suite)["required"] == ["team", "size"]
    found = {one.code: one for one in check_suite(suite).findings if "structure" in one.code}
    assert found["structure"].message == (
        "answers can be held to the keys of all right answers (team, size)"
    )
    assert set(found) <= {"structure", "structure_writes_otherwise"}


# --- what is derived ---------------------------------------------------------------------------


def test_keys_and_types_that_many_answers_all_have_are_demanded(tmp_path: Path) -> None:
    assert schema_of(write(tmp_path / "s", records(), records(5))) == KEYS


def test_few_answers_show_no_more_than_that_they_are_objects(tmp_path: Path) -> None:
    form = form_of(write(tmp_path / "s", records(LEAST_ANSWERS - 10), records(9)))
    assert (form.schema, form.source) == ({"type": "object"}, "a JSON object")


def test_one_dev_answer_without_a_key_or_of_another_type_loosens(tmp_path: Path) -> None:
    without = write(tmp_path / "s", records(), [{"team": "a"}])
    assert schema_of(without)["required"] == ["team"]
    other = write(tmp_path / "t", records(), [{"team": None, "size": 1}])
    assert schema_of(other)["properties"]["team"] == {"type": ["null", "string"]}
    array = write(tmp_path / "u", records(), [[]])
    assert form_of(array).schema["type"] == ["array", "object"]


def test_what_lies_within_objects_and_lists_is_shown_by_enough_answers_alone(
    tmp_path: Path,
) -> None:
    items = [{"sku": "x", "note": 1}, {"sku": "y"}] * LEAST_ANSWERS
    deep = [{"slots": {"city": "x"}, "items": [items[n]]} for n in range(LEAST_ANSWERS)]
    found = schema_of(write(tmp_path / "s", deep, deep[:3]))["properties"]
    city = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    sku = {"type": "object", "properties": {"sku": {"type": "string"}}, "required": ["sku"]}
    assert found == {"slots": city, "items": {"type": "array", "items": sku}}
    one = [{"items": [] if n else items} for n in range(LEAST_ANSWERS)]
    assert schema_of(write(tmp_path / "t", one, one[:3]))["properties"]["items"] == {
        "type": "array"
    }


def test_keys_stand_in_the_order_that_most_answers_use(tmp_path: Path) -> None:
    turned = [{"size": 1, "team": "a"}]
    suite = write(tmp_path / "s", [*turned, *records()], turned)
    assert schema_of(suite)["required"] == ["team", "size"]


def test_keys_that_do_not_count_need_not_be_written(tmp_path: Path) -> None:
    metric = "{scorer: json_fields@1, fields: [team, 'items[].sku']}"
    rows = [row | {"items": [{"sku": "x", "why": "y"}]} for row in records()]
    found = schema_of(write(tmp_path / "s", rows, rows[:2], metric=metric))
    assert found["required"] == ["team", "items"]
    assert found["properties"]["items"]["items"]["required"] == ["sku"]


def test_a_table_by_name_is_an_object_and_no_more(tmp_path: Path) -> None:
    rows = [{f"row {n}": 1 for n in range(100)} for _ in range(LEAST_ANSWERS)]
    assert schema_of(write(tmp_path / "s", rows, rows[:2])) == {"type": "object"}


def test_an_answer_that_is_given_beside_what_is_expected_counts_too(tmp_path: Path) -> None:
    short = write(tmp_path / "s", records(), records(1), answer='```json\n{"team": "a"}\n```')
    assert schema_of(short)["required"] == ["team"]
    prose = write(tmp_path / "t", records(), records(1), answer="Team a.")
    assert prose.structure is None


@pytest.mark.parametrize("last", ["a text", 3, None, True])
def test_answers_that_are_single_values_have_no_structure(tmp_path: Path, last: Json) -> None:
    assert write(tmp_path / "s", records(), [last], answer='"x"').structure is None


def test_the_sealed_split_is_not_looked_at(tmp_path: Path) -> None:
    plain = write(tmp_path / "s", records(), records(5))
    sealed = write(tmp_path / "t", records(), records(5), test=[{"other": 1}, [], {"team": 3}])
    assert schema_of(plain) == schema_of(sealed)


# --- where it is derived -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metric", "more", "derived"),
    [
        (FIELDS, "", True),
        ("{scorer: all_of@1, scorers: {f: {scorer: json_fields@1}}}", "", True),
        ("{scorer: any_of@1, scorers: {f: {scorer: json_fields@1}}}", "", False),
        ("{scorer: exact@1}", "", False),
        (FIELDS, "structure: none\n", False),
    ],
)
def test_a_structure_is_derived_where_every_full_mark_is_json(
    tmp_path: Path, metric: str, more: str, derived: bool
) -> None:
    suite = write(tmp_path / "s", records(), records(5), metric=metric, more=more)
    assert (suite.structure is not None) is derived


def test_a_stated_structure_and_that_of_decoding_come_first(tmp_path: Path) -> None:
    for n, more in enumerate(
        ("structure: {schema: {type: object}}\n", "decoding: {schema: {type: object}}\n")
    ):
        suite = write(tmp_path / f"s{n}", records(), records(5), more=more)
        assert schema_of(suite) == {"type": "object"}
        assert form_of(suite).source in ("structure.schema", "decoding.schema")


def test_held_out_cases_that_are_not_written_leave_it_underived(tmp_path: Path) -> None:
    turns = [{"user": "and?", "expected": {"team": "b", "size": 2}}]
    assert write(tmp_path / "s", records(), records(2)).structure is not None
    assert write(tmp_path / "t", records(), records(2), turns=turns).structure is None


def judged(schema: Json) -> str:
    schemed = json.dumps(schema)
    return f"{{scorer: exact@1}}, parses: {{scorer: json_schema@1, schema: {schemed}}}"


def test_the_schema_of_the_form_metric_is_the_structure_where_it_allows_every_answer(
    tmp_path: Path,
) -> None:
    closed = KEYS | {"additionalProperties": False}
    more = "form: parses\n"
    held = write(tmp_path / "s", records(), records(5), metric=judged(closed), more=more)
    assert (form_of(held).schema, form_of(held).source) == (closed, "the schema of parses")
    rows = [*records(4), RECORD | {"more": 1}]
    loose = write(tmp_path / "t", records(), rows, metric=judged(closed), more=more)
    assert schema_of(loose) == KEYS
    named = write(tmp_path / "u", records(), records(5), metric=judged(closed))
    assert named.structure is None  # a metric that nobody calls the form


def test_a_pattern_of_the_form_metric_does_not_hold_loading_up(tmp_path: Path) -> None:
    slow = {"type": "object", "properties": {"team": {"pattern": "^(a|a?)+$"}}}
    rows = [RECORD | {"team": "a" * 40 + "!"}]
    suite = write(tmp_path / "s", rows, rows, metric=judged(slow), more="form: parses\n")
    assert schema_of(suite) == {"type": "object", "properties": {"team": {}}}


# --- what it leaves as it was ------------------------------------------------------------------


def test_a_derived_structure_changes_neither_the_suites_identity_nor_its_gate(
    tmp_path: Path,
) -> None:
    suite = write(tmp_path / "s", records(), records(5))
    without = replace(suite, structure=None)
    assert suite.fingerprint == without.fingerprint
    assert define_gate(suite, {}) == define_gate(without, {})
