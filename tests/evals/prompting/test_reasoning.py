from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from evals.approach import Approach, Technique
from evals.models.scripted import ScriptedModel
from evals.prompting import answers, build_requests, changed_since, make_candidate, reasoning
from evals.prompting.reasoning import REQUEST, ask_to_reason, extract, find_answer
from evals.records import Message
from evals.suite import load_suite
from tests.sample_suite import ASK, write_suite

THINK = Approach(technique=Technique(reasoning=True, max_tokens=200))


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("It says charged.\nAnswer: billing", "billing"),
        ("Answer: billing", "billing"),
        ("So.\n**Answer:** billing", "billing"),
        ("So.\n**Answer**: billing", "billing"),
        ("So.\n**Answer: billing**", "billing"),
        ("So.\n**Answer: billing**\nSince it says charged.", "billing\nSince it says charged."),
        ("So.\n_Final answer:_ billing", "billing"),
        ("## Answer:\n\nbilling\n", "billing"),
        ("1. It is money.\n2. Answer: billing", "billing"),
        ("- The final answer is: billing", "billing"),
        ("> ANSWER: billing", "billing"),
        ("  answer : billing", "billing"),
        ("答え\nAnswer\uff1abilling", "billing"),
        ("Answer: login\nNo, wait.\nAnswer: billing", "billing"),
        ("Answer:\r\nbilling\r\n", "billing"),
        ("Answer: **billing**", "**billing**"),
        ('Answer:\n{"a": 1,\n "b": 2}', '{"a": 1,\n "b": 2}'),
        ("Answer:", ""),
        ("Answer: login\nAnswer:", ""),
    ],
)
def test_the_answer_is_what_follows_the_last_mark_that_begins_a_line(text, answer):
    assert find_answer(text, "stop") == (answer, "marked")


@pytest.mark.parametrize(
    "text",
    [
        "billing",
        "The answer: is it billing?!"[4:].replace(":", ""),
        "My Answer: billing",
        "Answers: 3",
    ],
)
def test_a_reply_that_ended_without_a_mark_is_all_answer(text):
    assert find_answer(f"  {text}\n", "stop") == (text, "whole")


def test_thoughts_that_ran_out_of_tokens_hold_no_answer():
    assert find_answer("It may be billing, or login", "length") == ("", "cut")
    assert find_answer("Hm.\nAnswer: billing, sin", "length") == ("billing, sin", "marked")


def test_what_ends_an_answer_ends_it_after_the_mark_and_not_in_the_thoughts():
    text = "One\ntwo;\nAnswer: select 1; and so\non"
    assert extract(text, "stop", ["\n"]) == "select 1; and so"
    assert extract(text, "stop", ["\n", ";"]) == "select 1"
    assert extract("select 1; and\nso", "stop", [";"]) == "select 1"
    assert extract(text, "stop", [""]) == "select 1; and so\non"


@pytest.mark.parametrize(
    "text",
    [
        "x" * 3_000_000,
        "Answer: " * 300_000,
        "Answer: a\n" * 200_000,
        "**" * 1_000_000 + "\n" + "*Answer",
        "\n" * 2_000_000,
        " " * 2_000_000 + "Answer: a",
        "1. " * 500_000,
        "the final " * 200_000,
        "\x00\x1b[2J\u202e" * 400_000,
        "\ud800\nAnswer: \udfff" * 100_000,
        "Answer" + " " * 2_000_000 + ":",
    ],
)
def test_hostile_texts_are_read_once(text):
    begun = time.process_time()
    find_answer(text, "stop")
    extract(text, "length", ["\n", "never"])
    assert time.process_time() - begun < 2


def test_the_request_to_think_stands_at_the_end_of_the_users_last_message():
    before = (Message("system", "Route."), Message("user", "Charged twice"))
    after = ask_to_reason(before)
    assert after == (before[0], Message("user", "Charged twice" + REQUEST))


def test_demonstrations_show_where_the_answer_goes_however_the_prompt_shows_them(tmp_path):
    by_expected = (
        '{% for demo in demos %}{% message "user" %}{{ demo.input.text }}{% endmessage %}'
        '{% message "assistant" %}{{ demo.expected }}{% endmessage %}{% endfor %}' + ASK
    )
    inline = (
        '{% message "user" %}{% for demo in demos %}{{ demo.answer }}\n{% endfor %}'
        "{{ input.text }}{% endmessage %}"
    )
    prompts = {"by_expected": by_expected, "inline": inline}
    suite = load_suite(write_suite(tmp_path / "s", prompts=prompts, extra=""))
    how = replace(THINK, method="static", k=2)
    for name in prompts:
        candidate = make_candidate(suite, ScriptedModel({}), name, how)
        (request,) = build_requests(suite, candidate, suite.split("dev")[:1])
        text = "\n".join(message.content for message in request.messages)
        assert text.count("\nAnswer: ") + text.startswith("Answer: ") == 2, name
        assert text.endswith(REQUEST)


def test_a_changed_wording_or_extraction_is_another_candidate(tmp_path, monkeypatch):
    suite = load_suite(write_suite(tmp_path / "s"))
    model = ScriptedModel({})
    candidate = make_candidate(suite, model, "spec", THINK)
    assert changed_since(suite, candidate) == ()
    monkeypatch.setattr(reasoning, "VERSION", ("reasoning@2",))
    assert changed_since(suite, candidate) == ("how reasoning and votes are done",)
    assert make_candidate(suite, model, "spec", THINK).fingerprint != candidate.fingerprint


def test_another_end_of_answers_is_another_candidate_though_thoughts_do_not_end_there(tmp_path):
    suite = load_suite(write_suite(tmp_path / "s"))
    other = replace(suite, decoding=replace(suite.decoding, stop=("\n",)))
    model = ScriptedModel({})
    candidate = make_candidate(suite, model, "spec", THINK)
    assert make_candidate(other, model, "spec", THINK).decoding == candidate.decoding
    assert make_candidate(other, model, "spec", THINK).fingerprint != candidate.fingerprint
    assert changed_since(other, candidate) == ("how reasoning and votes are done",)


def test_the_wording_of_version_1_is_this_one_for_ever():
    # A changed wording or extraction takes another version: stored candidates rest on it.
    assert answers.steps_fingerprint(THINK.technique, ()) == "f3a4613b16e6e675"


def test_the_documented_wording_is_the_one_that_is_asked():
    page = Path(__file__).parents[3] / "docs" / "prompting.md"
    assert REQUEST.strip() in " ".join(page.read_text().replace("\n> ", " ").split())


def test_a_plain_candidate_keeps_the_identity_it_had(tmp_path):
    suite = load_suite(write_suite(tmp_path / "s"))
    candidate = make_candidate(suite, ScriptedModel({}), "spec")
    assert candidate.steps_fingerprint == ""
