"""Calls as endpoints give them and as models write them, right and wrong."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.errors import ScorerError
from evals.records import Case, Output, Score, ToolCall
from evals.scorers import build_scorer, build_scorers
from evals.scorers.normal import normalise
from evals.scorers.structured.call_values import Rule, Values
from evals.scorers.structured.called import CallsError, calls_of
from evals.suite.spec import MetricSpec, Suite

RAIN = {"name": "weather", "arguments": {"city": "Bern", "days": 3}}
SAVE = {"name": "save", "arguments": {"text": "rain"}}


def judged(expected: Any, output: Output | str, **options: Any) -> Score:
    scorer = build_scorer(MetricSpec("m", "tool_calls@1", options), Path())
    if isinstance(output, str):
        output = Output(output, "stop")
    return scorer(Case("c1", {}, expected, "", "dev"), output)


def called(*calls: tuple[str, str]) -> Output:
    return Output("", "tools", tool_calls=tuple(ToolCall(*call) for call in calls))


def text(*calls: Any) -> str:
    return json.dumps(calls)


@pytest.mark.parametrize(
    "output",
    [
        called(("weather", '{"days": 3, "city": "Bern"}')),
        text(RAIN),
        json.dumps(RAIN),
        f"```json\n{json.dumps(RAIN)}\n```",
        f"I look.\n<tool_call>\n{json.dumps(RAIN)}\n</tool_call>",
        f"<tool_call>{json.dumps(RAIN)}",
        '{"function": "weather", "parameters": {"city": "Bern", "days": 3.0}}',
        '{"name": "weather", "arguments": "{\\"city\\": \\"Bern\\", \\"days\\": 3}"}',
        '[{"type": "function", "function": {"name": "weather", "arguments": '
        '"{\\"city\\": \\"Bern\\", \\"days\\": 3}"}}]',
        f'{{"tool_calls": [{json.dumps(RAIN)}]}}',
    ],
)
def test_the_expected_call_scores_full_marks_in_every_form(output: Output | str) -> None:
    score = judged([RAIN], output)
    assert score.value == 1.0, score.reason
    assert all(part.value == 1.0 for part in score.parts)
    assert [part.name for part in score.parts] == ["weather", "weather.city", "weather.days"]


WRONG: list[tuple[Any, Output | str, str]] = [
    ([RAIN], "It rains in Bern.", "no_call"),
    ([RAIN], "", "no_call"),
    ([RAIN], "[]", "no_call"),
    ([RAIN], '{"answer": 5}', "no_call"),
    ([RAIN], "[1, null, [], {}]", "no_call"),
    ([RAIN], '{"name": "weather", ', "bad_json"),
    ([RAIN], "<tool_call>weather(Bern)</tool_call>", "bad_json"),
    ([RAIN], "[" * 100_000, "bad_json"),
    ([RAIN], '{"name": "weather", "arguments": {"days": ' + "9" * 9_000 + "}}", "bad_json"),
    ([RAIN], called(("weather", '{"city": ')), "bad_json"),
    ([RAIN], called(("weather", "[1]")), "bad_json"),
    ([RAIN], called(("weather", "[" * 50_000)), "bad_json"),
    ([RAIN], text(*[RAIN] * 101), "bad_json"),
    (
        [RAIN],
        '{"name": "weather", "arguments": {"city": "Rome", "city": "Bern", "days": 3}}',
        "bad_json",
    ),
    (
        [RAIN],
        '{"name": "save", "name": "weather", "arguments": {"city": "Bern", "days": 3}}',
        "bad_json",
    ),
    ([RAIN], called(("weather", '{"city": "Rome", "city": "Bern", "days": 3}')), "bad_json"),
    (
        [RAIN],
        json.dumps({"name": "weather", "arguments": '{"days": 4, "days": 3, "city": "Bern"}'}),
        "bad_json",
    ),
    ([RAIN], text(SAVE), "wrong_tool"),
    ([RAIN], called(("Weather", '{"city": "Bern", "days": 3}')), "wrong_tool"),
    ([RAIN], called(("weather", "{}")), "wrong_arguments"),
    ([RAIN], called(("weather", "")), "wrong_arguments"),
    ([RAIN], called(("weather", '{"city": "Bern", "days": "3"}')), "wrong_arguments"),
    ([RAIN], called(("weather", '{"city": "Bern", "days": true}')), "wrong_arguments"),
    ([RAIN], called(("weather", '{"city": "Bern", "days": 3, "x": 1}')), "wrong_arguments"),
    ([RAIN], text(RAIN, RAIN), "extra_call"),
    ([RAIN, SAVE], text(RAIN), "wrong_tool"),
    ([], text(RAIN), "extra_call"),
]


@pytest.mark.parametrize(("expected", "output", "kind"), WRONG)
def test_other_calls_score_zero_and_say_why(expected: Any, output: Any, kind: str) -> None:
    score = judged(expected, output)
    assert (score.value, score.kind) == (0.0, kind), score.reason
    assert score.reason
    assert score.reason.isprintable()


@pytest.mark.parametrize("said", ["I cannot help with that.", "", "[]"])
def test_where_no_call_is_expected_prose_is_right(said: str) -> None:
    assert judged([], said).value == 1.0
    assert judged([], text(RAIN), extra_calls=True).value == 0.0


def test_order_matters_where_the_suite_says_so() -> None:
    assert judged([RAIN, SAVE], text(SAVE, RAIN)).value == 1.0
    score = judged([RAIN, SAVE], text(SAVE, RAIN), order=True)
    assert (score.value, score.kind) == (0.0, "wrong_order")
    assert judged([RAIN, SAVE], text(RAIN, SAVE), order=True).value == 1.0
    extra = text(SAVE, RAIN, SAVE)
    assert judged([RAIN, SAVE], extra, order=True, extra_calls=True).value == 1.0
    assert judged([RAIN, SAVE], extra, order=True).kind == "extra_call"


def test_a_tool_that_is_called_too_seldom_is_told_with_how_often_it_is() -> None:
    other = {"name": "weather", "arguments": {"city": "Basel", "days": 3}}
    score = judged([RAIN, other], text(RAIN))
    assert (score.value, score.kind) == (0.0, "no_call")
    assert score.reason == "weather is called once instead of 2 times; called: weather"
    score = judged([RAIN, other, RAIN], text(RAIN, RAIN, SAVE))
    assert score.kind == "wrong_tool"
    assert score.reason.startswith("weather is called 2 times instead of 3 times; called: ")
    score = judged([RAIN, SAVE], text(SAVE, other), order=True)
    assert score.kind == "wrong_order"
    assert score.reason == "weather is not called where it is expected; called: save, weather"


def test_arguments_may_be_a_subset_or_not_looked_at() -> None:
    more = called(("weather", '{"city": "Bern", "days": 3, "unit": "C"}'))
    assert judged([RAIN], more).kind == "wrong_arguments"
    assert judged([RAIN], more, arguments="subset").value == 1.0
    assert judged([RAIN], more, ignore=["unit"]).value == 1.0
    assert judged([RAIN], called(("weather", "nonsense")), arguments="names_only").value == 1.0
    loose = {"name": "weather", "arguments": {"city": "Bern"}}
    both = text(RAIN, loose)
    assert judged([loose, RAIN], both, arguments="subset").value == 1.0  # not the first that fits


def test_true_is_no_number_and_a_whole_float_is_one() -> None:
    one = {"name": "set", "arguments": {"on": 1}}
    assert judged([one], '{"name": "set", "arguments": {"on": true}}').kind == "wrong_arguments"
    assert judged([one], '{"name": "set", "arguments": {"on": 1.0}}').value == 1.0


def test_values_have_tolerances_where_the_suite_gives_them() -> None:
    near = called(("weather", '{"city": "bern.", "days": 3.01}'))
    assert judged([RAIN], near).value == 0.0
    assert judged([RAIN], near, strings="normalized", abs=0.1).value == 1.0
    assert judged([RAIN], near, strings="normalized", rel=0.001).value == 0.0


def test_partial_gives_the_share_of_names_and_arguments() -> None:
    half = called(("weather", '{"city": "Bern", "days": 5}'))
    score = judged([RAIN], half, partial=True)
    assert score.value == pytest.approx(2 / 3)
    assert score.kind == "wrong_arguments"
    assert [(p.name, p.value, p.expected, p.got) for p in score.parts] == [
        ("weather", 1.0, "weather", "weather"),
        ("weather.city", 1.0, '"Bern"', '"Bern"'),
        ("weather.days", 0.0, "3", "5"),
    ]
    assert judged([RAIN], text(RAIN, SAVE), partial=True).value == pytest.approx(1 / 2)
    assert judged([RAIN, SAVE], text(SAVE), partial=True).value == pytest.approx(1 / 2)
    assert judged([RAIN, SAVE], text(SAVE, RAIN), partial=True, order=True).value == 0.5


def test_what_nobody_expected_is_a_part_too_but_not_without_end() -> None:
    many = {"name": "weather", "arguments": {f"x{n}": n for n in range(5_000)}}
    score = judged([RAIN], text(many, *[SAVE] * 50))
    assert len(score.parts) < 60
    assert any(part.expected is None and part.got == "save" for part in score.parts)


@pytest.mark.parametrize(
    "answer",
    [
        "<tool_call>" * 80_000,
        "<tool_call>{}</tool_call>" * 40_000,
        text(*[{"name": "weather", "arguments": {"city": "x" * 5_000}}] * 100),
        '{"name": "weather", "arguments": ' + '{"a":' * 90 + "1" + "}" * 92,
        "```json\n" * 100_000,
        "{" + '"a": 1, ' * 120_000 + "}",
        "x" * 2_000_000,
        "\ud800" * 1_000,
    ],
    ids=range(8),
)
def test_hostile_text_is_judged_in_good_time(answer: str) -> None:
    started = time.monotonic()
    assert judged([RAIN] * 50, answer, partial=True, order=True).value < 1.0
    assert time.monotonic() - started < 5


LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()


JSON_VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8
)


@given(JSON_VALUES)
def test_every_value_is_the_same_as_itself_and_its_round_trip(value: Any) -> None:
    values = Values(Rule())
    assert values.same(value, json.loads(json.dumps(value)))
    assert not values.same(value, [value])


def by_definition(rule: Rule, expected: Any, got: Any) -> bool:
    """Whether two values are the same, element by element."""
    if isinstance(expected, dict) and isinstance(got, dict):
        keys = expected if rule.arguments == "subset" else {**expected, **got}
        both = all(key in expected and key in got for key in keys)
        return both and all(by_definition(rule, expected[key], got[key]) for key in keys)
    if isinstance(expected, list) and isinstance(got, list):
        pairs = zip(expected, got, strict=False)
        return len(expected) == len(got) and all(by_definition(rule, *pair) for pair in pairs)
    if isinstance(expected, str) and isinstance(got, str) and rule.normalised:
        return normalise(expected) == normalise(got)
    if isinstance(expected, bool) or isinstance(got, bool):
        return expected is got
    if isinstance(expected, int | float) and isinstance(got, int | float) and expected != got:
        if max(abs(expected), abs(got)) > 1e308:
            return False
        most = max(rule.absolute, rule.relative * abs(expected))
        return most > 0 and abs(float(expected) - float(got)) <= most
    return bool(expected == got)


ALIKE = st.recursive(
    st.sampled_from([None, True, 0, 1, 1.0, 1.05, -1, 2.0, 10**400, float("inf"), "A", "a.", "1"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab{["), inner, max_size=3)
    ),
    max_leaves=6,
)
RULES = st.builds(
    Rule,
    arguments=st.sampled_from(["exact", "subset"]),
    normalised=st.booleans(),
    absolute=st.sampled_from([0.0, 0.06]),
    relative=st.sampled_from([0.0, 0.5]),
)


@given(st.lists(ALIKE, min_size=1, max_size=5), st.lists(ALIKE, min_size=1, max_size=5), RULES)
def test_many_values_are_compared_as_each_pair_would_be(
    wanted: list[Any], found: list[Any], rule: Rule
) -> None:
    values = Values(rule)
    for expected in wanted:
        for got in [*found, *wanted]:
            assert values.same(expected, got) == by_definition(rule, expected, got)


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"abs": 0.3},
        {"arguments": "subset", "rel": 1e-9},
        {"order": True, "strings": "normalized", "partial": True},
    ],
)
def test_many_calls_with_long_arguments_that_differ_late_are_judged_in_good_time(
    options: dict[str, Any], nested: bool
) -> None:
    def call(last: float) -> Any:
        numbers = [*range(1_000 if nested else 3_999), last]
        return {"name": "f", "arguments": {"x": [{"n": n} for n in numbers] if nested else numbers}}

    expected = [call(n) for n in range(100)]
    answer = called(*(("f", json.dumps(call(n + 0.25)["arguments"])) for n in range(100)))
    started = time.process_time()
    assert (judged(expected, answer, **options).value == 1.0) == ("abs" in options)
    assert time.process_time() - started < 6.0  # about 1 s; half a minute if each pair is walked


@given(st.text() | st.text('[]{}"<>tool_call:/nameargumts, \\1'))
def test_any_text_gives_calls_or_a_reason(said: str) -> None:
    reason = "none needed"
    try:
        calls_of(Output(said, "stop"))
    except CallsError as error:
        reason = str(error)
    assert reason


@pytest.mark.parametrize(
    "expected",
    [None, "weather", {"name": "weather"}, [{}], [{"name": ""}], [{"name": "x", "args": {}}],
     [{"name": "x", "arguments": "{}"}], [RAIN] * 101],
)  # fmt: skip
def test_a_case_without_calls_is_refused_before_any_model_runs(expected: Any) -> None:
    cases = (Case("c1", {}, expected, "", "dev"),)
    metrics = {"m": MetricSpec("m", "tool_calls@1")}
    with pytest.raises(ScorerError, match="list of at most 100 calls"):
        build_scorers(Suite("s", "t", Path(), cases, {}, metrics, "m"))
