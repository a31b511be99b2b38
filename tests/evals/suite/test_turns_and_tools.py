"""Cases with several turns, tools that a suite offers, and answers held to a schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evals.errors import SuiteError
from evals.models.scripted import ScriptedModel
from evals.prompting import build_requests, make_candidate
from evals.scorers import self_test
from evals.suite import load_suite
from evals.suite.check import check_suite

FIND = {"name": "find", "description": "d", "parameters": {"type": "object", "properties": {}}}
STOP = {"name": "stop", "parameters": {"type": "object"}}
ASK = '{% message "user" %}{{ input.text }}{% endmessage %}'
SHOW = '{% message "system" %}{{ tools | tojson }}{% endmessage %}' + ASK


def write(folder: Path, cases: list[dict[str, Any]], extra: str = "", scorer: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "ask.j2").write_text(ASK)
    (folder / "show.j2").write_text(SHOW)
    (folder / "cases.jsonl").write_text("".join(json.dumps(case) + "\n" for case in cases))
    (folder / "suite.yaml").write_text(
        "format: 1\nname: talk\ntask: Talk.\ncases: {dev: cases.jsonl}\n"
        "prompts: {ask: ask.j2, show: show.j2}\n"
        f"metrics: {{m: {scorer or '{scorer: exact@1}'}}}\nprimary: m\n{extra}\n"
    )
    return folder


def a_case(**more: Any) -> dict[str, Any]:
    return {"id": "c1", "input": {"text": "hi"}, "expected": "a", **more}


def refusal(folder: Path, cases: list[dict[str, Any]], extra: str = "") -> SuiteError:
    with pytest.raises(SuiteError) as caught:
        load_suite(write(folder, cases, extra))
    return caught.value


def test_follow_ups_are_asked_in_order(tmp_path: Path) -> None:
    turns = [{"user": "and?", "expected": "b"}, {"user": "so?", "answer": "c"}]
    suite = load_suite(write(tmp_path / "s", [a_case(turns=turns)]))
    candidate = make_candidate(suite, ScriptedModel({}), "ask")
    (request,) = build_requests(suite, candidate, suite.cases)
    assert request.follow_ups == ("and?", "so?")
    assert [turn.answer for turn in suite.cases[0].turns] == ["b", "c"]


def test_turns_belong_to_what_a_case_is(tmp_path: Path) -> None:
    one = load_suite(write(tmp_path / "s", [a_case(turns=[{"user": "and?", "expected": "b"}])]))
    other = load_suite(write(tmp_path / "s", [a_case(turns=[{"user": "and?", "expected": "z"}])]))
    without = load_suite(write(tmp_path / "s", [a_case()]))
    assert len({s.cases[0].fingerprint for s in (one, other, without)}) == 3


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ({"turns": [{"user": "x"}]}, "key 'expected' is missing"),
        ({"turns": [{"expected": "x"}]}, "key 'user' is missing"),
        ({"turns": {"user": "x"}}, "expected a list"),
        ({"turns": [{"user": "x", "expected": "y", "role": "z"}]}, "unknown key 'role'"),
        ({"turns": [{"user": "x", "expected": "a"}], "choices": ["a", "b"]}, "has no turns"),
        ({"tools": ["find"]}, "the suite has no tool 'find'"),
    ],
)
def test_a_faulty_case_is_refused_with_its_line(
    tmp_path: Path, case: dict[str, Any], said: str
) -> None:
    error = refusal(tmp_path / "s", [a_case(id="c0"), a_case(**case)])
    assert said in error.message
    assert error.line == 2


def test_a_case_offers_all_tools_of_the_suite_or_those_it_names(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    folder.mkdir()
    (folder / "tools.json").write_text(json.dumps([FIND, {"type": "function", "function": STOP}]))
    cases = [a_case(id="all"), a_case(id="one", tools=["stop"]), a_case(id="none", tools=[])]
    suite = load_suite(write(folder, cases, "tools: tools.json"))
    offered = [[tool["name"] for tool in suite.tools_of(case)] for case in suite.cases]
    assert offered == [["find", "stop"], ["stop"], []]
    candidate = make_candidate(suite, ScriptedModel({}), "ask")
    requests = build_requests(suite, candidate, suite.cases)
    assert [len(request.tools) for request in requests] == [2, 1, 0]


def test_a_prompt_that_shows_the_tools_does_not_offer_them_twice(tmp_path: Path) -> None:
    suite = load_suite(write(tmp_path / "s", [a_case()], f"tools: [{json.dumps(FIND)}]"))
    model = ScriptedModel({})
    (shown,) = build_requests(suite, make_candidate(suite, model, "show"), suite.cases)
    assert shown.tools == ()
    assert '"find"' in shown.messages[0].content
    assert check_suite(suite).passed


def test_tools_belong_to_what_a_candidate_is(tmp_path: Path) -> None:
    model = ScriptedModel({})
    found = set()
    for tools in ("", f"tools: [{json.dumps(FIND)}]", f"tools: [{json.dumps(STOP)}]"):
        suite = load_suite(write(tmp_path / "s", [a_case()], tools))
        found.add(make_candidate(suite, model, "ask").fingerprint)
    assert len(found) == 3


@pytest.mark.parametrize(
    ("tools", "said"),
    [
        ("[{name: 'a b'}]", "is no name of a tool"),
        ("[{name: a}, {name: a}]", "appears twice"),
        ("[{name: a, parameters: {type: array}}]", "expected a JSON schema"),
        ("[{name: a, parameter: {}}]", "did you mean 'parameters'"),
        ("missing.json", "does not exist"),
        ("3", "a list of tools"),
    ],
)
def test_a_faulty_tool_is_refused(tmp_path: Path, tools: str, said: str) -> None:
    assert said in str(refusal(tmp_path / "s", [a_case()], f"tools: {tools}"))


def test_a_schema_for_answers_is_read_inline_or_from_a_file(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    folder.mkdir()
    (folder / "answer.json").write_text('{"type": "object"}')
    inline = load_suite(write(folder, [a_case()], "decoding: {schema: {type: object}}"))
    named = load_suite(write(folder, [a_case()], "decoding: {schema: answer.json}"))
    assert inline.decoding == named.decoding
    assert inline.decoding.schema == {"type": "object"}
    (folder / "answer.json").write_text('{"type": NaN}')
    error = refusal(folder, [a_case()], "decoding: {schema: answer.json}")
    assert "NaN is not a JSON number" in error.message


def test_the_self_test_plays_whole_conversations(tmp_path: Path) -> None:
    cases = [
        a_case(id=f"c{n}", expected=f"a{n}", turns=[{"user": "and?", "expected": f"b{n}"}])
        for n in range(12)
    ]
    for n, case in enumerate(cases):
        case["input"] = {"text": f"question number {n}"}
    right = write(tmp_path / "s", cases, scorer="{scorer: turns@1, turn: {scorer: exact@1}}")
    assert self_test(load_suite(right)) == ()
    only_last = write(tmp_path / "s", cases, scorer="{scorer: exact@1}")
    assert "gold_not_full" in {finding.code for finding in self_test(load_suite(only_last))}


def test_the_self_test_takes_no_right_conversation_for_anothers(tmp_path: Path) -> None:
    """Cut to as many turns, another case's answers may be this one's own."""
    cases = []
    for n in range(30):
        later = [{"user": "so?", "expected": "b"}, {"user": "and?", "expected": "c"}]
        cases.append(a_case(id=f"c{n}", input={"text": f"q {n}"}, turns=later[: 1 + n % 2]))
    folder = write(tmp_path / "s", cases, scorer="{scorer: turns@1, turn: {scorer: exact@1}}")
    found = [one for one in self_test(load_suite(folder)) if one.level == "error"]
    assert found == []


def test_conversations_are_neither_demonstrations_nor_training_data(tmp_path: Path) -> None:
    turned = a_case(turns=[{"user": "and?", "expected": "b"}], split="train")
    folder = write(tmp_path / "s", [turned])
    manifest = folder / "suite.yaml"
    manifest.write_text(manifest.read_text().replace("{dev: cases.jsonl}", "cases.jsonl"))
    suite = load_suite(folder)
    assert not suite.cases[0].is_plain
    assert "not_trained_on" in {finding.code for finding in check_suite(suite).findings}
