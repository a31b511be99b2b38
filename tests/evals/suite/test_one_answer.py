from __future__ import annotations

import json

import pytest

from evals.approach import Approach, Technique
from evals.errors import SuiteError
from evals.models.scripted import ScriptedModel
from evals.prompting import make_candidate
from evals.prompting.ladder import default_rounds
from evals.suite import load_suite
from tests.sample_suite import write_suite

REASONING = (
    "rounds:\n  - {family: wording, prompts: [terse]}\n  - {family: reasoning, prompts: [spec]}\n"
)
VOTES = "rounds:\n  - {family: votes, prompts: [spec], votes: [3, 5]}\n"
CANDIDATE = "candidate: {prompt: spec, votes: 5}\n"
TOOLS = "tools: [{name: find, description: Finds., parameters: {type: object, properties: {}}}]\n"


def with_choices(case):
    return case | {"choices": ["billing", "login", "shipping"]}


def with_turns(case):
    return case | {"turns": [{"user": "Sure?", "expected": "login"}]}


def with_tools(case):
    return case | {"tools": ["find"]}


def only(number, change):
    return lambda case: change(case) if case["id"] == f"dev-{number:04d}" else case


@pytest.mark.parametrize(
    ("extra", "change", "line", "said"),
    [
        (REASONING, with_choices, 3, "reasoning cannot be used on case 'dev-0007', which ranks"),
        (REASONING + TOOLS, with_tools, 3, "reasoning cannot be used on .* which is offered tools"),
        (VOTES, with_choices, 2, "votes cannot be used on case 'dev-0007', which ranks"),
        (CANDIDATE, with_turns, 1, "votes cannot be used on case 'dev-0007', which has further"),
        (VOTES, with_turns, 2, "votes cannot be used on case 'dev-0007', which has further turns"),
    ],
)
def test_a_round_for_one_written_answer_is_refused_at_its_line(tmp_path, extra, change, line, said):
    folder = write_suite(tmp_path / "s", extra=extra, change=only(7, change))
    with pytest.raises(SuiteError, match=said) as caught:
        load_suite(folder)
    lines = (folder / "suite.yaml").read_text().splitlines()
    assert lines[caught.value.line - 1] == extra.splitlines()[line - 1]
    assert caught.value.key.startswith(("rounds[", "candidate"))


def test_other_rounds_and_plain_cases_are_not_refused(tmp_path):
    assert load_suite(write_suite(tmp_path / "plain", extra=REASONING)).rounds
    wording = "rounds:\n  - {family: wording, prompts: [terse, spec]}\n"
    assert load_suite(write_suite(tmp_path / "choices", extra=wording, change=with_choices))


@pytest.mark.parametrize("split", ["dev", "test"])
def test_the_default_ladder_holds_nothing_that_is_refused(tmp_path, split):
    suite = load_suite(
        write_suite(
            tmp_path / "s",
            extra="",
            change=lambda case: with_choices(case) if case["id"].startswith(split) else case,
        )
    )
    for spec in default_rounds(suite):
        assert spec.family not in ("reasoning", "votes")
        for prompt, approach in spec.pairs:
            if approach.method != "searched":
                assert make_candidate(suite, ScriptedModel({}), prompt, approach)


def test_train_cases_of_another_kind_are_no_hindrance(tmp_path):
    folder = write_suite(
        tmp_path / "s",
        extra=REASONING,
        change=lambda case: with_choices(case) if case["id"].startswith("train") else case,
    )
    assert load_suite(folder).rounds


def test_a_candidate_is_refused_before_anything_is_asked(tmp_path):
    suite = load_suite(write_suite(tmp_path / "s", change=with_choices, extra=""))
    how = Approach(technique=Technique(reasoning=True, votes=3, temperature=0.7))
    with pytest.raises(SuiteError, match="reasoning and votes cannot be used on case 'dev-0000'"):
        make_candidate(suite, ScriptedModel({}), "spec", how)
    assert json.dumps(make_candidate(suite, ScriptedModel({}), "spec").k) == "0"
